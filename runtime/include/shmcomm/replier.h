// SPDX-License-Identifier: Apache-2.0
// The answering end of a reqrep channel, without its message types. Programs use the typed form of typed.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shmcomm/channel_spec.h"
#include "shmcomm/loan.h"
#include "shmcomm/options.h"
#include "shmcomm/stats.h"

namespace shmcomm {
namespace endpoint {
class Door;
class ReplierCore;
}  // namespace endpoint

/// A request taken from the channel, read where it lies in shared memory and answered exactly once. Dropping it unanswered
/// answers with kAborted. Move-only. A replier and its requests are used by one thread at a time. It may outlive its replier,
/// which then leaves the channel when its last request is answered and its last reply loan is gone.
class Request {
 public:
  Request(Request&& other) noexcept;
  Request& operator=(Request&& other) noexcept;
  ~Request();

  const std::uint8_t* data() const { return data_; }   ///< first byte; valid until the request is answered
  std::size_t size() const { return size_; }           ///< bytes of the message
  Codec codec() const { return codec_; }               ///< how the bytes are to be read
  std::uint64_t sequence() const { return sequence_; } ///< the request's number in its channel
  std::int64_t publish_ns() const { return publish_ns_; }   ///< CLOCK_MONOTONIC when it was sent, nanoseconds
  std::uint32_t requester() const { return requester_; }    ///< id of its requester, 1 to 255
  std::uint32_t attempt() const { return attempt_; }   ///< 0, or how many repliers died at it (idempotent channels)
  bool is_answered() const { return core_ == nullptr; }
  /// Whether the process that sent it runs as this process's user. Otherwise it is root.
  bool is_from_this_user() const { return is_from_this_user_; }

  /// A slot in which the reply is built; one at a time. The request may be answered otherwise, or dropped, while the loan is
  /// out, which then is of no use and keeps the replier in its channel until it is dropped, by this thread. As Publisher::Loan;
  /// kFailedPrecondition another loan of this request is out; and where nobody can get the reply any more, the request is
  /// over: kUnavailable the requester is gone · kDeadlineExceeded it no longer waits.
  absl::StatusOr<shmcomm::Loan> ReplyLoan();

  /// Answers with the FlatBuffer finished in `loan.builder()`. Never waits. Afterwards the request is answered, whatever is
  /// returned but kInvalidArgument and kOutOfRange.
  /// Errors: kFailedPrecondition answered already, forked, or the descriptors of this process were closed under it ·
  /// kDeadlineExceeded the requester no longer waits, the reply was dropped · kUnavailable the requester is gone ·
  /// kResourceExhausted it does not take its replies, or shared memory is full · kOutOfRange larger than max_reply_size ·
  /// kInvalidArgument nothing was finished in the loan, or it is another's.
  absl::Status Reply(shmcomm::Loan loan);
  /// Answers with the `bytes` bytes last written through `loan.Raw(bytes)`. Errors as above.
  absl::Status ReplyRaw(shmcomm::Loan loan, Codec codec);
  /// Answers with a copy. Errors as above.
  absl::Status ReplyCopy(const void* data, std::size_t bytes, Codec codec);
  /// Answers with an error, which the caller gets as it is. Errors as above; kInvalidArgument `error` is ok.
  absl::Status Fail(const absl::Status& error);

 private:
  friend class endpoint::ReplierCore;
  Request() = default;
  Request(const Request&) = default;            // only within a move
  Request& operator=(const Request&) = default;
  void Drop() noexcept;

  endpoint::ReplierCore* core_ = nullptr;   // null once answered
  const std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
  std::uint64_t sequence_ = 0;
  std::int64_t publish_ns_ = 0;
  std::uint32_t requester_ = 0;
  std::uint32_t attempt_ = 0;
  std::uint32_t place_ = 0;
  Codec codec_ = Codec::kFlatBuffer;
  bool is_from_this_user_ = false;
};

/// Takes requests, each of which one replier of the channel gets, and answers them. One thread at a time per replier;
/// repliers are independent and share the load. Movable. If its process dies, the callers of the requests it had taken
/// learn that at once. After fork() the child's copy answers kFailedPrecondition to everything; so does a closed one.
class Replier {
 public:
  /// Joins the channel, creating it if this is its first endpoint. Errors as Publisher::Open.
  static absl::StatusOr<Replier> Open(const ChannelSpec& spec, const ReplierOptions& options = {});

  Replier(Replier&&) noexcept;
  Replier& operator=(Replier&&) noexcept;
  ~Replier();

  /// The next request, or an empty optional when there is none. Never blocks. One that cannot be read, because its memory
  /// or its requester's schema does not fit, is answered with an error and counted as refused.
  /// Errors: kResourceExhausted max_borrowed requests are open and another waits, or descriptors ran out · kFailedPrecondition closed, forked.
  absl::StatusOr<std::optional<Request>> TryTake();

  /// The next request, waiting up to `timeout` for it: spins briefly, then sleeps. InfiniteDuration waits for ever, zero
  /// or less does not wait. Errors as TryTake, kDeadlineExceeded, and kCancelled after Cancel.
  absl::StatusOr<Request> Take(absl::Duration timeout);

  /// Waits until TryTake would have something to say; another replier may take it first. False when `timeout` passed.
  /// Errors: kCancelled · kFailedPrecondition.
  absl::StatusOr<bool> Wait(absl::Duration timeout);

  /// A descriptor for epoll, select or an event loop: readable when a take may find something. As Subscriber::fd.
  absl::StatusOr<int> fd();

  /// Take and Wait answer kCancelled from now on, the one that waits at this moment too. TryTake goes on. From any thread,
  /// and from signal handlers.
  void Cancel();

  /// Leaves the channel. Another thread may close while this one is inside Take, Wait or a WaitSet's Wait, which then
  /// answers kCancelled; Close returns when it has. Requests that are open stay so, and are to be answered.
  void Close();
  bool is_open() const;
  const std::string& channel() const;      ///< the name in use
  ReplierStats stats() const;
  Verify verify() const;                   ///< the policy in force, which typed endpoints carry out

 private:
  friend class WaitSet;
  explicit Replier(std::shared_ptr<endpoint::Door> door);
  std::shared_ptr<endpoint::Door> door_;   // to the core; open requests keep that beyond the door
};

}  // namespace shmcomm
