// SPDX-License-Identifier: Apache-2.0
// Typed pushers and pullers. A generated pushpull channel is a type `Channel` with
//   using Message = robot::Job;  static const shmcomm::ChannelSpec& Spec();
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
#include "shmcomm/puller.h"
#include "shmcomm/pusher.h"
#include "shmcomm/typed_message.h"

namespace shmcomm {

/// Gives out jobs of one type. See Pusher for blocking, threads and errors.
template <class Channel>
class TypedPusher {
 public:
  using Message = typename Channel::Message;

  static absl::StatusOr<TypedPusher> Open(const PusherOptions& options = {}) {
    absl::StatusOr<Pusher> raw = Pusher::Open(Channel::Spec(), options);
    if (!raw.ok()) return raw.status();
    return TypedPusher(*std::move(raw));
  }

  /// A slot whose builder writes the job in place. Tables only.
  template <class M = Message, std::enable_if_t<kIsTable<M>, int> = 0>
  absl::StatusOr<TypedLoan<M>> Loan() {
    absl::StatusOr<shmcomm::Loan> loan = raw_.Loan();
    if (!loan.ok()) return loan.status();
    return TypedLoan<M>(*std::move(loan));
  }

  /// Finishes `root` and gives the job out, waiting up to `timeout` for room.
  template <class M = Message, std::enable_if_t<kIsTable<M>, int> = 0>
  absl::Status Push(TypedLoan<M> loan, flatbuffers::Offset<M> root, absl::Duration timeout = absl::InfiniteDuration()) {
    loan.builder().Finish(root);
    return raw_.Push(std::move(loan).Release(), timeout);
  }

  /// Builds with `build(builder)`, which returns the root's offset, and gives the job out.
  template <class Build, class M = Message, std::enable_if_t<kIsTable<M> && internal::kIsBuild<Build>, int> = 0>
  absl::Status Push(Build&& build, absl::Duration timeout = absl::InfiniteDuration()) {
    absl::StatusOr<TypedLoan<M>> loan = Loan();
    if (!loan.ok()) return loan.status();
    const flatbuffers::Offset<M> root = std::forward<Build>(build)(loan->builder());
    return Push(*std::move(loan), root, timeout);
  }

  /// Gives a struct out: plain bytes, copied once into the slot.
  template <class M = Message, std::enable_if_t<!kIsTable<M>, int> = 0>
  absl::Status Push(const M& message, absl::Duration timeout = absl::InfiniteDuration()) {
    return raw_.PushCopy(&message, sizeof(M), Codec::kStruct, timeout);
  }

  /// Waits up to `timeout` until a push would find room; at once where it would now, false when `timeout` passed. Another
  /// pusher may take the room first. On the pusher's thread. Errors: kFailedPrecondition closed, forked · kCancelled.
  absl::StatusOr<bool> WaitForRoom(absl::Duration timeout) { return raw_.WaitForRoom(timeout); }

  /// A push or WaitForRoom that waits for room, now or later, answers kCancelled; pushes that find room go on. Does not
  /// block. From any thread, and from signal handlers, while the pusher lives.
  void Cancel() { raw_.Cancel(); }

  /// Leaves the channel, where its jobs stay as long as anybody is attached. Another thread may close while this one waits
  /// for room, which then answers kCancelled. A second close does nothing.
  void Close() { raw_.Close(); }
  bool is_open() const { return raw_.is_open(); }
  const std::string& channel() const { return raw_.channel(); }
  PusherStats stats() const { return raw_.stats(); }
  Pusher& raw() { return raw_; }

 private:
  explicit TypedPusher(Pusher raw) : raw_(std::move(raw)) {}
  Pusher raw_;
};

/// A job whose message is of type `Message`, read in place. Lifetime and threads as Job.
template <class Message>
class TypedJob {
 public:
  explicit TypedJob(Job job) : job_(std::move(job)) {}

  const Message* get() const { return internal::MessageAt<Message>(job_.data()); }
  const Message* operator->() const { return get(); }
  const Message& operator*() const { return *get(); }

  std::uint64_t sequence() const { return job_.sequence(); }
  std::int64_t publish_ns() const { return job_.publish_ns(); }
  std::uint32_t pusher() const { return job_.pusher(); }
  std::uint32_t attempt() const { return job_.attempt(); }
  absl::Status Ack() { return job_.Ack(); }
  absl::Status GiveBack() { return job_.GiveBack(); }
  const Job& raw() const { return job_; }

 private:
  Job job_;
};

/// Takes jobs of one type. See Puller for blocking, threads and errors.
template <class Channel>
class TypedPuller {
 public:
  using Message = typename Channel::Message;
  using JobType = TypedJob<Message>;

  static absl::StatusOr<TypedPuller> Open(const PullerOptions& options = {}) {
    absl::StatusOr<Puller> raw = Puller::Open(Channel::Spec(), options);
    if (!raw.ok()) return raw.status();
    return TypedPuller(*std::move(raw));
  }

  /// The next job, waiting up to `timeout` for it: InfiniteDuration waits for ever, zero or less does not wait. Errors: those
  /// of Puller::Take; kDataLoss also for a job that is no valid `Message`, which is given up.
  absl::StatusOr<JobType> Take(absl::Duration timeout) {
    absl::StatusOr<Job> job = raw_.Take(timeout);
    if (!job.ok()) return job.status();
    if (absl::Status checked = Check(*job); !checked.ok()) return checked;
    return JobType(*std::move(job));
  }

  /// The next job, or an empty optional when there is none. Never blocks. Errors as Take, without those of waiting.
  absl::StatusOr<std::optional<JobType>> TryTake() {
    absl::StatusOr<std::optional<Job>> job = raw_.TryTake();
    if (!job.ok()) return job.status();
    if (!job->has_value()) return std::optional<JobType>();
    if (absl::Status checked = Check(**job); !checked.ok()) return checked;
    return std::optional<JobType>(JobType(**std::move(job)));
  }

  /// Waits until TryTake would have something to say; another puller may take it first. False when `timeout` passed.
  /// Errors: kCancelled · kFailedPrecondition.
  absl::StatusOr<bool> Wait(absl::Duration timeout) { return raw_.Wait(timeout); }

  /// A descriptor for epoll, select or an event loop, made at the first call and closed with the puller; do not read or close
  /// it. As TypedSubscriber::fd, which also says how to use it and how it fails.
  absl::StatusOr<int> fd() { return raw_.fd(); }

  /// Take and Wait answer kCancelled from now on, the one that waits at this moment too; TryTake goes on. Does not block.
  /// From any thread, and from signal handlers, while the puller lives.
  void Cancel() { raw_.Cancel(); }

  /// Leaves the channel; with jobs that are held, when the last of them is done. Another thread may close while this one is
  /// inside Take, Wait or a WaitSet's Wait, which then answers kCancelled; Close returns when it has.
  void Close() { raw_.Close(); }
  bool is_open() const { return raw_.is_open(); }
  const std::string& channel() const { return raw_.channel(); }
  PullerStats stats() const { return raw_.stats(); }
  Puller& raw() { return raw_; }

 private:
  explicit TypedPuller(Puller raw) : raw_(std::move(raw)), verify_(raw_.verify()) {}

  /// A job that is refused here is acknowledged: no other puller could read it either.
  absl::Status Check(const Job& job) const {
    return internal::CheckMessage<Message>(job.data(), job.size(), verify_, raw_.channel(), Channel::Spec().message);
  }

  Puller raw_;
  Verify verify_;
};

}  // namespace shmcomm
