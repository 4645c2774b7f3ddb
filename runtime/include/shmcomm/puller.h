// SPDX-License-Identifier: Apache-2.0
// The receiving end of a pushpull channel, without its message type. Programs use the typed form of typed.h.
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
#include "shmcomm/options.h"
#include "shmcomm/stats.h"

namespace shmcomm {
namespace endpoint {
class Door;
class PullerCore;
}  // namespace endpoint

/// One job, read where it lies in shared memory, and this puller's alone. It is done when it is acknowledged: by Ack, or by
/// letting it go. If the process dies before, or gives it back, another puller gets the job. Move-only. May be acknowledged on any thread, and
/// may outlive its puller (which then leaves the channel when its last job is done).
class Job {
 public:
  Job(Job&& other) noexcept : Job(static_cast<const Job&>(other)) { other.core_ = nullptr; }
  Job& operator=(Job&& other) noexcept {
    if (this != &other) {
      if (core_ != nullptr) Release();
      Copy(other);
      other.core_ = nullptr;
    }
    return *this;
  }
  ~Job() {
    if (core_ != nullptr) Release();
  }

  const std::uint8_t* data() const { return data_; }   ///< first byte; valid until the job is acknowledged
  std::size_t size() const { return size_; }           ///< bytes of the message
  Codec codec() const { return static_cast<Codec>(codec_); }               ///< how the bytes are to be read
  std::uint64_t sequence() const { return sequence_; } ///< the job's number in its channel
  std::int64_t publish_ns() const { return publish_ns_; }   ///< CLOCK_MONOTONIC when it was pushed, nanoseconds
  std::uint32_t pusher() const { return pusher_; }     ///< id of its pusher, 1 to 255
  std::uint32_t attempt() const { return attempt_; }   ///< 0, or how many pullers died with it or gave it back

  /// Says that the job is done; the destructor does so too, but cannot say whether it still was this puller's.
  /// Errors: kFailedPrecondition acknowledged already, or in a forked child · kAborted the descriptors of this process were
  /// closed under it, it was taken for dead, and another puller has got the job · kResourceExhausted memory ran out, it is still held.
  absl::Status Ack();

  /// Gives the job up as this process's death would: another puller, or this one again, gets it with `attempt` one more.
  /// After max_attempts it is a dead letter instead. Errors as Ack.
  absl::Status GiveBack();

 private:
  friend class endpoint::PullerCore;
  Job() = default;
  Job(const Job&) = default;              // only within a move
  void Copy(const Job& other) { *this = other; }
  Job& operator=(const Job&) = default;
  void Release() noexcept;
  absl::Status End(bool (endpoint::PullerCore::*end)(const Job&));

  endpoint::PullerCore* core_ = nullptr;  // null once acknowledged
  const std::uint8_t* data_ = nullptr;
  std::uint64_t sequence_ = 0;
  std::int64_t publish_ns_ = 0;
  std::uint32_t size_ = 0;
  std::uint8_t pusher_ = 0;
  std::uint8_t codec_ = 0;
  std::uint8_t attempt_ = 0;
  std::uint8_t place_ = 0;
  bool is_copy_ = false;
};

/// Takes jobs, each of which one puller of the channel gets, the oldest first. Pullers that wait are woken one for a job, in
/// turn. One thread at a time per puller (jobs may be acknowledged anywhere); pullers are independent. Movable.
/// After fork() the child's copy answers kFailedPrecondition to everything; so does a closed one.
class Puller {
 public:
  /// Joins the channel, creating it if this is its first endpoint. Errors as Publisher::Open.
  static absl::StatusOr<Puller> Open(const ChannelSpec& spec, const PullerOptions& options = {});

  Puller(Puller&&) noexcept;
  Puller& operator=(Puller&&) noexcept;
  ~Puller();

  /// The next job, or an empty optional when there is none. Never blocks. Takes what is there, though another puller may have
  /// been woken for it; only where fd() is in use it leaves that one the turn, for 1 ms at most.
  /// Errors: kResourceExhausted max_borrowed jobs are not acknowledged · kDataLoss a job does not make sense in shared
  /// memory; it was given up · kFailedPrecondition closed, forked, or a pusher's schema is incompatible (reported once per
  /// pusher, then its jobs are left to other pullers).
  absl::StatusOr<std::optional<Job>> TryTake();

  /// The next job, waiting up to `timeout` for it: spins briefly, then sleeps. InfiniteDuration waits for ever, zero or
  /// less does not wait. Errors as TryTake, and kDeadlineExceeded, kCancelled.
  absl::StatusOr<Job> Take(absl::Duration timeout);

  /// Waits until TryTake would have something to say; another puller may take it first. False when `timeout` passed.
  /// Errors: kCancelled · kFailedPrecondition.
  absl::StatusOr<bool> Wait(absl::Duration timeout);

  /// Whether the process that pushed `job`, taken here, runs as this process's user. Otherwise it is root.
  bool IsFromThisUser(const Job& job) const;

  /// A descriptor for epoll, select or an event loop. As Subscriber::fd.
  absl::StatusOr<int> fd();

  /// Take and Wait answer kCancelled from now on, the one that waits at this moment too. TryTake goes on. From any thread,
  /// and from signal handlers.
  void Cancel();

  /// Leaves the channel. Another thread may close while this one is inside Take, Wait or a WaitSet's Wait, which then
  /// answers kCancelled; Close returns when it has.
  void Close();
  bool is_open() const;
  const std::string& channel() const;      ///< the name in use
  PullerStats stats() const;
  Verify verify() const;                   ///< the policy in force, which typed endpoints carry out

 private:
  friend class WaitSet;
  explicit Puller(std::shared_ptr<endpoint::Door> door);
  std::shared_ptr<endpoint::Door> door_;   // to the core; living jobs keep that beyond the door
};

}  // namespace shmcomm
