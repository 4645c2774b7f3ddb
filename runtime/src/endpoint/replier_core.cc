// SPDX-License-Identifier: Apache-2.0
#include "endpoint/replier_core.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/crash_point.h"
#include "channel/descriptor.h"
#include "endpoint/copied_message.h"
#include "endpoint/guarded.h"
#include "endpoint/messages.h"
#include "endpoint/status_message.h"
#include "platform/os.h"
#include "wake/room.h"

namespace shmcomm::endpoint {
namespace {

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

/// Whether nobody can get the answer any more, whatever it is.
bool IsUndeliverable(const absl::Status& answered) {
  return absl::IsDeadlineExceeded(answered) || absl::IsUnavailable(answered);
}

}  // namespace

absl::StatusOr<ReplierCore*> ReplierCore::Open(const ChannelSpec& spec, const ReplierOptions& options) {
  const ChannelSpec replies = channel::ReplySpec(spec);
  if (absl::Status checked = PublisherCore::CheckOptions(replies, ReplyOptions(options), "max_reply_size"); !checked.ok()) {
    return checked;
  }
  absl::StatusOr<Opened> opened = OpenSeat(spec, options, options.verify);
  if (!opened.ok()) return opened.status();
  return new ReplierCore(*std::move(opened), spec, options);
}

ReplierCore::ReplierCore(Opened opened, const ChannelSpec& spec, const ReplierOptions& options)
    : ClaimingCore(std::move(opened), spec, options.verify, options.spin),
      spec_(spec),
      reply_options_(ReplyOptions(options)),
      places_(channel_.meta().max_borrowed) {}

absl::StatusOr<std::optional<Request>> ReplierCore::TryTake() {
  if (!IsThisProcess()) return Forked(name());
  Look look = IsPolled() ? LookForRequestInTurn() : LookForRequest();
  if (look == Look::kEmpty && Rearm()) look = LookForRequestInTurn();
  if (look == Look::kFound) return MakeRequest();
  if (look == Look::kError) return std::move(error_);
  PrefetchHinted();
  return std::nullopt;
}

absl::StatusOr<Request> ReplierCore::Take(absl::Duration timeout) {
  if (!IsThisProcess()) return Forked(name());
  if (is_cancelled()) return Cancelled(name());
  const auto look_for_request = [this] { return LookForRequestInTurn(); };
  const auto wait = [this](std::int64_t left_ns) { return WaitUntilAvailable(left_ns) && !is_cancelled(); };
  const Look look = LookWithin(timeout, look_for_request, wait);
  if (look == Look::kFound) return MakeRequest();
  if (look == Look::kError) return std::move(error_);
  return NothingWithin(timeout, "request");
}

Look ReplierCore::LookForRequest() {
  return LookPastSkipped([this] { return LookOnce(); });
}

/// The same for who waits, and so gives way to others who do.
Look ReplierCore::LookForRequestInTurn() {
  return IsGivingWay() ? Look::kEmpty : LookForRequest();
}

Look ReplierCore::LookOnce() {
  place_ = FreePlace();
  if (IsFull(place_)) {
    PassTurnOn();
    return claimer_.IsAvailable() ? Failed(TooManyOpen()) : Look::kEmpty;
  }
  const ring::Claimer::NextResult next = ClaimNext();
  if (next.outcome == ring::Claimer::Outcome::kEmpty) return Look::kEmpty;
  if (next.outcome == ring::Claimer::Outcome::kCorrupt) {   // failed already; its publisher is nobody
    RingRoom();
    return Look::kSkipped;
  }
  places_[place_] = Place{};
  places_[place_].claim = next.claim;
  return Resolve(places_[place_]);
}

Look ReplierCore::Resolve(Place& place) {
  const std::uint32_t requester = place.claim.entry.publisher();
  place.generation = GenerationOf(requester);
  if (maps_[requester].generation != place.generation) {
    if (!seat_.membership.IsStillHeld()) {
      GiveBack(place.claim);  // as a puller (PullerCore::MapAndResolve)
      return Failed(LockLost(name()));
    }
    if (const absl::Status mapped = Map(requester, place.generation); !mapped.ok()) return Refuse(place, mapped);
  }
  const ring::Resolved message =
      ring::Resolve(maps_[requester], place.generation, {place.claim.entry, place.claim.sequence, 0});
  if (message.resolution != ring::Resolution::kMessage) {
    return Refuse(place, absl::DataLossError(
                             absl::StrCat(name(), ": a request does not make sense in shared memory; send it again")));
  }
  place.header = message.header;
  place.correlation = base::LoadPlain(message.header->correlation);
  place.bytes = message.bytes;
  if (!maps_[requester].is_compatible) {
    return Refuse(place, absl::FailedPreconditionError(absl::StrCat(name(), ": the replier cannot read the requester's schema; "
                                                                            "rebuild both from one channel file")));
  }
  if (message.header->abandoned.load(std::memory_order_relaxed) != 0) {   // relaxed: a hint
    ++stats_.late;
    EndClaim(place);
    return Look::kSkipped;
  }
  if (verify_ == Verify::kUntrusted) place.copy = CopyOf(message.message, message.bytes);
  return Look::kFound;
}

absl::Status ReplierCore::Map(std::uint32_t requester, std::uint32_t generation) {
  if (maps_.HasRetired() && !IsAnySampleAlive()) maps_.DropRetired();
  absl::Status mapped = maps_.Map(channel_, requester, generation);
  return absl::IsFailedPrecondition(mapped) ? absl::OkStatus() : mapped;   // then the row says so
}

/// Ends a request that cannot be given to the program, and tells its caller why if it can be told.
Look ReplierCore::Refuse(Place& place, const absl::Status& why) {
  if (absl::IsResourceExhausted(why)) {   // descriptors or memory ran out here: another replier may have some
    GiveBack(place.claim);
    return Failed(Named(name(), why));
  }
  ++stats_.refused;
  if (place.header != nullptr) {
    EndWith(place, PublishError(place, why)).IgnoreError();
  } else {
    EndClaim(place);   // whose request it was cannot be read; its caller learns that it is over without a reply
  }
  return Look::kSkipped;
}

Look ReplierCore::Failed(absl::Status error) {
  error_ = std::move(error);
  return Look::kError;
}

Request ReplierCore::MakeRequest() {
  const Place& place = places_[place_];
  Request request;
  request.core_ = this;
  request.place_ = place_;
  request.data_ = place.copy != nullptr ? place.copy : reinterpret_cast<const std::uint8_t*>(place.header) - place.bytes;
  request.size_ = place.bytes;
  request.codec_ = static_cast<Codec>(base::LoadPlain(place.header->codec));
  request.sequence_ = place.claim.sequence;
  request.publish_ns_ = base::LoadPlain(place.header->publish_ns);
  request.requester_ = place.claim.entry.publisher();
  request.attempt_ = place.claim.attempt;
  request.is_from_this_user_ = IsFromThisUser(request.requester_);
  TakePlace(place_);
  RememberHint(place.claim, *place.header);
  CountReceived(++stats_.received, bytes_ += place.bytes);
  if (debug_ != nullptr) debug_->Received(place.claim.sequence, place.bytes);
  return request;
}

/// Ends the claim, after the reply (I18). False when it was not ours any more.
bool ReplierCore::EndClaim(Place& place) {
  SHMCOMM_CRASH_POINT("endpoint.reply.before_end");
  const bool was_ours = End(place.claim);
  if (place.copy != nullptr) DropCopy(place.copy, place.bytes);
  place.copy = nullptr;
  return was_ours;
}

absl::StatusOr<PublisherCore*> ReplierCore::RepliesTo(const Place& place) {
  if (place.header->abandoned.load(std::memory_order_relaxed) != 0) return NobodyWaits();   // relaxed: a hint
  ReplyRing& ring = replies_[place.claim.entry.publisher()];
  if (ring.core == nullptr || ring.generation != place.generation) {
    absl::StatusOr<std::unique_ptr<PublisherCore>> opened = OpenReplies(place);
    if (!opened.ok()) return opened.status();
    if (ring.core != nullptr && ring.core->IsLoanOut()) succeeded_.push_back(std::move(ring.core));
    ring.core = *std::move(opened);
    ring.generation = place.generation;
  }
  if (HasLeft(*ring.core)) return Gone();
  return ring.core.get();
}

absl::StatusOr<std::unique_ptr<PublisherCore>> ReplierCore::OpenReplies(const Place& place) {
  DropOfThoseWhoLeft();
  if (!seat_.membership.IsStillHeld()) return LockLost(name());  // as in Resolve
  absl::StatusOr<channel::Channel> channel = channel_.OpenReplies(place.claim.entry.publisher(), place.generation);
  if (absl::IsNotFound(channel.status())) return Gone();
  if (!channel.ok()) return Named(name(), channel.status());
  absl::StatusOr<registry::PublisherSeat> seat = registry::TakePublisherId(channel->site());
  if (absl::IsNotFound(seat.status())) return Gone();   // the directory is being removed
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
  const auto is_unused = [](const auto& core) { return !core->IsLoanOut(); };
  succeeded_.erase(std::remove_if(succeeded_.begin(), succeeded_.end(), is_unused), succeeded_.end());
}

bool ReplierCore::IsAnySampleAlive() const {
  // Requests first: while one is open, its thread may change what is looked at then.
  if (ClaimingCore::IsAnySampleAlive()) return true;
  const auto is_lent = [](const auto& core) { return core != nullptr && core->IsLoanOut(); };
  return std::any_of(succeeded_.begin(), succeeded_.end(), is_lent) ||
         std::any_of(replies_.begin(), replies_.end(), [&](const ReplyRing& ring) { return is_lent(ring.core); });
}

absl::StatusOr<Loan> ReplierCore::LendReply(Request& request) {
  if (!IsThisProcess()) return Forked(name());
  const Place& place = places_[request.place_];
  if (IsReplyLent(place)) return LentAlready();
  absl::StatusOr<PublisherCore*> replies = RepliesTo(place);
  if (replies.ok()) return (*replies)->Lend(place.correlation);
  return IsUndeliverable(replies.status()) ? EndRequest(request, replies.status()) : replies.status();
}

bool ReplierCore::IsReplyLent(const Place& place) const {
  const ReplyRing& ring = replies_[place.claim.entry.publisher()];
  return ring.core != nullptr && ring.generation == place.generation && ring.core->IsLoanOutFor(place.correlation);
}

/// After kInvalidArgument and kOutOfRange the request is still open.
template <class Publish>
absl::Status ReplierCore::Answer(Request& request, Publish publish) {
  if (!IsThisProcess()) return Forked(name());
  absl::Status answered = PublishAnswer(places_[request.place_], std::move(publish));
  if (absl::IsInvalidArgument(answered) || absl::IsOutOfRange(answered)) return answered;
  return EndRequest(request, std::move(answered));
}

absl::Status ReplierCore::EndRequest(Request& request, absl::Status answered) {
  const std::uint32_t place = request.place_;
  request.core_ = nullptr;
  absl::Status ended = EndWith(places_[place], std::move(answered));
  LeavePlace(place);
  return ended;
}

/// A loan within `publish` goes when this returns: before the core may. Guarded here: the request ends all the same.
template <class Publish>
absl::Status ReplierCore::PublishAnswer(const Place& place, Publish publish) {
  return Guarded([&]() -> absl::Status {
    const absl::StatusOr<PublisherCore*> replies = RepliesTo(place);
    if (!replies.ok()) return replies.status();
    (*replies)->SetCorrelation(place.correlation);
    return publish(**replies);
  });
}

absl::Status ReplierCore::EndWith(Place& place, absl::Status answered) {
  Count(answered);
  const bool was_ours = EndClaim(place);
  // Not published, and over all the same: the requester sees that only when it is woken.
  if (!answered.ok()) RingRequester(place);
  if (answered.ok() && !was_ours) return LockLost(name());
  return answered;
}

void ReplierCore::Count(const absl::Status& answered) {
  if (answered.ok()) {
    ++stats_.replied;
  } else if (IsUndeliverable(answered)) {
    ++stats_.late;
  } else {
    ++stats_.errors;
  }
}

void ReplierCore::RingRequester(const Place& place) {
  const ReplyRing& ring = replies_[place.claim.entry.publisher()];
  if (ring.core == nullptr || ring.generation != place.generation) return;   // it looks by itself within 20 ms
  wake::RingAllUnconditionally(*ring.core->site().readers.wake, ring.core->site().wake_files());
}

absl::Status ReplierCore::Reply(Request& request, Loan loan) {
  return Answer(request, [loan = std::move(loan)](PublisherCore& replies) mutable { return replies.Publish(std::move(loan)); });
}

absl::Status ReplierCore::ReplyRaw(Request& request, Loan loan, Codec codec) {
  return Answer(request, [loan = std::move(loan), codec](PublisherCore& replies) mutable {
    return replies.PublishRaw(std::move(loan), codec);
  });
}

absl::Status ReplierCore::ReplyCopy(Request& request, const void* data, std::size_t bytes, Codec codec) {
  return Answer(request, [&](PublisherCore& replies) { return replies.PublishCopy(data, bytes, codec); });
}

absl::Status ReplierCore::Fail(Request& request, const absl::Status& error) {
  if (error.ok()) return absl::InvalidArgumentError(name() + ": an answer that is no error is a reply; call Reply");
  if (!IsThisProcess()) return Forked(name());
  return EndRequest(request, PublishError(places_[request.place_], error));
}

void ReplierCore::Drop(Request& request) {
  if (!IsThisProcess()) return;
  EndRequest(request, Guarded([&] {
    return PublishError(places_[request.place_], absl::AbortedError("the replier dropped the request without an answer"));
  })).IgnoreError();
}

absl::Status ReplierCore::PublishError(const Place& place, const absl::Status& error) {
  return PublishAnswer(place, [&](PublisherCore& replies) {
    const std::string message = EncodeStatus(error, replies.max_message_bytes());
    return replies.PublishCopy(message.data(), message.size(), Codec::kStatus);
  });
}

absl::Status ReplierCore::TooManyOpen() const {
  return absl::ResourceExhaustedError(absl::StrCat(name(), ": ", places_.size(), " of ", places_.size(),
                                                   " requests are open; answer one",
                                                   OrRaise(channel_.meta(), "max_borrowed", places_.size(), layout::kMaxHazards)));
}

absl::Status ReplierCore::LentAlready() const {
  return absl::FailedPreconditionError(absl::StrCat(name(), ": this request's reply is being built in another loan; ",
                                                    "use or drop that first"));
}

absl::Status ReplierCore::Gone() const {
  return absl::UnavailableError(absl::StrCat(name(), ": the requester is gone and the request over; go on with the next"));
}

absl::Status ReplierCore::NobodyWaits() const {
  return absl::DeadlineExceededError(absl::StrCat(name(), ": the requester no longer waits; the reply was dropped: answer sooner, "
                                                          "or let it wait longer"));
}

}  // namespace shmcomm::endpoint
