// SPDX-License-Identifier: Apache-2.0
#include "endpoint/wait_set_core.h"

#include <algorithm>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "endpoint/guarded.h"
#include "endpoint/messages.h"
#include "endpoint/waiting.h"
#include "wake/several.h"

namespace shmcomm::endpoint {
namespace {

// One futex_waitv costs 0.8 us for one word, 3 for eight, 55 for 128; from here on descriptors are cheaper.
constexpr std::size_t kMostBells = 8;
static_assert(kMostBells < platform::kMaxFutexTerms);

// The set's own event, beside the indices of members.
constexpr std::uint64_t kEventTag = UINT64_MAX;

}  // namespace

/// Inside every member for the length of one wait: none goes away under it.
class WaitSetCore::Visitors {
 public:
  explicit Visitors(WaitSetCore& set) : set_(set) {
    set_.inside_.reserve(set_.members_.size());  // before: what throws once one is entered would leave it so
    for (const Member& member : set_.members_) set_.inside_.push_back(static_cast<Waitable*>(member.door->Enter()));
  }
  Visitors(const Visitors&) = delete;
  Visitors& operator=(const Visitors&) = delete;
  ~Visitors() {
    set_.inside_.clear();
    for (const Member& member : set_.members_) member.door->Leave();
  }
  absl::Status Check() const {
    for (const Waitable* core : set_.inside_) {
      if (core == nullptr) return Closed();
      if (!core->IsThisProcess()) return Forked(core->name());
    }
    return absl::OkStatus();
  }

 private:
  WaitSetCore& set_;
};

/// Disarms every member when a sleep is over, whatever ended it: a puller that stayed in the queue would be called for a job
/// that it does not look for.
class WaitSetCore::Disarming {
 public:
  explicit Disarming(WaitSetCore& set) : set_(set) {}
  Disarming(const Disarming&) = delete;
  Disarming& operator=(const Disarming&) = delete;
  ~Disarming() {
    for (Waitable* core : set_.inside_) core->Disarm();
  }

 private:
  WaitSetCore& set_;
};

absl::StatusOr<WaitSet::Key> WaitSetCore::Add(std::shared_ptr<Door> door) {
  if (door == nullptr || door->Peek() == nullptr) return Closed();
  if (!door->Peek()->IsThisProcess()) return Forked(door->Peek()->name());
  const auto is_it = [&door](const Member& member) { return member.door == door; };
  if (std::any_of(members_.begin(), members_.end(), is_it)) {
    return absl::AlreadyExistsError(absl::StrCat(door->Peek()->name(), ": this endpoint is in the set already; add each once"));
  }
  members_.push_back(Member{next_key_, std::move(door)});
  return next_key_++;
}

void WaitSetCore::Remove(WaitSet::Key key) {
  const auto member = std::find_if(members_.begin(), members_.end(), [key](const Member& each) { return each.key == key; });
  if (member == members_.end()) return;
  members_.erase(member);
  // Indices are the tags of the poll, and a closed member's file may be another's number by now: watched anew.
  WatchNobody();
}

void WaitSetCore::WatchNobody() {
  poll_.Close();
  for (Member& each : members_) each.wake_file = nullptr;
}

absl::StatusOr<WaitSet::Ready> WaitSetCore::Wait(absl::Duration timeout) {
  const std::int64_t timeout_ns = WaitNs(timeout);
  const std::int64_t start_ns = platform::NowNs();
  ready_.clear();
  const Visitors visitors(*this);
  if (absl::Status inside = visitors.Check(); !inside.ok()) return inside;
  std::int64_t left_ns = timeout_ns;
  for (;;) {
    absl::StatusOr<bool> is_any = FindReady();
    if (!is_any.ok()) return is_any.status();
    if (*is_any || TakeWake() || left_ns <= 0) return WaitSet::Ready(ready_);
    if (absl::Status slept = SleepUnlessReady(left_ns); !slept.ok()) return slept;
    left_ns = timeout_ns == kForeverNs ? kForeverNs : timeout_ns - (platform::NowNs() - start_ns);
  }
}

absl::StatusOr<bool> WaitSetCore::FindReady() {
  const std::size_t count = inside_.size();
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t index = (first_ + i) % count;
    if (inside_[index]->is_cancelled()) return Cancelled(inside_[index]->name());
    if (inside_[index]->IsReady()) ready_.push_back(members_[index].key);
  }
  if (ready_.empty()) return false;
  first_ = (first_ + 1) % count;
  return true;
}

bool WaitSetCore::IsAnythingToSay() const {
  return is_woken_.load(std::memory_order_acquire) != 0 ||
         std::any_of(inside_.begin(), inside_.end(), [](Waitable* core) { return core->is_cancelled() || core->IsReady(); });
}

bool WaitSetCore::TakeWake() { return is_woken_.exchange(0, std::memory_order_acq_rel) != 0; }

void WaitSetCore::Wake() {
  is_woken_.store(1, std::memory_order_release);
  // Ordered by the word's change: a sleeper that saw the old word sees the wake flag, or does not sleep on that word.
  word_.fetch_add(1, std::memory_order_release);
  platform::FutexWakeAll(word_);
  // Private Dekker: flag, this fence, event read; and in SleepOnDescriptors event stored, the fence of ArmAll, flag read.
  base::FenceSeqCst();
  // acquire -> MakeEventAndPoll's store: the descriptor is made before anybody writes to it.
  const platform::KeptDescriptor* event = event_.load(std::memory_order_acquire);
  if (event != nullptr) platform::WriteEvent(*event);
}

absl::Status WaitSetCore::SleepUnlessReady(std::int64_t timeout_ns) {
  if (absl::Status slept = Sleep(std::min(timeout_ns, LongestSleepNs())); !slept.ok()) return slept;
  return IsAnythingToSay() ? absl::OkStatus() : AfterVainSleep();
}

