// SPDX-License-Identifier: Apache-2.0
#include "endpoint/replier_core.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/crash_point.h"
#include "channel/descriptor.h"
#include "endpoint/copied_message.h"
#include "endpoint/messages.h"
#include "endpoint/status_message.h"
#include "platform/os.h"
#include "registry/cleaner.h"
#include "wake/room.h"

namespace shmcomm::endpoint {
namespace {

// Requests skipped in one call before its caller hears of it.
constexpr int kMaxSkips = 1024;

PublisherOptions ReplyOptions(const ReplierOptions& options) {
  PublisherOptions replies;
  static_cast<EndpointOptions&>(replies) = options;
  replies.max_size = options.max_reply_size;
  return replies;
}

/// True when the requester that reads these replies has closed, or was found dead.
bool HasLeft(const PublisherCore& replies) {
  const ring::CursorWord reader{replies.site().readers.lines[0].cursor.load(std::memory_order_acquire)};
  return reader.state() == ring::ReaderState::kFree;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ReplierCore>> ReplierCore::Open(const ChannelSpec& spec, const ReplierOptions& options) {
  if (options.verify.has_value() && *options.verify < spec.qos.verify) {
    return absl::InvalidArgumentError("option verify may only be stricter than the channel's");
  }
  const ChannelSpec replies = channel::ReplySpec(spec);
  if (absl::Status checked = PublisherCore::CheckOptions(replies, ReplyOptions(options)); !checked.ok()) return checked;
  absl::StatusOr<channel::Channel> channel = channel::Channel::Open(spec, options, channel::Role::kReader);
  if (!channel.ok()) return channel.status();
  absl::StatusOr<registry::ReaderSeat> seat = registry::TakeReaderLine(channel->site());
  if (!seat.ok()) return Named(channel->name(), seat.status());
  registry::DescribeReader(channel->site(), *seat);
  return std::unique_ptr<ReplierCore>(new ReplierCore(*std::move(channel), *std::move(seat), spec, options));
}

ReplierCore::ReplierCore(channel::Channel channel, registry::ReaderSeat seat, const ChannelSpec& spec,
                         const ReplierOptions& options)
    : channel_(std::move(channel)),
      seat_(std::move(seat)),
      spec_(spec),
      claimer_({channel_.site().ring, channel_.site().readers, seat_.line}),
      maps_(spec),
      waiting_(wake::TurnSleeper(channel_.site().turns(), seat_.line), options.spin),
      verify_(options.verify.value_or(spec.qos.verify)),
      reply_options_(ReplyOptions(options)),
      places_(channel_.meta().max_borrowed) {
  claimer_.Join();
}

ReplierCore::~ReplierCore() {
  if (!IsThisProcess()) return;
  for (Place& place : places_) {
    if (place.is_open) FailAt(place, absl::UnavailableError(absl::StrCat(name(), ": the replier closed"))).IgnoreError();
  }
  if (claimer_.IsAnyReady()) wake::TurnRinger(channel_.site().turns()).WakeOne();   // a wake spent on us goes on (I17)
  registry::LeaveReaderLine(channel_.site(), seat_);
}

ReplierCore::Place* ReplierCore::FreePlace() {
  const auto free = std::find_if(places_.begin(), places_.end(), [](const Place& place) { return !place.is_open; });
  return free == places_.end() ? nullptr : &*free;
}

absl::StatusOr<std::optional<Request>> ReplierCore::TryTake() {
  if (!IsThisProcess()) return Forked(name());
  Place* place = FreePlace();
  if (place == nullptr) return TooManyOpen();
  return TakeInto(*place);
}

absl::StatusOr<Request> ReplierCore::Take(absl::Duration timeout) {
  if (!IsThisProcess()) return Forked(name());
  Place* place = FreePlace();
  if (place == nullptr) return TooManyOpen();
  const std::int64_t timeout_ns = WaitNs(timeout);
  const std::int64_t start_ns = platform::NowNs();
  for (;;) {
    if (is_cancelled_.exchange(0, std::memory_order_relaxed) != 0) {
      return absl::CancelledError(absl::StrCat(name(), ": taking requests was cancelled"));
    }
    absl::StatusOr<std::optional<Request>> request = TakeInto(*place);
    if (!request.ok()) return request.status();
    if (request->has_value()) return **std::move(request);
    const std::int64_t waited_ns = platform::NowNs() - start_ns;
    if (waited_ns >= timeout_ns) break;
    WaitUntilAvailable(timeout_ns == kForeverNs ? kForeverNs : timeout_ns - waited_ns);
    if (!seat_.membership.IsStillHeld()) return LockLost(name());
  }
  return absl::DeadlineExceededError(
      absl::StrCat(name(), ": no request within ", absl::FormatDuration(std::max(timeout, absl::ZeroDuration()))));
}

void ReplierCore::WaitUntilAvailable(std::int64_t timeout_ns) {
  // Asked while it spins, and once more over the whole ring when its bit is set and it is about to sleep.
  const auto is_available = [this] { return claimer_.IsAvailable() || IsCancelled() || claimer_.IsAnyReady(); };
  waiting_.Until(is_available, timeout_ns, [this] {
    registry::CleanDeadClaimers(channel_.site()).IgnoreError();   // what the dead had taken may be for us
    return seat_.membership.IsStillHeld();
  });
}

void ReplierCore::Cancel() {
  is_cancelled_.store(1, std::memory_order_relaxed);
  wake::RingUnconditionally(channel_.site().readers.lines[seat_.line].bell);
}

absl::StatusOr<std::optional<Request>> ReplierCore::TakeInto(Place& place) {
  for (int skips = 0; skips < kMaxSkips; ++skips) {
    switch (LookOnce(place)) {
      case Look::kRequest:
        return std::optional<Request>(MakeRequest(place));
      case Look::kSkipped:
        continue;
      case Look::kEmpty:
        return std::nullopt;
      case Look::kError:
        return std::move(error_);
    }
  }
  return std::nullopt;
}

ReplierCore::Look ReplierCore::LookOnce(Place& place) {
  const ring::Claimer::NextResult next = claimer_.Next();
  if (next.outcome == ring::Claimer::Outcome::kEmpty) return Look::kEmpty;
  place = Place{};
  place.claim = next.claim;
  PassWakeOn();
  if (next.outcome == ring::Claimer::Outcome::kCorrupt) return Look::kSkipped;   // failed already; its publisher is nobody
  return Resolve(place);
}

/// If more requests lie there while somebody sleeps, their wakes may have been spent on us.
void ReplierCore::PassWakeOn() {
  wake::TurnRinger ringer(channel_.site().turns());
  if (ringer.IsAnyIdle() && claimer_.IsAvailable()) ringer.WakeOne();
}

ReplierCore::Look ReplierCore::Resolve(Place& place) {
  const std::uint32_t requester = place.claim.entry.publisher();
  // E5 acquire <- registry::AnnouncePublisher release: the file of this generation is complete and linked. The id is not
  // given out again while the request is open (K9).
  place.generation = channel_.site().ring.publishers[requester].generation.load(std::memory_order_acquire);
  place.is_open = true;
  if (maps_[requester].generation != place.generation) {
    if (absl::Status mapped = Map(requester, place.generation); !mapped.ok()) return Refuse(place, mapped);
  }
  const ring::Resolved message =
      ring::Resolve(maps_[requester], place.generation, {place.claim.entry, place.claim.sequence, 0});
  if (message.resolution != ring::Resolution::kMessage) {
    return Refuse(place, absl::DataLossError(absl::StrCat(name(), ": a request does not make sense in shared memory")));
  }
  place.header = message.header;
  place.correlation = base::LoadPlain(message.header->correlation);
  place.bytes = message.bytes;
  if (!maps_[requester].is_compatible) {
    return Refuse(place, absl::FailedPreconditionError(absl::StrCat(name(), ": the replier cannot read the requester's schema")));
  }
  if (message.header->abandoned.load(std::memory_order_relaxed) != 0) {   // relaxed: a hint
    ++stats_.late;
    End(place);
    return Look::kSkipped;
  }
  if (verify_ == Verify::kUntrusted) place.copy = CopyOf(message.message, message.bytes);
  return Look::kRequest;
}

absl::Status ReplierCore::Map(std::uint32_t requester, std::uint32_t generation) {
  const bool is_any_open = std::count_if(places_.begin(), places_.end(), [](const Place& p) { return p.is_open; }) > 1;
  if (maps_.HasRetired() && !is_any_open) maps_.DropRetired();
  absl::Status mapped = maps_.Map(channel_, requester, generation);
  return absl::IsFailedPrecondition(mapped) ? absl::OkStatus() : mapped;   // then the row says so
}

/// Ends a request that cannot be given to the program, and tells its caller why if it can be told.
ReplierCore::Look ReplierCore::Refuse(Place& place, const absl::Status& why) {
  if (absl::IsResourceExhausted(why)) {   // descriptors or memory ran out here: another replier may have some
    claimer_.GiveBack(place.claim);
    place.is_open = false;
    wake::TurnRinger(channel_.site().turns()).RingOne();
    error_ = Named(name(), why);
    return Look::kError;
  }
  ++stats_.refused;
  if (place.header != nullptr) {
    FailAt(place, why).IgnoreError();
  } else {
    End(place);   // whose request it was cannot be read; its caller learns that it is over without a reply
  }
  return Look::kSkipped;
}

Request ReplierCore::MakeRequest(Place& place) {
  Request request;
  request.core_ = this;
  request.place_ = static_cast<std::uint32_t>(&place - places_.data());
  request.data_ = place.copy != nullptr ? place.copy : reinterpret_cast<const std::uint8_t*>(place.header) - place.bytes;
  request.size_ = place.bytes;
  request.codec_ = static_cast<Codec>(base::LoadPlain(place.header->codec));
  request.sequence_ = place.claim.sequence;
  request.publish_ns_ = base::LoadPlain(place.header->publish_ns);
  request.requester_ = place.claim.entry.publisher();
  request.attempt_ = place.claim.attempt;
  ++stats_.received;
  // relaxed: counters that tools read, ordered with nothing.
  channel_.site().readers.lines[seat_.line].received.store(stats_.received, std::memory_order_relaxed);
  return request;
}

/// Ends the claim, after the reply (I18). False when it was not ours any more.
bool ReplierCore::End(Place& place) {
  SHMCOMM_CRASH_POINT("endpoint.reply.before_end");
  const bool was_ours = claimer_.Finish(place.claim);
  wake::RoomBell(*channel_.site().readers.wake).RingIfArmedAfterRmw();
  if (place.copy != nullptr) DropCopy(place.copy, place.bytes);
  place.copy = nullptr;
  place.is_open = false;
  return was_ours;
}

absl::StatusOr<PublisherCore*> ReplierCore::RepliesTo(const Place& place) {
  ReplyRing& ring = replies_[place.claim.entry.publisher()];
  if (ring.core == nullptr || ring.generation != place.generation) {
    absl::StatusOr<std::unique_ptr<PublisherCore>> opened = OpenReplies(place);
    if (!opened.ok()) return opened.status();
    ring.core = *std::move(opened);
    ring.generation = place.generation;
  }
  if (HasLeft(*ring.core)) return Gone();
  return ring.core.get();
}

absl::StatusOr<std::unique_ptr<PublisherCore>> ReplierCore::OpenReplies(const Place& place) {
  DropOfThoseWhoLeft();
  absl::StatusOr<channel::Channel> channel = channel_.OpenReplies(place.claim.entry.publisher(), place.generation);
  if (absl::IsNotFound(channel.status())) return Gone();
  if (!channel.ok()) return Named(name(), channel.status());
  absl::StatusOr<registry::PublisherSeat> seat = registry::TakePublisherId(channel->site());
  if (!seat.ok()) return Named(name(), seat.status());
  auto core = PublisherCore::Join(*std::move(channel), *std::move(seat), channel::ReplySpec(spec_), reply_options_);
  return absl::IsNotFound(core.status()) ? Gone() : std::move(core);   // the directory went meanwhile
}

/// Rings of requesters that have been succeeded or have closed: their memory goes back to the system.
void ReplierCore::DropOfThoseWhoLeft() {
  for (ReplyRing& ring : replies_) {
    if (ring.core == nullptr || ring.core->IsLoanOut()) continue;
    if (HasLeft(*ring.core)) ring = ReplyRing{};
  }
}

absl::StatusOr<Loan> ReplierCore::LendReply(const Request& request) {
  if (!IsThisProcess()) return Forked(name());
  const Place& place = places_[request.place_];
  if (place.header->abandoned.load(std::memory_order_relaxed) != 0) return NobodyWaits();
  absl::StatusOr<PublisherCore*> replies = RepliesTo(place);
  if (!replies.ok()) return replies.status();
  return (*replies)->Lend();
}

template <class Publish>
absl::Status ReplierCore::Answer(Request& request, Publish&& publish) {
  if (!IsThisProcess()) return Forked(name());
  Place& place = places_[request.place_];
  absl::Status answered = AnswerAt(place, std::forward<Publish>(publish));
  if (!place.is_open) request.core_ = nullptr;
  return answered;
}

/// Publishes an answer and ends the claim. After kInvalidArgument and kOutOfRange the request is still open.
template <class Publish>
absl::Status ReplierCore::AnswerAt(Place& place, Publish&& publish) {
  absl::Status answered = NobodyWaits();
  if (place.header->abandoned.load(std::memory_order_relaxed) == 0) {
    const absl::StatusOr<PublisherCore*> replies = RepliesTo(place);
    if (replies.ok()) {
      (*replies)->SetCorrelation(place.correlation);
      answered = publish(**replies);
      if (absl::IsInvalidArgument(answered) || absl::IsOutOfRange(answered)) return answered;
    } else {
      answered = replies.status();
    }
  }
  Count(answered);
  const bool was_ours = End(place);
  // Not published, and over all the same: the requester sees that only when it is woken.
  if (!answered.ok()) RingRequester(place);
  if (answered.ok() && !was_ours) return LockLost(name());
  return answered;
}

void ReplierCore::Count(const absl::Status& answered) {
  if (answered.ok()) {
    ++stats_.replied;
  } else if (absl::IsDeadlineExceeded(answered) || absl::IsUnavailable(answered)) {
    ++stats_.late;
  } else {
    ++stats_.errors;
  }
}

void ReplierCore::RingRequester(const Place& place) {
  const ReplyRing& ring = replies_[place.claim.entry.publisher()];
  if (ring.core == nullptr || ring.generation != place.generation) return;   // it looks by itself within 20 ms
  wake::RingUnconditionally(ring.core->site().ring.header->bell);
}

absl::Status ReplierCore::Reply(Request& request, Loan loan) {
  return Answer(request, [&](PublisherCore& replies) { return replies.Publish(std::move(loan)); });
}

absl::Status ReplierCore::ReplyRaw(Request& request, Loan loan, Codec codec) {
  return Answer(request, [&](PublisherCore& replies) { return replies.PublishRaw(std::move(loan), codec); });
}

absl::Status ReplierCore::ReplyCopy(Request& request, const void* data, std::size_t bytes, Codec codec) {
  return Answer(request, [&](PublisherCore& replies) { return replies.PublishCopy(data, bytes, codec); });
}

absl::Status ReplierCore::Fail(Request& request, const absl::Status& error) {
  if (error.ok()) return absl::InvalidArgumentError("an answer that is no error is a reply");
  if (!IsThisProcess()) return Forked(name());
  request.core_ = nullptr;
  return FailAt(places_[request.place_], error);
}

absl::Status ReplierCore::FailAt(Place& place, const absl::Status& error) {
  return AnswerAt(place, [&](PublisherCore& replies) {
    const std::string message = EncodeStatus(error, replies.max_message_bytes());
    return replies.PublishCopy(message.data(), message.size(), Codec::kStatus);
  });
}

absl::Status ReplierCore::TooManyOpen() const {
  return absl::ResourceExhaustedError(absl::StrCat(name(), ": ", places_.size(), " of ", places_.size(),
                                                   " requests are open; answer one, or raise max_borrowed"));
}

absl::Status ReplierCore::Gone() const {
  return absl::UnavailableError(absl::StrCat(name(), ": the requester is gone"));
}

absl::Status ReplierCore::NobodyWaits() const {
  return absl::DeadlineExceededError(absl::StrCat(name(), ": the requester no longer waits; the reply was dropped"));
}

}  // namespace shmcomm::endpoint
