// SPDX-License-Identifier: Apache-2.0
#include "endpoint/requester_core.h"

#include <algorithm>
#include <new>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "channel/descriptor.h"
#include "endpoint/messages.h"
#include "endpoint/status_message.h"
#include "platform/os.h"
#include "registry/reply_directory.h"

namespace shmcomm::endpoint {
namespace {

absl::StatusOr<std::uint32_t> MaxInFlight(const ChannelSpec& spec, const RequesterOptions& options) {
  if (options.max_in_flight == 0) return spec.qos.max_in_flight;
  if (options.max_in_flight <= spec.qos.max_in_flight) return options.max_in_flight;
  return OptionBeyond(spec, options, "max_in_flight", options.max_in_flight, spec.qos.max_in_flight, " at most");
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
  auto core = std::unique_ptr<RequesterCore>(new RequesterCore(*std::move(requests), *replies, spec, options, *max_in_flight));
  std::move(close).Cancel();   // not before: memory may run out
  core->requests_->TellOpened();
  return core;
}

RequesterCore::RequesterCore(std::unique_ptr<PublisherCore> requests, SubscriberCore* replies, const ChannelSpec& spec,
                             const RequesterOptions& options, std::uint32_t max_in_flight)
    : requests_(std::move(requests)),
      replies_(replies),
      calls_(max_in_flight),
      timeout_(spec.qos.timeout_ns == 0 ? absl::InfiniteDuration() : absl::Nanoseconds(spec.qos.timeout_ns)),
      is_waiting_for_replier_(options.wait_for_replier),
      publish_timeout_(options.publish_timeout) {}

RequesterCore::~RequesterCore() {
  if (IsThisProcess() && requests_->IsPlaceHeld()) {
    for (Call& call : calls_) {
      if (call.id != 0) Abandon(call);
    }
    try {
      registry::RemoveReplyDirectoriesOf(site().directory, requests_->id());
    } catch (const std::bad_alloc&) {
      // The next open cleans up, as after a death.
    }
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
  if (call == nullptr) return TooManyCalls();
  if (!MayCome()) return NoReplier();
  // What lies in the reply ring for calls that are over would fill it up. If it cannot be read, receiving says so.
  if (replies_->IsReady()) Collect(nullptr).IgnoreError();
  if (timeout <= absl::ZeroDuration()) timeout = timeout_;
  call->looked_after_ns = platform::NowNs();
  call->deadline_ns = EndNs(call->looked_after_ns, WaitNs(timeout));
  requests_->SetPublishTimeout(std::min(timeout, publish_timeout_));
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
  RearmDescriptor();  // there is a time to keep now
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
  Reply reply = Conclude(*call);
  if (reply.ok() && !reply->has_value()) reply = LookAfter(*call);
  RearmDescriptor();
  return reply;
}

absl::StatusOr<Sample> RequesterCore::Receive(CallId id) {
  if (!IsThisProcess()) return Forked(name());
  Call* call = Find(static_cast<std::uint64_t>(id));
  if (call == nullptr) return NoSuchCall();
  Reply reply = Conclude(*call);
  while (reply.ok() && !reply->has_value()) {
    if (is_cancelled()) {
      reply = GiveUp(*call, Cancelled(name()));
    } else {
      reply = Sleep(call, kForeverNs) ? Conclude(*call) : LookAfter(*call);
    }
  }
  RearmDescriptor();
  if (!reply.ok()) return reply.status();
  return **std::move(reply);
}

absl::StatusOr<bool> RequesterCore::WaitForReply(CallId id, absl::Duration timeout) {
  if (!IsThisProcess()) return Forked(name());
  const Call* call = Find(static_cast<std::uint64_t>(id));
  if (call == nullptr) return NoSuchCall();
  return WaitUntil(timeout, call, [&]() -> absl::StatusOr<bool> {
    if (absl::Status collected = Collect(call); !collected.ok()) return collected;
    return IsSettled(*call);
  });
}

absl::StatusOr<std::optional<CallId>> RequesterCore::WaitForAnyReply(absl::Duration timeout) {
  if (!IsThisProcess()) return Forked(name());
  std::optional<CallId> settled;
  const absl::StatusOr<bool> waited = WaitUntil(timeout, nullptr, [&]() -> absl::StatusOr<bool> {
    absl::Status collected = Collect(nullptr);
    // A schema that does not fit is said once of each replier: by receiving. There may be others' replies behind.
    for (std::uint32_t i = 0; absl::IsFailedPrecondition(collected) && i < layout::kMaxPublishers; ++i) collected = Collect(nullptr);
    if (const Call* call = OldestSettled()) settled = CallId{call->id};
    // What cannot be taken stays there, and no sleep would last.
    const bool stays = absl::IsResourceExhausted(collected) || absl::IsFailedPrecondition(collected);
    if (stays && !settled.has_value()) return collected;
    return settled.has_value();
  });
  if (!waited.ok()) return waited.status();
  return settled;
}

absl::StatusOr<bool> RequesterCore::WaitForRoom(absl::Duration timeout) {
  if (IsThisProcess() && FreePlace() == nullptr) return TooManyCalls();
  return requests_->WaitForRoom(timeout);
}

/// Sleeps until `is_done()` says so: true; or `timeout` has passed: false.
template <class IsDone>
absl::StatusOr<bool> RequesterCore::WaitUntil(absl::Duration timeout, const Call* wanted, IsDone&& is_done) {
  const std::int64_t end_ns = EndNs(platform::NowNs(), WaitNs(timeout));
  for (;;) {
    absl::StatusOr<bool> done = is_done();
    if (!done.ok()) RearmDescriptor();
    if (!done.ok() || *done) return done;
    if (is_cancelled()) return Cancelled(name());
    const std::int64_t left_ns = LeftNs(platform::NowNs(), end_ns);
    if (left_ns <= 0) break;
    if (Sleep(wanted, left_ns)) continue;
    if (absl::Status alive = AfterVainSleep(); !alive.ok()) return alive;
  }
  RearmDescriptor();
  return false;
}

void RequesterCore::Forget(CallId id) {
  Call* call = IsThisProcess() ? Find(static_cast<std::uint64_t>(id)) : nullptr;
  if (call == nullptr) return;
  Abandon(*call);
  RearmDescriptor();
}

/// Takes the replies that lie in the ring, each for its call, until that of `wanted`, or all. The first reply of a call
/// wins; what nobody waits for is late.
absl::Status RequesterCore::Collect(const Call* wanted) {
  while (wanted == nullptr || !wanted->reply.has_value()) {
    absl::StatusOr<std::optional<Sample>> taken = replies_->TryTake();
    if (absl::IsDataLoss(taken.status())) continue;   // skipped and counted there; its call ends without a reply
    if (absl::IsResourceExhausted(taken.status()) && CopyKept()) continue;
    if (absl::IsFailedPrecondition(taken.status())) schema_error_ = MarkMaybeExecuted(taken.status());
    if (!taken.ok()) return taken.status();
    if (!taken->has_value()) return absl::OkStatus();
    Call* call = Find(replies_->correlation());
    if (call == nullptr || call->reply.has_value()) {
      ++stats_.late;
    } else {
      call->reply = **std::move(taken);
      call->is_reply_ours = replies_->IsFromThisUser(*call->reply);
    }
  }
  return absl::OkStatus();
}

/// What was taken and not received yet goes on as copies, so that it does not count as borrowed. False when nothing did.
bool RequesterCore::CopyKept() {
  bool any = false;
  for (Call& call : calls_) {
    if (!call.reply.has_value() || SubscriberCore::IsDetached(*call.reply)) continue;
    call.reply = SubscriberCore::Detach(*call.reply);
    any = true;
  }
  return any;
}

/// The reply, or that it cannot be read; an empty optional while there is none.
RequesterCore::Reply RequesterCore::Conclude(Call& call) {
  absl::Status collected = Collect(&call);
  if (call.reply.has_value()) return EndWith(call, *std::exchange(call.reply, std::nullopt));
  if (collected.ok()) return std::nullopt;
  if (!absl::IsFailedPrecondition(collected)) return collected;   // too many borrowed: the reply stays where it is
  End(call);                                                      // said once: the replier's other replies are skipped
  return schema_error_;
}

RequesterCore::Reply RequesterCore::EndWith(Call& call, Sample reply) {
  is_last_reply_ours_ = call.is_reply_ours;
  End(call);
  ++stats_.received;
  if (reply.codec() != Codec::kStatus) return std::optional<Sample>(std::move(reply));
  return DecodeStatus({reinterpret_cast<const char*>(reply.data()), reply.size()});
}

void RequesterCore::End(Call& call) {
  call.id = 0;
  call.reply.reset();
}

bool RequesterCore::IsBegun(const Call& call) const {
  const ring::ClaimWord claim = ClaimOf(call);
  return claim.lap() == site().ring.Lap(call.sequence) && claim.state() == ring::ClaimState::kClaimed;
}

/// True when receiving it would say something.
bool RequesterCore::IsSettled(const Call& call) const {
  return call.reply.has_value() || IsOver(call) || platform::NowNs() >= call.deadline_ns || (!MayCome() && !IsBegun(call));
}

bool RequesterCore::IsReady() {
  Collect(nullptr).IgnoreError();   // receiving says what is wrong
  return OldestSettled() != nullptr;
}

/// Of the calls whose replies were collected; null when there is none.
RequesterCore::Call* RequesterCore::OldestSettled() {
  Call* oldest = nullptr;
  for (Call& call : calls_) {
    const bool is_older = call.id != 0 && (oldest == nullptr || call.id < oldest->id);
    if (is_older && IsSettled(call)) oldest = &call;
  }
  return oldest;
}

bool RequesterCore::IsAnyOver() const {
  return std::any_of(calls_.begin(), calls_.end(), [this](const Call& call) { return call.id != 0 && IsOver(call); });
}

/// True when a reply may have come. Sleeps no longer than a death may cost, and wakes when the request is over.
bool RequesterCore::Sleep(const Call* wanted, std::int64_t timeout_ns) {
  const std::int64_t due_ns = wanted == nullptr ? longest_sleep_ns() : LeftNs(platform::NowNs(), wanted->deadline_ns);
  timeout_ns = std::min({timeout_ns, due_ns, kMaxReplySleepNs});
  return timeout_ns > 0 &&
         replies_->WaitUnless([&] { return wanted == nullptr ? IsAnyOver() : IsOver(*wanted); }, timeout_ns);
}

void RequesterCore::Cancel() {
  requests_->Cancel();  // a send may wait for room
  replies_->Cancel();   // ends our waits for replies, which are its
  Waitable::Cancel();
}

std::int64_t RequesterCore::longest_sleep_ns() const {
  std::int64_t longest_ns = kForeverNs;
  for (const Call& call : calls_) {
    if (call.id == 0) continue;
    longest_ns = std::min({longest_ns, kMaxReplySleepNs, LeftNs(platform::NowNs(), call.deadline_ns)});
  }
  return std::max<std::int64_t>(longest_ns, 1);
}

absl::Status RequesterCore::AfterVainSleep() {
  if (!requests_->IsPlaceHeld()) return LockLost(name());
  for (Call& call : calls_) {
    if (call.id != 0) LookAfterReplier(call);
  }
  return replies_->AfterVainSleep();
}

absl::StatusOr<const platform::KeptDescriptor*> RequesterCore::WakeFile() {
  absl::StatusOr<const platform::KeptDescriptor*> file = replies_->WakeFile();
  if (file.ok()) RouseThrough(*file);
  return file;
}

absl::Status RequesterCore::TooManyCalls() const {
  return absl::ResourceExhaustedError(absl::StrCat(name(), ": ", calls_.size(), " of ", calls_.size(),
                                                   " calls are unanswered; receive or forget one",
                                                   OrRaise(requests_->meta(), "max_in_flight", calls_.size(), layout::kMaxInFlight)));
}

absl::Status RequesterCore::NoSuchCall() const {
  return absl::InvalidArgumentError(
      absl::StrCat(name(), ": no such call: it was received, forgotten or over before, or belongs to another requester; receive each "
                           "once, through the one that sent it"));
}

}  // namespace shmcomm::endpoint
