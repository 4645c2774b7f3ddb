// SPDX-License-Identifier: Apache-2.0
// Typed publishers and subscribers. A generated pubsub channel is a type `Channel` with
//   using Message = robot::Image;  static const shmcomm::ChannelSpec& Spec();
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
#include "shmcomm/publisher.h"
#include "shmcomm/subscriber.h"
#include "shmcomm/typed_message.h"
#include "shmcomm/typed_sample_batch.h"

namespace shmcomm {

/// Publishes messages of one type. See Publisher for blocking, threads and errors.
template <class Channel>
class TypedPublisher {
 public:
  using Message = typename Channel::Message;

  static absl::StatusOr<TypedPublisher> Open(const PublisherOptions& options = {}) {
    absl::StatusOr<Publisher> raw = Publisher::Open(Channel::Spec(), options);
    if (!raw.ok()) return raw.status();
    return TypedPublisher(*std::move(raw));
  }

  /// A slot whose builder writes the message in place. Tables only.
  template <class M = Message, std::enable_if_t<kIsTable<M>, int> = 0>
  absl::StatusOr<TypedLoan<M>> Loan() {
    absl::StatusOr<shmcomm::Loan> loan = raw_.Loan();
    if (!loan.ok()) return loan.status();
    return TypedLoan<M>(*std::move(loan));
  }

  /// Finishes `root` and publishes it.
  template <class M = Message, std::enable_if_t<kIsTable<M>, int> = 0>
  absl::Status Publish(TypedLoan<M> loan, flatbuffers::Offset<M> root) {
    loan.builder().Finish(root);
    return raw_.Publish(std::move(loan).Release());
  }

  /// Builds with `build(builder)`, which returns the root's offset, and publishes.
  template <class Build, class M = Message,
            std::enable_if_t<kIsTable<M> && internal::kIsBuild<Build>, int> = 0>
  absl::Status Publish(Build&& build) {
    absl::StatusOr<TypedLoan<M>> loan = Loan();
    if (!loan.ok()) return loan.status();
    const flatbuffers::Offset<M> root = std::forward<Build>(build)(loan->builder());
    return Publish(*std::move(loan), root);
  }

  /// Publishes a struct: plain bytes, copied once into the slot.
  template <class M = Message, std::enable_if_t<!kIsTable<M>, int> = 0>
  absl::Status Publish(const M& message) {
    return raw_.PublishCopy(&message, sizeof(M), Codec::kStruct);
  }

  /// Reliable channels: waits up to `timeout` until a publish would find room; at once where it would now, false when
  /// `timeout` passed. Another publisher may take the room first. Always true on a best_effort channel. On the publisher's
  /// thread. Errors: kFailedPrecondition closed, forked · kCancelled.
  absl::StatusOr<bool> WaitForRoom(absl::Duration timeout) { return raw_.WaitForRoom(timeout); }

  /// How long publishes from now on may wait for room, in place of publish_timeout. On the publisher's thread.
  void SetPublishTimeout(absl::Duration timeout) { raw_.SetPublishTimeout(timeout); }

  /// A publish or WaitForRoom that waits for room, now or later, answers kCancelled; publishes that find room go on. Does
  /// not block. From any thread, and from signal handlers, while the publisher lives.
  void Cancel() { raw_.Cancel(); }

  /// Leaves the channel. Does not block. Another thread may close while this one waits for room, which then answers
  /// kCancelled. A second close does nothing; all else answers kFailedPrecondition from then on.
  void Close() { raw_.Close(); }
  bool is_open() const { return raw_.is_open(); }
  const std::string& channel() const { return raw_.channel(); }
  PublisherStats stats() const { return raw_.stats(); }
  Publisher& raw() { return raw_; }

 private:
  explicit TypedPublisher(Publisher raw) : raw_(std::move(raw)) {}
  Publisher raw_;
};

/// Takes messages of one type. See Subscriber for blocking, threads and errors.
template <class Channel>
class TypedSubscriber {
 public:
  using Message = typename Channel::Message;
  using SampleType = TypedSample<Message>;

  static absl::StatusOr<TypedSubscriber> Open(const SubscriberOptions& options = {}) {
    absl::StatusOr<Subscriber> raw = Subscriber::Open(Channel::Spec(), options);
    if (!raw.ok()) return raw.status();
    return TypedSubscriber(*std::move(raw));
  }

