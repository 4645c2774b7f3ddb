// SPDX-License-Identifier: Apache-2.0
#include "endpoint/claiming_core.h"

#include <algorithm>
#include <iterator>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "endpoint/messages.h"
#include "registry/cleaner.h"

namespace shmcomm::endpoint {

absl::StatusOr<ClaimingCore::Opened> ClaimingCore::OpenSeat(const ChannelSpec& spec, const EndpointOptions& options,
                                                            std::optional<Verify> verify) {
  if (verify.has_value() && *verify < spec.qos.verify) return VerifyTooLax(spec, options);
  absl::StatusOr<channel::Channel> channel = channel::Channel::Open(spec, options, channel::Role::kReader);
  if (!channel.ok()) return channel.status();
  absl::StatusOr<registry::ReaderSeat> seat = registry::TakeReaderLine(channel->site());
  if (!seat.ok()) return Named(channel->name(), seat.status());
  registry::DescribeReader(channel->site(), *seat);
  return Opened{*std::move(channel), *std::move(seat)};
}

ClaimingCore::ClaimingCore(Opened opened, const ChannelSpec& spec, std::optional<Verify> verify, absl::Duration spin)
    : channel_(std::move(opened.channel)),
      seat_(std::move(opened.seat)),
      claimer_({channel_.site().ring, channel_.site().readers, seat_.line}),
      maps_(spec),
      verify_(verify.value_or(spec.qos.verify)),
      debug_(DebugLog::IfWanted(channel_.name(), channel_.site().roles)),
      wake_files_(channel_.site().wake_files()),
      turn_ringer_(channel_.site().turns(), &wake_files_),
      turns_(channel_.site().turns(), seat_.line),
      giving_way_(turns_, claimer_),
      room_bell_(*channel_.site().readers.wake),
      waiting_(ClaimerSleeper(turns_, claimer_, giving_way_), spin) {
  claimer_.Join();
  if (debug_ != nullptr) debug_->Opened(channel_.site().roles.reader, seat_.line);
}

// Never in a forked child: to it, samples are always alive.
ClaimingCore::~ClaimingCore() {
  try {
    registry::LeaveReaderLine(channel_.site(), seat_);
  } catch (const std::bad_alloc&) {
    // The next open cleans up, as after a death.
  }
}

void ClaimingCore::CloseHandle() {
  if (IsThisProcess()) turns_.HaveCome();
  // I17: a wake may have been spent on us, and from here on nobody spends one.
  if (IsThisProcess() && claimer_.IsAnyReady()) turn_ringer_.WakeOne();
  if (IsAnySampleAlive()) {
    orphans::Adopt(this);
  } else {
    delete this;
  }
}

bool ClaimingCore::IsAnySampleAlive() const {
  if (!IsThisProcess()) return true;
  return std::any_of(std::begin(is_taken_), std::end(is_taken_),
                     [](const auto& taken) { return taken.load(std::memory_order_acquire) != 0; });
}

std::uint32_t ClaimingCore::FreePlace() const {
  std::uint32_t place = 0;
  while (place < channel_.meta().max_borrowed && is_taken_[place].load(std::memory_order_acquire) != 0) ++place;
  return place;
}

void ClaimingCore::LeavePlace(std::uint32_t place) {
  // Release -> the acquire of FreePlace and IsAnySampleAlive.
  is_taken_[place].store(0, std::memory_order_release);
  orphans::ReapIfAny();
}

bool ClaimingCore::End(const ring::Claim& claim) {
  const bool was_ours = claimer_.Finish(claim);
  RingRoom();
  return was_ours;
}

bool ClaimingCore::Retry(const ring::Claim& claim) {
  const bool was_ours = claimer_.Retry(claim, channel_.meta().max_attempts);
  turn_ringer_.RingOne();
  RingRoom();
  return was_ours;
}

void ClaimingCore::GiveBack(const ring::Claim& claim) {
  claimer_.GiveBack(claim);
  turn_ringer_.RingOne();
}

ring::Claimer::NextResult ClaimingCore::ClaimNext() {
  const ring::Claimer::NextResult next = claimer_.Next();
  const bool was_called = turns_.HaveCome();
  if (was_called || next.outcome != ring::Claimer::Outcome::kEmpty) PassWakeOn();
  return next;
}

/// If more jobs lie there while somebody sleeps, their wakes may have been spent on us, or they were left to us.
void ClaimingCore::PassWakeOn() {
  if (turn_ringer_.IsAnyIdle() && claimer_.IsAvailable()) turn_ringer_.WakeOne();
}

std::uint32_t ClaimingCore::GenerationOf(std::uint32_t publisher) const {
  // E5 acquire <- registry::AnnouncePublisher release: the file of this generation is complete and linked. The id is not
  // given out again while a job of it is open (K9, K13).
  return channel_.site().ring.publishers[publisher].generation.load(std::memory_order_acquire);
}

void ClaimingCore::RememberHint(const ring::Claim& claim, const layout::SlotHeader& header) {
  const segment::SlotTable& slots = maps_[claim.entry.publisher()].slots;
  const std::uint16_t next_slot = base::LoadPlain(header.next_slot);
  if (next_slot >= slots.count) return;
  const std::byte* end = slots.MessageEnd(segment::SlotIndex{next_slot});
  waiting_.Hint(end, end - layout::kCacheLine);
}

void ClaimingCore::CountReceived(std::uint64_t messages, std::uint64_t bytes) {
  layout::ReaderLine& line = channel_.site().readers.lines[seat_.line];
  // relaxed: counters that tools read, ordered with nothing.
  line.received.store(messages, std::memory_order_relaxed);
  line.bytes.store(bytes, std::memory_order_relaxed);
}

absl::StatusOr<bool> ClaimingCore::Wait(absl::Duration timeout) {
  if (!IsThisProcess()) return Forked(name());
  if (is_cancelled()) return Cancelled(name());
  const bool is_available = WaitUntilAvailable(WaitNs(timeout));
  if (is_cancelled()) return Cancelled(name());
  if (is_available) return true;
  if (!seat_.membership.IsStillHeld()) return LockLost(name());
  return false;
}

bool ClaimingCore::WaitUntilAvailable(std::int64_t timeout_ns) {
  const auto is_available = [this] { return (claimer_.IsAvailable() && !IsGivingWay()) || is_cancelled(); };
  const auto may_go_on = [this] { return MayGoOn(); };
  // Whoever looks gets the next job before anybody who sleeps can be awake: where others sleep, we stand in the queue.
  const bool is_there = turn_ringer_.IsAnyIdle() ? waiting_.UntilAsleep(is_available, timeout_ns, may_go_on)
                                                 : waiting_.Until(is_available, timeout_ns, may_go_on);
  if (is_there) return true;
  // Waits that are shorter than a sleep may last look after the dead as often as one that is longer.
  const bool is_due = platform::NowNs() - looked_after_dead_ns_ >= wake::kMaxSleepNs;
  return is_due && MayGoOn() && claimer_.IsAnyReady() && !IsGivingWay();
}

bool ClaimingCore::MayGoOn() {
  looked_after_dead_ns_ = platform::NowNs();
  if (!seat_.membership.IsStillHeld()) return false;  // first: without descriptors it would ask another channel's locks
  registry::CleanDeadClaimers(channel_.site()).IgnoreError();  // a failure to look is nobody's death; we look again
  return true;
}

absl::Status ClaimingCore::AfterVainSleep() { return MayGoOn() ? absl::OkStatus() : LockLost(name()); }

absl::Status ClaimingCore::NothingWithin(absl::Duration timeout, const char* what) {
  PassTurnOn();
  if (is_cancelled()) return Cancelled(name());
  polled_.RearmForNext(*this);
  if (!seat_.membership.IsStillHeld()) return LockLost(name());
  return absl::DeadlineExceededError(absl::StrCat(
      name(), ": no ", what, " within ", absl::FormatDuration(std::max(timeout, absl::ZeroDuration()))));
}

}  // namespace shmcomm::endpoint
