// SPDX-License-Identifier: Apache-2.0
// The asking end of a reqrep channel, without its message types. Programs use the typed form of typed.h.
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
#include "shmcomm/sample.h"
#include "shmcomm/stats.h"

namespace shmcomm {
namespace endpoint {
class Door;
}

/// One request that was sent, until its reply is received, its time is over, or it is forgotten. A number: copy it freely.
enum class CallId : std::uint64_t {};

/// True where the error of a call leaves open whether the request was executed: its replier died at it, it was not
/// answered in time, or its reply was lost. False where no replier has begun it.
bool MaybeExecuted(const absl::Status& status);

/// True where the error of a call is what the replier answered, not something that happened on the way.
bool IsFromReplier(const absl::Status& status);

/// Sends requests, each to one of the channel's repliers, and receives their replies; several may be unanswered at once.
/// One thread at a time per requester (samples may be released anywhere); requesters are independent of each other.
/// Movable; closing it takes back requests that nobody has begun. After fork() the child's copy answers
/// kFailedPrecondition to everything; so does a closed one. A WaitSet has it ready while a call of it is settled: while
/// receiving that one would not wait.
class Requester {
 public:
  /// Joins the channel, creating it if this is its first endpoint. Errors as Publisher::Open.
  static absl::StatusOr<Requester> Open(const ChannelSpec& spec, const RequesterOptions& options = {});

  Requester(Requester&&) noexcept;
  Requester& operator=(Requester&&) noexcept;
  ~Requester();

  /// Reserves a slot for a request. As Publisher::Loan; kResourceExhausted also when every slot holds a request that is
  /// not answered yet.
  absl::StatusOr<shmcomm::Loan> Loan();

  /// Sends the FlatBuffer finished in `loan.builder()`. Its reply is waited for until `timeout` from now; zero or less
  /// means the channel's own timeout. Waits for room where on_full is block, no longer than that and than
  /// RequesterOptions::publish_timeout.
  /// Errors: kUnavailable no replier is attached (unless RequesterOptions::wait_for_replier) · kResourceExhausted
  /// max_in_flight calls are unanswered, or the channel is full of requests · kCancelled during the wait for room · as
  /// Publisher::Publish.
  absl::StatusOr<CallId> Send(shmcomm::Loan loan, absl::Duration timeout);
  /// Sends the `bytes` bytes last written through `loan.Raw(bytes)`. Errors as above.
  absl::StatusOr<CallId> SendRaw(shmcomm::Loan loan, Codec codec, absl::Duration timeout);
  /// Copies a request of known size into a slot and sends it. Errors as Loan and Send.
  absl::StatusOr<CallId> SendCopy(const void* data, std::size_t bytes, Codec codec, absl::Duration timeout);

  /// Waits until the channel has room for a request: true, though another requester may take it first; or until `timeout`
  /// passes: false. Errors: kResourceExhausted max_in_flight calls are unanswered, so that no wait helps · kCancelled ·
  /// kFailedPrecondition closed, forked.
  absl::StatusOr<bool> WaitForRoom(absl::Duration timeout);

  /// The reply to `call`, waiting for it until the call's time is over: spins briefly, then sleeps. Calls may be received
  /// in any order; whatever is returned but kResourceExhausted, the call is over.
  /// Errors: kDeadlineExceeded not answered in time (a reply that still comes is dropped and counted) · kUnavailable its
  /// replier died, the last one left, or the reply was lost · what the replier answered, see IsFromReplier ·
  /// kFailedPrecondition closed, forked, or a replier's schema does not fit · kResourceExhausted max_borrowed samples are
  /// held, the call goes on · kInvalidArgument no such call · kCancelled. MaybeExecuted tells what may have been done.
  absl::StatusOr<Sample> Receive(CallId call);

  /// The same without waiting: an empty optional while there is no reply. Goes on after Cancel.
  absl::StatusOr<std::optional<Sample>> TryReceive(CallId call);

  /// Whether the process that sent the reply received last runs as this process's user. Otherwise it is root.
  bool IsLastReplyFromThisUser() const;

  /// Waits until `call` is settled, by a reply or an error, so that receiving it does not wait: true; or until `timeout`
  /// passes: false. The call goes on either way, and its time with it. InfiniteDuration waits until the call's own time is
  /// over, zero or less only looks.
  /// Errors: kInvalidArgument no such call · kCancelled · kResourceExhausted max_borrowed samples are held ·
  /// kFailedPrecondition closed, forked, or a replier's schema does not fit. The call goes on all the same.
  absl::StatusOr<bool> WaitForReply(CallId call, absl::Duration timeout);

  /// The same for whichever call is settled first: of several the one that was sent first. Empty when `timeout` passed.
  /// Without any call on its way it waits for `timeout`, or for ever. Errors: kCancelled · kResourceExhausted max_borrowed
  /// samples are held, or the process has no descriptors or memory left, and no call is settled · kFailedPrecondition.
  absl::StatusOr<std::optional<CallId>> WaitForAnyReply(absl::Duration timeout);

  /// Gives a call up, at any time. Its request is taken back if no replier has begun it. Unknown calls are ignored.
  void Forget(CallId call);

  /// Waits until a replier is attached. False when `timeout` passed. Errors: kFailedPrecondition · kCancelled.
  absl::StatusOr<bool> WaitForReplier(absl::Duration timeout);

  /// A descriptor for epoll, select or an event loop: readable while a call is settled. Then receive until TryReceive has
  /// nothing to say of any call, or ask WaitForAnyReply with a timeout of zero; that makes it unreadable and arms it again,
  /// as every send does. Do not read it. It also becomes readable for the looks that a waiting call takes, every 20 ms while
  /// one is on its way. Made at the first call, valid until the requester is closed. Errors: kResourceExhausted no
  /// descriptors · kFailedPrecondition closed, forked.
  absl::StatusOr<int> fd();

  /// Waits answer kCancelled from now on, the one that goes on at this moment too; a call received so is given up.
  /// TryReceive and sends that need not wait go on. From any thread, and from signal handlers.
  void Cancel();

  /// Leaves the channel. Another thread may close while this one is inside a wait, a WaitSet's too, which then answers
  /// kCancelled; Close returns when it has.
  void Close();
  bool is_open() const;
  const std::string& channel() const;      ///< the name in use
  RequesterStats stats() const;
  Verify verify() const;                   ///< the policy in force, which typed endpoints carry out

 private:
  friend class WaitSet;
  explicit Requester(std::shared_ptr<endpoint::Door> door);
  std::shared_ptr<endpoint::Door> door_;   // to the core
};

}  // namespace shmcomm