absl::Status WaitSetCore::Sleep(std::int64_t timeout_ns) {
  const Disarming disarming(*this);
  if (members_.size() <= kMostBells && can_sleep_on_bells_) {
    can_sleep_on_bells_ = SleepOnBells(timeout_ns);
    if (can_sleep_on_bells_) return absl::OkStatus();
  }
  return SleepOnDescriptors(timeout_ns);
}

bool WaitSetCore::SleepOnBells(std::int64_t timeout_ns) {
  platform::FutexTerm terms[kMostBells + 1];
  std::size_t count = 0;
  // The order is the protocol: every word, then arm, one fence, look, sleep (I8, H19).
  terms[count++] = {&word_, word_.load(std::memory_order_acquire)};
  for (const Waitable* core : inside_) terms[count++] = {&core->bell(), core->bell().load(std::memory_order_acquire)};
  wake::ArmAll(inside_.begin(), inside_.end(), wake::Ear::kBell);
  return IsAnythingToSay() || platform::FutexWaitMany(terms, count, timeout_ns);
}

absl::Status WaitSetCore::SleepOnDescriptors(std::int64_t timeout_ns) {
  if (absl::Status watched = WatchDescriptors(); !watched.ok()) return watched;
  wake::ArmAll(inside_.begin(), inside_.end(), wake::Ear::kDescriptor);
  if (IsAnythingToSay()) return absl::OkStatus();
  constexpr std::size_t kMostTags = 32;
  std::uint64_t tags[kMostTags];
  const std::size_t count = platform::PollWait(poll_.get(), tags, kMostTags, timeout_ns);
  // Emptied here, before the next arming: a byte that comes later stays.
  for (std::size_t i = 0; i < count; ++i) {
    if (tags[i] == kEventTag) {
      platform::Drain(*events_.back());
    } else if (tags[i] < members_.size()) {  // after close_range the number may be a poll of the program's, with its tags
      platform::Drain(*members_[tags[i]].wake_file);
    }
  }
  return absl::OkStatus();
}

absl::Status WaitSetCore::WatchDescriptors() {
  // The set outlives members whose descriptors were closed under them, and its own, and may have got others.
  if (events_.empty() || !events_.back()->IsStillOurs() || !poll_.IsStillOurs()) {
    if (absl::Status made = MakeEventAndPoll(); !made.ok()) return made;
  }
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (members_[i].wake_file != nullptr) continue;
    if (absl::Status watched = WatchMember(i); !watched.ok()) return watched;
  }
  return absl::OkStatus();
}

absl::Status WaitSetCore::MakeEventAndPoll() {
  WatchNobody();
  if (events_.empty() || !events_.back()->IsStillOurs()) {
    absl::StatusOr<platform::Descriptor> event = platform::MakeEvent();
    if (!event.ok()) return event.status();
    events_.push_back(std::make_unique<platform::KeptDescriptor>(*std::move(event)));
    // seq_cst: Wake sees it, or we see Wake's flag behind the fence of ArmAll, which relies on an arming where there is any.
    event_.store(events_.back().get(), std::memory_order_seq_cst);
  }
  absl::StatusOr<platform::Descriptor> poll = platform::MakePoll();
  if (!poll.ok()) return poll.status();
  if (absl::Status added = platform::PollAdd(poll->get(), events_.back()->get(), kEventTag); !added.ok()) return added;
  poll_ = platform::KeptDescriptor(*std::move(poll));
  return absl::OkStatus();
}

absl::Status WaitSetCore::WatchMember(std::size_t index) {
  const absl::StatusOr<const platform::KeptDescriptor*> file = inside_[index]->WakeFile();
  if (!file.ok()) return file.status();
  if (absl::Status added = platform::PollAdd(poll_.get(), (*file)->get(), index); !added.ok()) return added;
  members_[index].wake_file = *file;
  return absl::OkStatus();
}

absl::Status WaitSetCore::AfterVainSleep() {
  for (Waitable* core : inside_) {
    if (absl::Status status = core->AfterVainSleep(); !status.ok()) return status;
  }
  return absl::OkStatus();
}

std::int64_t WaitSetCore::LongestSleepNs() const {
  std::int64_t longest_ns = wake::kMaxSleepNs;
  for (const Waitable* core : inside_) longest_ns = std::min(longest_ns, core->longest_sleep_ns());
  return longest_ns;
}

}  // namespace shmcomm::endpoint

namespace shmcomm {

// Null where memory had run out: a constructor cannot say so, and the next call does.
WaitSet::WaitSet() : core_(new (std::nothrow) endpoint::WaitSetCore()) {}
WaitSet::WaitSet(WaitSet&&) noexcept = default;
WaitSet& WaitSet::operator=(WaitSet&&) noexcept = default;
WaitSet::~WaitSet() = default;

absl::StatusOr<WaitSet::Key> WaitSet::AddDoor(DoorPointer door) {
  if (core_ == nullptr) return endpoint::OutOfMemory();
  return endpoint::Guarded([&] { return core_->Add(std::move(door)); });
}

void WaitSet::Remove(Key key) {
  if (core_ != nullptr) core_->Remove(key);
}

absl::StatusOr<WaitSet::Ready> WaitSet::Wait(absl::Duration timeout) {
  if (core_ == nullptr) return endpoint::OutOfMemory();
  return endpoint::Guarded([&] { return core_->Wait(timeout); });
}

void WaitSet::Wake() {
  if (core_ != nullptr) core_->Wake();
}

std::size_t WaitSet::size() const { return core_ != nullptr ? core_->size() : 0; }

}  // namespace shmcomm
