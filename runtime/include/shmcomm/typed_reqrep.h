// SPDX-License-Identifier: Apache-2.0
// Typed requesters and repliers. A generated reqrep channel is a type `Channel` with
//   using Request = robot::Twist;  using Reply = robot::Ack;  static const shmcomm::ChannelSpec& Spec();
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "flatbuffers/flatbuffers.h"
#include "shmcomm/replier.h"
#include "shmcomm/requester.h"
#include "shmcomm/typed_message.h"

namespace shmcomm {

/// Calls the repliers of one channel. See Requester for blocking, threads and errors. A timeout of zero is the channel's.
template <class Channel>
class TypedRequester {
 public:
  using Request = typename Channel::Request;
  using Reply = typename Channel::Reply;
  using ReplySample = TypedSample<Reply>;

  static absl::StatusOr<TypedRequester> Open(const RequesterOptions& options = {}) {
    absl::StatusOr<Requester> raw = Requester::Open(Channel::Spec(), options);
    if (!raw.ok()) return raw.status();
    return TypedRequester(*std::move(raw));
  }

  /// Sends a request and waits for its reply. `request` is a struct, or builds a table: a callable that takes a builder
  /// and returns the root's offset.
  template <class R>
  absl::StatusOr<ReplySample> Call(R&& request, absl::Duration timeout = absl::ZeroDuration()) {
    absl::StatusOr<CallId> call = Send(std::forward<R>(request), timeout);
    if (!call.ok()) return call.status();
    return Receive(*call);
  }

  /// A slot whose builder writes the request in place. Tables only.
  template <class M = Request, std::enable_if_t<kIsTable<M>, int> = 0>
  absl::StatusOr<TypedLoan<M>> Loan() {
    absl::StatusOr<shmcomm::Loan> loan = raw_.Loan();
    if (!loan.ok()) return loan.status();
    return TypedLoan<M>(*std::move(loan));
  }

  /// Finishes `root` and sends it; several calls may be on their way at once.
  template <class M = Request, std::enable_if_t<kIsTable<M>, int> = 0>
  absl::StatusOr<CallId> Send(TypedLoan<M> loan, flatbuffers::Offset<M> root,
                              absl::Duration timeout = absl::ZeroDuration()) {
    loan.builder().Finish(root);
    return raw_.Send(std::move(loan).Release(), timeout);
  }

  /// Builds with `build(builder)`, which returns the root's offset, and sends.
  template <class Build, class M = Request, std::enable_if_t<kIsTable<M> && internal::kIsBuild<Build>, int> = 0>
  absl::StatusOr<CallId> Send(Build&& build, absl::Duration timeout = absl::ZeroDuration()) {
    absl::StatusOr<TypedLoan<M>> loan = Loan();
    if (!loan.ok()) return loan.status();
    const flatbuffers::Offset<M> root = std::forward<Build>(build)(loan->builder());
    return Send(*std::move(loan), root, timeout);
  }

  /// Sends a struct: plain bytes, copied once into the slot.
  template <class M = Request, std::enable_if_t<!kIsTable<M>, int> = 0>
  absl::StatusOr<CallId> Send(const M& request, absl::Duration timeout = absl::ZeroDuration()) {
    return raw_.SendCopy(&request, sizeof(M), Codec::kStruct, timeout);
  }

  /// The reply to `call`, waiting for it until the call's time is over. Errors: those of Requester::Receive; kDataLoss for a
  /// reply that is no valid `Reply`. Whatever is returned but kResourceExhausted, the call is over.
  absl::StatusOr<ReplySample> Receive(CallId call) {
    absl::StatusOr<Sample> reply = raw_.Receive(call);
    if (!reply.ok()) return reply.status();
    if (absl::Status checked = Check(*reply); !checked.ok()) return checked;
    return ReplySample(*std::move(reply));
  }

  /// The same without waiting: an empty optional while there is no reply. Goes on after Cancel.
  absl::StatusOr<std::optional<ReplySample>> TryReceive(CallId call) {
    absl::StatusOr<std::optional<Sample>> reply = raw_.TryReceive(call);
    if (!reply.ok()) return reply.status();
    if (!reply->has_value()) return std::optional<ReplySample>();
    if (absl::Status checked = Check(**reply); !checked.ok()) return checked;
    return std::optional<ReplySample>(ReplySample(**std::move(reply)));
  }

  /// Waits until `call` is settled, by a reply or an error: true; or until `timeout` passes: false. The call goes on either
  /// way, and its time with it. Errors as Requester::WaitForReply.
  absl::StatusOr<bool> WaitForReply(CallId call, absl::Duration timeout) { return raw_.WaitForReply(call, timeout); }

