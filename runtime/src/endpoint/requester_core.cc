// SPDX-License-Identifier: Apache-2.0
#include "endpoint/requester_core.h"

#include <algorithm>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "channel/descriptor.h"
#include "endpoint/messages.h"
#include "endpoint/status_message.h"
#include "platform/os.h"
#include "registry/cleaner.h"
#include "registry/reply_directory.h"
#include "wake/room.h"

namespace shmcomm::endpoint {
namespace {

// How long a requester sleeps without a look at whether its replier has died: what a death may cost its caller.
constexpr std::int64_t kMaxReplySleepNs = 20'000'000;

// Where nobody has begun a request there is no death to hurry for; whether any replier is left is looked at less often.
constexpr std::int64_t kReplierCheckNs = 100'000'000;

// How soon a requester that waits for a replier sees one.
constexpr std::int64_t kReplierPollNs = 5'000'000;

absl::StatusOr<std::uint32_t> MaxInFlight(const ChannelSpec& spec, const RequesterOptions& options) {
  if (options.max_in_flight == 0) return spec.qos.max_in_flight;
  if (options.max_in_flight <= spec.qos.max_in_flight) return options.max_in_flight;
  return absl::InvalidArgumentError(absl::StrCat("option max_in_flight is ", options.max_in_flight,
                                                 ", the channel allows ", spec.qos.max_in_flight, " at most"));
}

/// Replies as their subscriber sees them.
SubscriberOptions ReplyOptions(const RequesterOptions& options) {
  SubscriberOptions replies;
  replies.spin = options.spin;
  replies.verify = options.verify;
  return replies;
}

PublisherOptions RequestOptions(const RequesterOptions& options) {
  PublisherOptions requests;
  static_cast<EndpointOptions&>(requests) = options;
  requests.max_size = options.max_size;
  requests.max_loans = options.max_loans;
  return requests;
}

std::int64_t After(std::int64_t now_ns, std::int64_t timeout_ns) {
  return timeout_ns >= kForeverNs - now_ns ? kForeverNs : now_ns + timeout_ns;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RequesterCore>> RequesterCore::Open(const ChannelSpec& spec, const RequesterOptions& options) {
  absl::StatusOr<std::uint32_t> max_in_flight = MaxInFlight(spec, options);
  if (!max_in_flight.ok()) return max_in_flight.status();
  const PublisherOptions request_options = RequestOptions(options);
  if (absl::Status checked = PublisherCore::CheckOptions(spec, request_options); !checked.ok()) return checked;
  absl::StatusOr<channel::Channel> channel = channel::Channel::Open(spec, options, channel::Role::kWriter);
  if (!channel.ok()) return channel.status();
  absl::StatusOr<registry::PublisherSeat> seat = registry::TakePublisherId(channel->site());
  if (!seat.ok()) return Named(channel->name(), seat.status());
  const std::uint32_t id = seat->id;
  // Before the requester is announced: whoever takes a request of it finds where to answer.
  auto reply_channel = channel->CreateReplies(id, seat->generation);
  if (!reply_channel.ok()) return Named(channel->name(), reply_channel.status());
  absl::StatusOr<SubscriberCore*> replies = SubscriberCore::Join(*std::move(reply_channel), channel::ReplySpec(spec), ReplyOptions(options));
  if (!replies.ok()) return replies.status();
  absl::Cleanup close = [&] { (*replies)->CloseHandle(); };
  auto requests = PublisherCore::Join(*std::move(channel), *std::move(seat), spec, request_options);
  if (!requests.ok()) return requests.status();   // what lies in the directory is removed by the next who opens
  std::move(close).Cancel();
  return std::unique_ptr<RequesterCore>(new RequesterCore(*std::move(requests), *replies, spec, options, *max_in_flight));
}

RequesterCore::RequesterCore(std::unique_ptr<PublisherCore> requests, SubscriberCore* replies, const ChannelSpec& spec,
                             const RequesterOptions& options, std::uint32_t max_in_flight)
    : requests_(std::move(requests)),
      replies_(replies),
      calls_(max_in_flight),
      timeout_(spec.qos.timeout_ns == 0 ? absl::InfiniteDuration() : absl::Nanoseconds(spec.qos.timeout_ns)),
      is_waiting_for_replier_(options.wait_for_replier) {}

RequesterCore::~RequesterCore() {
  if (IsThisProcess()) {
    for (Call& call : calls_) {
      if (call.id != 0) Abandon(call);
    }
    registry::RemoveReplyDirectoriesOf(site().directory, requests_->id());
  }
  calls_.clear();
  replies_->CloseHandle();
}

ring::ClaimWord RequesterCore::ClaimOf(const Call& call) const {
  // E9 acquire <- Claimer::Finish release, after the replier published its answer (I18).
  return ring::ClaimWord{site().readers.ClaimAt(call.sequence).load(std::memory_order_acquire)};
}

RequesterCore::Call* RequesterCore::Find(std::uint64_t id) {
  const auto found = std::find_if(calls_.begin(), calls_.end(), [id](const Call& call) { return call.id == id; });
  return id == 0 || found == calls_.end() ? nullptr : &*found;
}

absl::StatusOr<RequesterCore::Call*> RequesterCore::Prepare(absl::Duration timeout) {
  if (!IsThisProcess()) return Forked(name());
  Call* call = FreePlace();
  if (call == nullptr) {
    return absl::ResourceExhaustedError(absl::StrCat(name(), ": ", calls_.size(), " of ", calls_.size(),
                                                     " calls are unanswered; receive or forget one, or raise max_in_flight"));
  }
  if (!is_waiting_for_replier_ && !IsAnyReplier()) return NoReplier();
  if (absl::Status passed = PassUnwanted(); !passed.ok()) return passed;
  if (timeout <= absl::ZeroDuration()) timeout = timeout_;
  call->deadline_ns = After(platform::NowNs(), WaitNs(timeout));
  requests_->SetPublishTimeout(timeout);
  requests_->SetCorrelation(last_id_ + 1);
  return call;
}

RequesterCore::Call* RequesterCore::FreePlace() {
  for (Call& call : calls_) {
    if (call.id == 0) return &call;
  }
  // Calls that nobody came for in time are over.
  const std::int64_t now_ns = platform::NowNs();
  for (Call& call : calls_) {
    if (call.reply.has_value() || call.deadline_ns > now_ns) continue;
    ++stats_.timed_out;
    Abandon(call);
    return &call;
  }
  return nullptr;
}

CallId RequesterCore::Start(Call& call) {
  call.id = ++last_id_;
  call.sequence = requests_->last_sequence();
  call.slot = requests_->last_slot();
  call.claimer_pid = 0;
  ++stats_.sent;
  return CallId{call.id};
}

absl::Status RequesterCore::Refuse(absl::Status status) {
  ++stats_.errors;
  return status;
}

absl::StatusOr<std::optional<Sample>> RequesterCore::TryReceive(CallId id) {
  if (!IsThisProcess()) return Forked(name());
  Call* call = Find(static_cast<std::uint64_t>(id));
  if (call == nullptr) return NoSuchCall();
  Reply reply = Drain(*call);
  if (!reply.ok() || reply->has_value()) return reply;
  return LookAfter(*call);
}

absl::StatusOr<Sample> RequesterCore::Receive(CallId id) {
  if (!IsThisProcess()) return Forked(name());
  Call* call = Find(static_cast<std::uint64_t>(id));
  if (call == nullptr) return NoSuchCall();
  for (;;) {
    Reply reply = Drain(*call);
    if (reply.ok() && !reply->has_value()) {
      if (WaitForReply(*call)) continue;
      reply = LookAfter(*call);
    }
    if (!reply.ok()) return reply.status();
    if (reply->has_value()) return **std::move(reply);
  }
}

void RequesterCore::Forget(CallId id) {
  Call* call = IsThisProcess() ? Find(static_cast<std::uint64_t>(id)) : nullptr;
  if (call != nullptr) Abandon(*call);
}

/// Takes replies by their entries until that of `wanted` is found. Those of other calls are kept for them.
RequesterCore::Reply RequesterCore::Drain(Call& wanted) {
  if (wanted.reply.has_value()) return EndWith(wanted, *std::exchange(wanted.reply, std::nullopt));
  for (;;) {
    absl::StatusOr<std::optional<Sample>> taken = replies_->TryTake();
    if (absl::IsDataLoss(taken.status())) continue;   // skipped and counted there; its call ends without a reply
    if (!taken.ok()) return TakeFailed(wanted, taken.status());
    if (!taken->has_value()) return std::nullopt;
    Call* call = Find(replies_->correlation());
    if (call == &wanted) return EndWith(wanted, **std::move(taken));
    Keep(call, **taken);
  }
}

absl::Status RequesterCore::TakeFailed(Call& wanted, absl::Status error) {
  if (!absl::IsFailedPrecondition(error)) return error;   // too many borrowed: the reply stays where it is
  schema_error_ = MarkMaybeExecuted(error);               // said once: the replier's other replies are skipped
  End(wanted);
  return schema_error_;
}

/// A reply that another call than the one waited for is to get: the first of a call wins, and what nobody waits for is late.
void RequesterCore::Keep(Call* call, const Sample& reply) {
  if (call == nullptr || call->reply.has_value()) {
    ++stats_.late;
    return;
  }
  call->reply = SubscriberCore::Detach(reply);
}

/// Lets go of what lies in the reply ring for calls that are over, so that it does not fill up.
absl::Status RequesterCore::PassUnwanted() {
  while (replies_->IsAvailable()) {
    absl::StatusOr<std::optional<Sample>> taken = replies_->TryTake();
    if (absl::IsDataLoss(taken.status())) continue;
    if (absl::IsResourceExhausted(taken.status())) return absl::OkStatus();   // the caller may still send
    if (!taken.ok()) {
      schema_error_ = MarkMaybeExecuted(taken.status());
      return absl::OkStatus();
    }
    if (!taken->has_value()) return absl::OkStatus();
    Keep(Find(replies_->correlation()), **taken);
  }
  return absl::OkStatus();
}

RequesterCore::Reply RequesterCore::EndWith(Call& call, Sample reply) {
  End(call);
  ++stats_.received;
  if (reply.codec() != Codec::kStatus) return std::optional<Sample>(std::move(reply));
  return DecodeStatus({reinterpret_cast<const char*>(reply.data()), reply.size()});
}

void RequesterCore::End(Call& call) {
  call.id = 0;
  call.reply.reset();
}

/// True when a reply may have come. Sleeps no longer than a death may cost, and wakes when the request is over.
bool RequesterCore::WaitForReply(const Call& call) {
  const std::int64_t left_ns = call.deadline_ns == kForeverNs ? kForeverNs : call.deadline_ns - platform::NowNs();
  // Relaxed: the bell that Cancel rings after it orders the two.
  const auto is_cancelled = [this] { return is_cancelled_.load(std::memory_order_relaxed) != 0; };
  if (left_ns <= 0 || is_cancelled()) return false;
  return replies_->WaitUnless([&] { return IsOver(call) || is_cancelled(); }, std::min(left_ns, kMaxReplySleepNs));
}

/// What can be said of a call without a reply; an empty optional while it may still come.
RequesterCore::Reply RequesterCore::LookAfter(Call& call) {
  if (is_cancelled_.exchange(0, std::memory_order_relaxed) != 0) {
    return GiveUp(call, absl::CancelledError(absl::StrCat(name(), ": the call was cancelled")));
  }
  LookAfterReplier(call);
  // A replier answers before it ends its claim: once that is seen, every reply that will ever exist is there (I18).
  if (IsOver(call)) {
    Reply reply = Drain(call);
    if (reply.ok() && !reply->has_value()) return WithoutReply(call);
    return reply;
  }
  if (platform::NowNs() >= call.deadline_ns) {
    ++stats_.timed_out;
    return GiveUp(call, TimedOut(call));
  }
  if (!is_waiting_for_replier_ && !IsAnyReplier() && TakeBack(call)) {
    End(call);
    ++stats_.died;
    return NoReplier();
  }
  return std::nullopt;
}

/// Cleans up after the replier that has the request, or after all where none has, if they have died.
void RequesterCore::LookAfterReplier(Call& call) {
  const std::int64_t now_ns = platform::NowNs();
  const ring::ClaimWord claim = ClaimOf(call);
  const bool is_begun = claim.lap() == site().ring.Lap(call.sequence) && claim.state() == ring::ClaimState::kClaimed;
  if (now_ns - looked_after_ns_ < (is_begun ? kMaxReplySleepNs / 2 : kReplierCheckNs)) return;
  looked_after_ns_ = now_ns;
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

void RequesterCore::Cancel() {
  is_cancelled_.store(1, std::memory_order_relaxed);
  replies_->RingOwnBell();
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
  const std::int64_t end_ns = After(platform::NowNs(), WaitNs(timeout));
  for (;;) {
    const std::uint32_t seen = replies_->bell().load(std::memory_order_acquire);
    if (is_cancelled_.exchange(0, std::memory_order_relaxed) != 0) {
      return absl::CancelledError(absl::StrCat(name(), ": the wait for a replier was cancelled"));
    }
    if (IsAnyReplier()) {
      registry::CleanDeadReaders(site()).IgnoreError();   // one that died does not count
      if (IsAnyReplier()) return true;
    }
    const std::int64_t left_ns = end_ns - platform::NowNs();
    if (left_ns <= 0) return false;
    platform::FutexWait(replies_->bell(), seen, std::min(left_ns, kReplierPollNs));   // nobody rings for it
  }
}

absl::Status RequesterCore::NoReplier() const {
  return absl::UnavailableError(
      absl::StrCat(name(), ": no replier is attached, so the request was not executed; start one, wait with "
                           "WaitForReplier, or set wait_for_replier"));
}

absl::Status RequesterCore::NoSuchCall() const {
  return absl::InvalidArgumentError(
      absl::StrCat(name(), ": no such call: it was received, forgotten or over before, or belongs to another requester"));
}

absl::Status RequesterCore::TimedOut(const Call& call) const {
  const bool is_begun = site().readers.has_claims() && ClaimOf(call).lap() == site().ring.Lap(call.sequence);
  return absl::DeadlineExceededError(
      absl::StrCat(name(), ": not answered in time; ",
                   is_begun ? "a replier has begun the request" : IsAnyReplier() ? "every replier was busy" : "no replier is attached"));
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
      has_died ? absl::StrCat(name(), ": ", who, " died at the request, which may have been executed")
               : absl::StrCat(name(), ": the reply was lost: ", who, " could not publish it, or it could not be read")));
}

}  // namespace shmcomm::endpoint
