// SPDX-License-Identifier: Apache-2.0
// The sending end of a pushpull channel, without its message type. Programs use the typed form of typed.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
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
}

/// Gives out jobs, each of which one puller of the channel gets. A push waits while the ring is full of jobs that are not
/// done yet, unless on_full is fail. One thread at a time per pusher; pushers of a channel are independent. Movable; closing
/// or destroying it leaves the channel, and its jobs stay as long as anybody is attached.
/// After fork() the child's copy answers kFailedPrecondition to everything; so does a closed one.
class Pusher {
 public:
  /// Joins the channel, creating it if this is its first endpoint. Errors as Publisher::Open; kResourceExhausted also while
  /// every id has jobs of a pusher that left which are not done.
  static absl::StatusOr<Pusher> Open(const ChannelSpec& spec, const PusherOptions& options = {});

  Pusher(Pusher&&) noexcept;
  Pusher& operator=(Pusher&&) noexcept;
  ~Pusher();

  /// Reserves a slot. As Publisher::Loan.
  absl::StatusOr<shmcomm::Loan> Loan();

  /// Gives out the FlatBuffer finished in `loan.builder()`, waiting up to `timeout` for room. InfiniteDuration waits for ever,
  /// zero or less does not wait; nor does any push where on_full is fail. A program that pushes and pulls in one thread must
  /// not wait for ever: it waits for itself. On any error the job is dropped and nothing else is lost.
  /// Errors: kResourceExhausted the ring stayed full, or shared memory became full while the job was built · kOutOfRange
  /// larger than max_size · kCancelled · kDataLoss the ring does not make sense · kInvalidArgument nothing was finished, or
  /// another endpoint's loan.
  absl::Status Push(shmcomm::Loan loan, absl::Duration timeout = absl::InfiniteDuration());

  /// Gives out the `bytes` bytes last written through `loan.Raw(bytes)`. As above.
  absl::Status PushRaw(shmcomm::Loan loan, Codec codec, absl::Duration timeout = absl::InfiniteDuration());

  /// Copies a job of known size into a slot and gives it out: the fast path of structs. As Loan and Push.
  absl::Status PushCopy(const void* data, std::size_t bytes, Codec codec,
                        absl::Duration timeout = absl::InfiniteDuration());

  /// Waits up to `timeout` until a push would find room; at once where it would now, false when `timeout` passed. Another
  /// pusher may take the room first. Errors: kFailedPrecondition closed, forked · kCancelled.
  absl::StatusOr<bool> WaitForRoom(absl::Duration timeout);

  /// As Publisher::memory.
  std::shared_ptr<const void> memory() const;

  /// A push that waits for room, now or later, answers kCancelled. From any thread, and from signal handlers.
  void Cancel();

  /// Leaves the channel. Another thread may close while this one waits for room, which then answers kCancelled.
  void Close();
  bool is_open() const;
  const std::string& channel() const;      ///< the name in use
  PusherStats stats() const;

 private:
  explicit Pusher(std::shared_ptr<endpoint::Door> door);
  std::shared_ptr<endpoint::Door> door_;   // to the core, which goes when it shuts
};

}  // namespace shmcomm
