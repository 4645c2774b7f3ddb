// SPDX-License-Identifier: Apache-2.0
// Calls that get no reply: their repliers have died or never come, their time is over, or nobody wants them any more.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "endpoint/messages.h"
#include "endpoint/requester_core.h"
#include "endpoint/status_message.h"
#include "platform/os.h"
#include "registry/cleaner.h"
#include "wake/room.h"

namespace shmcomm::endpoint {
namespace {

// Where nobody has begun a request there is no death to hurry for; whether any replier is left is looked at less often.
constexpr std::int64_t kReplierCheckNs = 100'000'000;

// How soon a requester that waits for a replier sees one.
constexpr std::int64_t kReplierPollNs = 5'000'000;

}  // namespace

/// What can be said of a call without a reply; an empty optional while it may still come.
RequesterCore::Reply RequesterCore::LookAfter(Call& call) {
  if (!requests_->IsPlaceHeld()) return GiveUp(call, LockLost(name()));
  LookAfterReplier(call);
  // A replier answers before it ends its claim: once that is seen, every reply that will ever exist is there (I18).
  if (IsOver(call)) {
    Reply reply = Conclude(call);
    if (reply.ok() && !reply->has_value()) return WithoutReply(call);
    return reply;
  }
  if (platform::NowNs() >= call.deadline_ns) {
    ++stats_.timed_out;
    return GiveUp(call, TimedOut(call));
  }
  if (!MayCome() && TakeBack(call)) {
    End(call);
    ++stats_.died;
    return NoReplier();
  }
  return std::nullopt;
}

/// Cleans up after the replier that has the request, or after all where none has, if they have died. Our lock is held.
void RequesterCore::LookAfterReplier(Call& call) {
  const std::int64_t now_ns = platform::NowNs();
  const ring::ClaimWord claim = ClaimOf(call);
  const bool is_begun = IsBegun(call);
  if (now_ns - call.looked_after_ns < (is_begun ? kMaxReplySleepNs / 2 : kReplierCheckNs)) return;
  call.looked_after_ns = now_ns;
  if (!is_begun) {
    registry::CleanDeadReaders(site()).IgnoreError();
    return;
  }
  const std::uint32_t line = claim.owner() - 1;
  if (line >= site().readers.count) return;   // I9
  call.claimer_pid = base::LoadPlain(site().readers.lines[line].pid);
  // A failure to look is not the replier's death; the next round looks again.
  registry::CleanReaderIfDead(site(), line).IgnoreError();
}

absl::Status RequesterCore::GiveUp(Call& call, absl::Status why) {
  const bool is_untouched = TakeBack(call);
  if (!is_untouched) requests_->MarkAbandoned(call.slot);
  End(call);
  return is_untouched ? why : MarkMaybeExecuted(std::move(why));
}

void RequesterCore::Abandon(Call& call) {
  if (!TakeBack(call) && !IsOver(call)) requests_->MarkAbandoned(call.slot);
  End(call);
}

/// True when no replier has begun the request, and now none will.
bool RequesterCore::TakeBack(const Call& call) {
  if (!ring::CancelJob(site().ring, site().readers, call.sequence)) return false;
  wake::RoomBell(*site().readers.wake).RingIfArmed();
  return true;
}

absl::Status RequesterCore::TimedOut(const Call& call) const {
  const bool is_begun = ClaimOf(call).lap() == site().ring.Lap(call.sequence);
  return absl::DeadlineExceededError(
      absl::StrCat(name(), ": not answered in time; ",
                   is_begun ? "a replier has begun the request: allow it more time"
                   : IsAnyReplier() ? "every replier was busy: start more, or allow more time"
                                    : "no replier is attached: start one"));
}

/// Why a request that is over has no reply.
absl::Status RequesterCore::WithoutReply(Call& call) {
  const ring::ClaimWord claim = ClaimOf(call);
  const bool has_died = claim.lap() == site().ring.Lap(call.sequence) && claim.state() == ring::ClaimState::kFailed;
  const std::uint32_t pid = call.claimer_pid;
  End(call);
  ++stats_.died;
  if (!has_died && !schema_error_.ok()) return schema_error_;
  const std::string who = pid == 0 ? "its replier" : absl::StrCat("its replier, pid ", pid, ",");
  return MarkMaybeExecuted(absl::UnavailableError(
      has_died ? absl::StrCat(name(), ": ", who, " died at the request, which may have been executed: see whether it was "
                              "before you repeat it, or declare the channel idempotent")
               : absl::StrCat(name(), ": the reply was lost: ", who, " could not publish it, or it could not be "
                              "read; see whether the request was executed before you repeat it")));
}

absl::Status RequesterCore::NoReplier() const {
  return absl::UnavailableError(
      absl::StrCat(name(), ": no replier is attached, so the request was not executed; start one, or open the "
                           "requester with wait_for_replier"));
}

bool RequesterCore::IsAnyReplier() const {
  const ring::ReadersView& readers = site().readers;
  for (std::uint32_t line = 0; line < readers.count; ++line) {
    // relaxed: a hint. A replier that is just joining or leaving may be missed or believed.
    const ring::CursorWord word{readers.lines[line].cursor.load(std::memory_order_relaxed)};
    if (word.state() != ring::ReaderState::kFree) return true;
  }
  return false;
}

absl::StatusOr<bool> RequesterCore::WaitForReplier(absl::Duration timeout) {
  if (!IsThisProcess()) return Forked(name());
  const std::int64_t end_ns = EndNs(platform::NowNs(), WaitNs(timeout));
  for (;;) {
    if (is_cancelled()) return Cancelled(name());
    if (!requests_->IsPlaceHeld()) return LockLost(name());
    if (IsAnyReplier()) {
      registry::CleanDeadReaders(site()).IgnoreError();   // one that died does not count
      if (IsAnyReplier()) return true;
    }
    const std::int64_t left_ns = LeftNs(platform::NowNs(), end_ns);
    if (left_ns <= 0) return false;
    const std::uint32_t seen = bell().load(std::memory_order_acquire);
    platform::FutexWait(bell(), seen, std::min(left_ns, kReplierPollNs));   // nobody rings for it
  }
}

}  // namespace shmcomm::endpoint
