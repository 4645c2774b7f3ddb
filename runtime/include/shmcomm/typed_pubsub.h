// SPDX-License-Identifier: Apache-2.0
// Typed publishers and subscribers. A generated pubsub channel is a type `Channel` with
//   using Message = robot::Image;  static const shmcomm::ChannelSpec& Spec();
#pragma once

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

  void Close() { raw_.Close(); }
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

  absl::StatusOr<SampleType> Take(absl::Duration timeout) {
    absl::StatusOr<Sample> sample = raw_.Take(timeout);
    if (!sample.ok()) return sample.status();
    if (absl::Status checked = Check(*sample); !checked.ok()) return checked;
    return SampleType(*std::move(sample));
  }

  absl::StatusOr<std::optional<SampleType>> TryTake() { return Typed(raw_.TryTake()); }
  absl::StatusOr<std::optional<SampleType>> TakeLatest() { return Typed(raw_.TakeLatest()); }

  absl::StatusOr<bool> Wait(absl::Duration timeout) { return raw_.Wait(timeout); }

  void Close() { raw_.Close(); }
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
};

}  // namespace shmcomm