  /// The same for whichever call is settled first, which it names. Empty when `timeout` passed. Errors: kCancelled ·
  /// kFailedPrecondition.
  absl::StatusOr<std::optional<CallId>> WaitForAnyReply(absl::Duration timeout) { return raw_.WaitForAnyReply(timeout); }

  /// Gives a call up, at any time. Its request is taken back if no replier has begun it. Unknown calls are ignored.
  void Forget(CallId call) { raw_.Forget(call); }

  /// Waits until the channel has room for a request: true, though another requester may take it first; or until `timeout`
  /// passes: false. On the requester's thread. Errors: kResourceExhausted max_in_flight calls are unanswered, so that no
  /// wait helps · kCancelled · kFailedPrecondition closed, forked.
  absl::StatusOr<bool> WaitForRoom(absl::Duration timeout) { return raw_.WaitForRoom(timeout); }

  /// Waits until a replier is attached. False when `timeout` passed. Errors: kFailedPrecondition · kCancelled.
  absl::StatusOr<bool> WaitForReplier(absl::Duration timeout) { return raw_.WaitForReplier(timeout); }

  /// A descriptor for epoll, select or an event loop, readable while a call is settled; made at the first call and closed with
  /// the requester. Do not read or close it. How it is armed again, and errors: Requester::fd.
  absl::StatusOr<int> fd() { return raw_.fd(); }

  /// Waits answer kCancelled from now on, the one that goes on at this moment too; a call received so is given up. What need
  /// not wait goes on. Does not block. From any thread, and from signal handlers, while the requester lives.
  void Cancel() { raw_.Cancel(); }

  /// Leaves the channel, and takes back requests that nobody has begun. Another thread may close while this one is inside a
  /// wait, a WaitSet's too, which then answers kCancelled; Close returns when it has.
  void Close() { raw_.Close(); }
  bool is_open() const { return raw_.is_open(); }
  const std::string& channel() const { return raw_.channel(); }
  RequesterStats stats() const { return raw_.stats(); }
  Requester& raw() { return raw_; }

 private:
  explicit TypedRequester(Requester raw) : raw_(std::move(raw)), verify_(raw_.verify()) {}

  absl::Status Check(const Sample& reply) const {
    return internal::CheckMessage<Reply>(reply.data(), reply.size(), verify_, raw_.channel(), Channel::Spec().reply);
  }

  Requester raw_;
  Verify verify_;
};

/// A request of one channel, read in place and answered exactly once. See Request for lifetime and errors.
template <class Channel>
class TypedRequest {
 public:
  using Message = typename Channel::Request;
  using ReplyMessage = typename Channel::Reply;

  explicit TypedRequest(Request request) : raw_(std::move(request)) {}

  const Message* get() const { return internal::MessageAt<Message>(raw_.data()); }
  const Message* operator->() const { return get(); }
  const Message& operator*() const { return *get(); }

  /// A slot whose builder writes the reply in place. Tables only.
  template <class M = ReplyMessage, std::enable_if_t<kIsTable<M>, int> = 0>
  absl::StatusOr<TypedLoan<M>> ReplyLoan() {
    absl::StatusOr<Loan> loan = raw_.ReplyLoan();
    if (!loan.ok()) return loan.status();
    return TypedLoan<M>(*std::move(loan));
  }

  /// Finishes `root` and answers with it.
  template <class M = ReplyMessage, std::enable_if_t<kIsTable<M>, int> = 0>
  absl::Status Reply(TypedLoan<M> loan, flatbuffers::Offset<M> root) {
    loan.builder().Finish(root);
    return raw_.Reply(std::move(loan).Release());
  }

  /// Builds with `build(builder)`, which returns the root's offset, and answers.
  template <class Build, class M = ReplyMessage, std::enable_if_t<kIsTable<M> && internal::kIsBuild<Build>, int> = 0>
  absl::Status Reply(Build&& build) {
    absl::StatusOr<TypedLoan<M>> loan = ReplyLoan();
    if (!loan.ok()) return loan.status();
    const flatbuffers::Offset<M> root = std::forward<Build>(build)(loan->builder());
    return Reply(*std::move(loan), root);
  }

  /// Answers with a struct: plain bytes, copied once into the slot.
  template <class M = ReplyMessage, std::enable_if_t<!kIsTable<M>, int> = 0>
  absl::Status Reply(const M& reply) {
    return raw_.ReplyCopy(&reply, sizeof(M), Codec::kStruct);
  }

  /// Answers with an error, which the caller gets as it is.
  absl::Status Fail(const absl::Status& error) { return raw_.Fail(error); }

  Request& raw() { return raw_; }