  /// The next message, waiting up to `timeout` for it: InfiniteDuration waits for ever, zero or less does not wait.
  /// Errors: those of Subscriber::Take; kDataLoss also for a message that is no valid `Message`, which is skipped.
  absl::StatusOr<SampleType> Take(absl::Duration timeout) {
    absl::StatusOr<Sample> sample = raw_.Take(timeout);
    if (!sample.ok()) return sample.status();
    if (absl::Status checked = Check(*sample); !checked.ok()) return checked;
    return SampleType(*std::move(sample));
  }

  /// The next message, or an empty optional when there is none. Never blocks. Errors as Take, without those of waiting.
  absl::StatusOr<std::optional<SampleType>> TryTake() { return Typed(raw_.TryTake()); }
  /// The newest message, passing over older ones (which do not count as lost). Never blocks. Errors as TryTake.
  absl::StatusOr<std::optional<SampleType>> TakeLatest() { return Typed(raw_.TakeLatest()); }

  /// The next messages, at most `most` and at most max_borrowed, or an empty batch when there is none: for throughput. Never
  /// blocks. A message that is no valid `Message` is left out; the call that would give nothing else, or else the next
  /// TakeMany, answers kDataLoss for it, once for all of a batch. Other errors as TryTake.
  absl::StatusOr<TypedSampleBatch<Message>> TakeMany(std::uint32_t most = SampleBatch::kMost) {
    if (!refused_.ok()) return std::exchange(refused_, absl::OkStatus());
    absl::StatusOr<SampleBatch> taken = raw_.TakeMany(most);
    if (!taken.ok()) return taken.status();
    absl::StatusOr<TypedSampleBatch<Message>> batch(absl::in_place);
    for (Sample& sample : *taken) {
      if (absl::Status checked = Check(sample); !checked.ok()) {
        refused_ = std::move(checked);
      } else {
        batch->Add(std::move(sample));
      }
    }
    if (batch->empty() && !refused_.ok()) return std::exchange(refused_, absl::OkStatus());
    return batch;
  }

  /// Waits until TryTake would have something to say. False when `timeout` passed. Errors: kCancelled · kFailedPrecondition.
  absl::StatusOr<bool> Wait(absl::Duration timeout) { return raw_.Wait(timeout); }

  /// How many messages wait to be taken, and how many may before the oldest is overwritten or its publisher has to wait.
  /// Does not block. On the subscriber's thread.
  Backlog backlog() const { return raw_.backlog(); }

  /// A descriptor for epoll, select or an event loop, made at the first call and closed with the subscriber; do not read or
  /// close it. Readable when a take may find something, and every 100 ms without: then take until there is nothing, which
  /// makes it unreadable and arms it again. On the subscriber's thread. Errors: kResourceExhausted descriptors ran out ·
  /// kFailedPrecondition closed, forked.
  absl::StatusOr<int> fd() { return raw_.fd(); }

  /// Take and Wait answer kCancelled from now on, the one that waits at this moment too; the takes that do not wait go on.
  /// Does not block. From any thread, and from signal handlers, while the subscriber lives.
  void Cancel() { raw_.Cancel(); }

  /// Leaves the channel; samples that are held stay valid. Another thread may close while this one is inside Take, Wait or a
  /// WaitSet's Wait, which then answers kCancelled; Close returns when it has. A second close does nothing.
  void Close() { raw_.Close(); }
  bool is_open() const { return raw_.is_open(); }
  const std::string& channel() const { return raw_.channel(); }
  SubscriberStats stats() const { return raw_.stats(); }
  Subscriber& raw() { return raw_; }

 private:
  explicit TypedSubscriber(Subscriber raw) : raw_(std::move(raw)), verify_(raw_.verify()) {}

  absl::StatusOr<std::optional<SampleType>> Typed(absl::StatusOr<std::optional<Sample>> sample) const {
    if (!sample.ok()) return sample.status();
    if (!sample->has_value()) return std::optional<SampleType>();
    if (absl::Status checked = Check(**sample); !checked.ok()) return checked;
    return std::optional<SampleType>(SampleType(**std::move(sample)));
  }

  absl::Status Check(const Sample& sample) const {
    return internal::CheckMessage<Message>(sample.data(), sample.size(), verify_, raw_.channel(), Channel::Spec().message);
  }

  Subscriber raw_;
  Verify verify_;
  absl::Status refused_;   // of a batch that had valid messages too, until it is said
};

}  // namespace shmcomm
