// SPDX-License-Identifier: Apache-2.0
// The sending end of a pubsub channel, without its message type. Programs use the typed form of typed.h.
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

/// Publishes messages on one channel. On a best_effort channel it never waits for a subscriber; on a reliable one a
/// publish waits for room where on_full is block, at most PublisherOptions::publish_timeout. One thread at a time per publisher; several
/// publishers of a channel are independent. Movable; closing or destroying it leaves the channel.
/// After fork() the child's copy answers kFailedPrecondition to everything; so does a closed one.
class Publisher {
 public:
  /// Joins the channel, creating it if this is its first endpoint, and cleans up after processes that died in it.
  /// Errors: kFailedPrecondition schema or QoS differ from the running channel · kResourceExhausted all publisher ids
  /// in use, or shared memory full · kPermissionDenied · kDataLoss the channel's files do not make sense ·
  /// kInvalidArgument name or option out of range · kUnimplemented a pattern or QoS not available yet.
  static absl::StatusOr<Publisher> Open(const ChannelSpec& spec, const PublisherOptions& options = {});

  Publisher(Publisher&&) noexcept;
  Publisher& operator=(Publisher&&) noexcept;
  ~Publisher();

  /// Reserves a slot. Does not block and makes no system call once every slot has been used.
  /// Errors: kResourceExhausted more than max_loans loans held, or shared memory full · kFailedPrecondition closed, forked.
  absl::StatusOr<shmcomm::Loan> Loan();

  /// Publishes the FlatBuffer finished in `loan.builder()`.
  /// Errors: kOutOfRange larger than max_size · kResourceExhausted shared memory became full while it was built, or the
  /// ring of a reliable channel is full (after publish_timeout, or at once where on_full is fail) · kDataLoss the ring
  /// does not make sense · kInvalidArgument nothing was finished, or another publisher's loan. On any error the message
  /// is dropped and nothing else is lost.
  absl::Status Publish(shmcomm::Loan loan);

  /// Publishes the `bytes` bytes last written through `loan.Raw(bytes)`. Errors as above.
  absl::Status PublishRaw(shmcomm::Loan loan, Codec codec);

  /// Copies a message of known size into a slot and publishes it: the fast path of structs. Errors as Loan and Publish.
  absl::Status PublishCopy(const void* data, std::size_t bytes, Codec codec);

  /// Reliable channels: waits up to `timeout` until a publish would find room; at once where it would now, false when
  /// `timeout` passed. Another publisher may take the room first. Always true on a best_effort channel.
  /// Errors: kFailedPrecondition closed, forked · kCancelled.
  absl::StatusOr<bool> WaitForRoom(absl::Duration timeout);

  /// How long publishes from now on may wait for room, in place of publish_timeout.
  void SetPublishTimeout(absl::Duration timeout);

  /// Keeps the memory of this publisher's slots mapped, also after Close: for views of a loan that may outlive it. What
  /// they show after the loan has ended means nothing. Null when closed.
  std::shared_ptr<const void> memory() const;

  /// A publish that waits for room, now or later, answers kCancelled. From any thread, and from signal handlers.
  void Cancel();

  /// Leaves the channel. Another thread may close while this one waits for room, which then answers kCancelled.
  void Close();
  bool is_open() const;
  const std::string& channel() const;      ///< the name in use
  PublisherStats stats() const;

 private:
  explicit Publisher(std::shared_ptr<endpoint::Door> door);
  std::shared_ptr<endpoint::Door> door_;   // to the core, which goes when it shuts
};

}  // namespace shmcomm