 private:
  Request raw_;
};

/// Answers the requests of one channel. See Replier for blocking, threads and errors.
template <class Channel>
class TypedReplier {
 public:
  using Request = typename Channel::Request;
  using Reply = typename Channel::Reply;
  using RequestSample = TypedRequest<Channel>;

  static absl::StatusOr<TypedReplier> Open(const ReplierOptions& options = {}) {
    absl::StatusOr<Replier> raw = Replier::Open(Channel::Spec(), options);
    if (!raw.ok()) return raw.status();
    return TypedReplier(*std::move(raw));
  }

  /// The next request, waiting up to `timeout` for it. One that is no valid message is answered with an error, which is
  /// returned here, too. Other errors as Replier::Take.
  absl::StatusOr<RequestSample> Take(absl::Duration timeout) {
    absl::StatusOr<shmcomm::Request> request = raw_.Take(timeout);
    if (!request.ok()) return request.status();
    if (absl::Status checked = Check(*request); !checked.ok()) return checked;
    return RequestSample(*std::move(request));
  }

  /// The same without waiting: an empty optional when there is none.
  absl::StatusOr<std::optional<RequestSample>> TryTake() {
    absl::StatusOr<std::optional<shmcomm::Request>> request = raw_.TryTake();
    if (!request.ok()) return request.status();
    if (!request->has_value()) return std::optional<RequestSample>();
    if (absl::Status checked = Check(**request); !checked.ok()) return checked;
    return std::optional<RequestSample>(RequestSample(**std::move(request)));
  }

  /// Waits until TryTake would have something to say; another replier may take it first. False when `timeout` passed.
  /// Errors: kCancelled · kFailedPrecondition.
  absl::StatusOr<bool> Wait(absl::Duration timeout) { return raw_.Wait(timeout); }

  /// A descriptor for epoll, select or an event loop, made at the first call and closed with the replier; do not read or close
  /// it. As TypedSubscriber::fd, which also says how to use it and how it fails.
  absl::StatusOr<int> fd() { return raw_.fd(); }

  /// Answers requests until Cancel or Close, from any thread, then returns ok. `handler` gets the request and, where the reply is a table, the
  /// builder of the reply's slot; it returns the root's offset or the struct, or a StatusOr of it: an error travels to the
  /// caller. A reply that cannot be delivered is counted and ends nothing.
  /// Errors: kFailedPrecondition forked, or the process lost its locks.
  template <class Handler>
  absl::Status Serve(Handler&& handler) {
    for (;;) {
      absl::StatusOr<RequestSample> request = Take(absl::InfiniteDuration());
      if (absl::IsDataLoss(request.status())) continue;   // its caller has been told
      if (!request.ok()) return HasEnded(request.status()) ? absl::OkStatus() : request.status();
      Answer(*request, handler).IgnoreError();            // counted: the caller is gone, or gave up
    }
  }

  /// Ends Serve, and every wait to come. For any thread and for signal handlers.
  void Cancel() { raw_.Cancel(); }

  /// Leaves the channel. Another thread may close while this one is inside Serve or a wait, which then ends; Close returns
  /// when it has. Requests that are open stay so, and are to be answered.
  void Close() { raw_.Close(); }
  bool is_open() const { return raw_.is_open(); }
  const std::string& channel() const { return raw_.channel(); }
  ReplierStats stats() const { return raw_.stats(); }
  Replier& raw() { return raw_; }

 private:
  explicit TypedReplier(Replier raw) : raw_(std::move(raw)), verify_(raw_.verify()) {}

  bool HasEnded(const absl::Status& status) const { return absl::IsCancelled(status) || !raw_.is_open(); }

  template <class T>
  static absl::StatusOr<T> AsResult(absl::StatusOr<T> result) { return result; }
  template <class T>
  static absl::StatusOr<T> AsResult(T result) { return result; }

  template <class Handler>
  absl::Status Answer(RequestSample& request, Handler& handler) const {
    if constexpr (kIsTable<Reply>) {
      absl::StatusOr<TypedLoan<Reply>> loan = request.ReplyLoan();
      if (!loan.ok()) return loan.status();
      const auto root = AsResult(handler(*request, loan->builder()));
      if (root.ok()) return request.Reply(*std::move(loan), flatbuffers::Offset<Reply>(*root));
      return request.Fail(root.status());
    } else {
      const auto reply = AsResult(handler(*request));
      return reply.ok() ? request.Reply(*reply) : request.Fail(reply.status());
    }
  }

  absl::Status Check(shmcomm::Request& request) const {
    absl::Status checked = internal::CheckMessage<Request>(request.data(), request.size(), verify_, raw_.channel(),
                                                           Channel::Spec().message);
    if (!checked.ok()) request.Fail(checked).IgnoreError();
    return checked;
  }

  Replier raw_;
  Verify verify_;
};

}  // namespace shmcomm
