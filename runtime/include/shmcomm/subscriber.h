// SPDX-License-Identifier: Apache-2.0
// The receiving end of a pubsub channel, without its message type. Programs use the typed form of typed.h.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shmcomm/channel_spec.h"
#include "shmcomm/options.h"
#include "shmcomm/sample.h"
#include "shmcomm/sample_batch.h"
#include "shmcomm/stats.h"

namespace shmcomm {
namespace endpoint {
class Door;
}

/// Takes the messages published after it was opened, in order. One thread at a time per subscriber (samples may be
/// released anywhere); subscribers are independent of each other and never slow a publisher. Movable.
/// After fork() the child's copy answers kFailedPrecondition to everything; so does a closed one.
class Subscriber {
 public:
  /// Joins the channel, creating it if this is its first endpoint. Errors as Publisher::Open.
  static absl::StatusOr<Subscriber> Open(const ChannelSpec& spec, const SubscriberOptions& options = {});

  Subscriber(Subscriber&&) noexcept;
  Subscriber& operator=(Subscriber&&) noexcept;
  ~Subscriber();

  /// The next message, or an empty optional when there is none. Never blocks.
  /// Errors: kResourceExhausted max_borrowed samples are held · kDataLoss the memory does not make sense, or the message
  /// failed verification; the message is skipped · kFailedPrecondition closed, forked, or the message's publisher has an
  /// incompatible schema (reported once per publisher, then its messages are skipped and counted).
  absl::StatusOr<std::optional<Sample>> TryTake();

  /// The newest message, passing over older ones (which do not count as lost), or an empty optional when there is none.
  /// For control loops. Never blocks. Errors as TryTake.
  absl::StatusOr<std::optional<Sample>> TakeLatest();

  /// The next messages, at most `most` and at most max_borrowed, or an empty batch when there is none. Costs little more
  /// than taking one, so that throughput is higher; whoever holds others gets fewer. Never blocks. Errors as TryTake.
  absl::StatusOr<SampleBatch> TakeMany(std::uint32_t most = SampleBatch::kMost);

  /// The next message, waiting up to `timeout` for it: spins briefly, then sleeps. InfiniteDuration waits for ever, zero
  /// or less does not wait. Errors as TryTake, and kDeadlineExceeded, kCancelled.
  absl::StatusOr<Sample> Take(absl::Duration timeout);

  /// Waits until TryTake would have something to say. False when `timeout` passed. Errors: kCancelled · kFailedPrecondition.
  absl::StatusOr<bool> Wait(absl::Duration timeout);

  /// How many messages wait to be taken, and how many may before the oldest is overwritten or its publisher has to wait.
  Backlog backlog() const;

  /// Whether the process that published `sample`, taken here, runs as this process's user. Otherwise it is root.
  bool IsFromThisUser(const Sample& sample) const;

  /// A descriptor for epoll, select or an event loop, made at the first call and closed with the subscriber; do not read it.
  /// Readable when a take may find something, and every 100 ms without: then take until there is nothing, which makes it
  /// unreadable and arms it again. Errors: kResourceExhausted descriptors ran out · kFailedPrecondition.
  absl::StatusOr<int> fd();

  /// Take and Wait answer kCancelled from now on, the one that waits at this moment too. TryTake goes on. From any thread,
  /// and from signal handlers.
  void Cancel();

  /// Leaves the channel. Another thread may close while this one is inside Take, Wait or a WaitSet's Wait, which then
  /// answers kCancelled; Close returns when it has.
  void Close();
  bool is_open() const;
  const std::string& channel() const;      ///< the name in use
  SubscriberStats stats() const;
  Verify verify() const;                   ///< the policy in force, which typed endpoints carry out

 private:
  friend class WaitSet;
  explicit Subscriber(std::shared_ptr<endpoint::Door> door);
  std::shared_ptr<endpoint::Door> door_;   // to the core; living samples keep that beyond the door
};

}  // namespace shmcomm
