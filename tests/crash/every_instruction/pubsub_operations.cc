// SPDX-License-Identifier: Apache-2.0
#include "crash/every_instruction/pubsub_operations.h"

#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "segment/plan.h"
#include "shmcomm/wait_set.h"
#include "support/forked_child.h"
#include "support/test_channels.h"

namespace shmcomm::crash {
namespace {

constexpr std::uint32_t kSole = 1;
constexpr std::uint32_t kShared = 3;
constexpr std::uint32_t kHistory = 4;

ChannelSpec BestEffort(std::uint32_t max_publishers) {
  ChannelSpec spec = test::NumbersSpec(max_publishers);
  spec.qos.max_subscribers = 3;
  spec.qos.max_borrowed = 2;
  return spec;
}

ChannelSpec Reliable(std::uint32_t max_publishers) {
  ChannelSpec spec = BestEffort(max_publishers);
  spec.qos.reliability = Reliability::kReliable;
  spec.qos.on_full = OnFull::kFail;
  return spec;
}

ChannelSpec WithHistory(ChannelSpec spec) {
  spec.qos.history = kHistory;
  return spec;
}

/// More subscribers than a set waits for on their bells.
ChannelSpec Crowded() {
  ChannelSpec spec = BestEffort(kShared);
  spec.qos.max_subscribers = 12;
  return spec;
}

/// Messages so large that a publisher retires early what every reader has passed.
ChannelSpec Large() {
  ChannelSpec spec = BestEffort(kShared);
  spec.qos.max_size = segment::kLargeBytes;
  spec.message.is_struct = false;
  spec.message.struct_bytes = 0;
  return spec;
}

std::shared_ptr<Publisher> OpenPublisher(const ChannelSpec& spec, const std::string& root) {
  auto opened = Publisher::Open(spec, PublisherAt(root));
  return opened.ok() ? std::make_shared<Publisher>(*std::move(opened)) : nullptr;
}

std::shared_ptr<Subscriber> OpenSubscriber(const ChannelSpec& spec, const std::string& root) {
  auto opened = Subscriber::Open(spec, SubscriberAt(root));
  return opened.ok() ? std::make_shared<Subscriber>(*std::move(opened)) : nullptr;
}

bool SendOne(Publisher& publisher) { return test::Send(publisher, 7).ok(); }

bool FillLoan(Loan& loan, std::size_t bytes = sizeof(test::Numbers)) {
  const test::Numbers numbers{7, {7, 7, 7, 7, 7, 7, 7}};
  const auto place = loan.Raw(bytes);
  if (place.ok()) std::memcpy(*place, &numbers, sizeof(numbers));
  return place.ok();
}

bool TakeOne(Subscriber& subscriber) {
  const auto sample = subscriber.TryTake();
  return sample.ok() && sample->has_value();
}

bool TakeNewest(Subscriber& subscriber) {
  const auto sample = subscriber.TakeLatest();
  return sample.ok() && sample->has_value();
}

std::uint32_t CountTaken(Subscriber& subscriber) {
  std::uint32_t taken = 0;
  while (TakeOne(subscriber)) ++taken;
  return taken;
}

bool TakeAll(Subscriber& subscriber) {
  CountTaken(subscriber);
  return true;
}

/// Two at once, as many as may be held; one if it is lapped meanwhile.
bool TakeBatch(Subscriber& subscriber) {
  const auto batch = subscriber.TakeMany();
  return batch.ok() && !batch->empty();
}

/// An operation of a publisher that has published `before` messages.
Operation OfPublisher(const char* name, const ChannelSpec& spec, int before, std::function<bool(Publisher&)> step) {
  const Others others = spec.qos.max_publishers == kSole ? Others::kReader : Others::kReaderAndPublisher;
  return {name, spec, others, false, [spec, before, step](const std::string& root) -> Step {
            const auto publisher = OpenPublisher(spec, root);
            for (int i = 0; publisher != nullptr && i < before; ++i) static_cast<void>(SendOne(*publisher));
            return publisher == nullptr ? Step() : [publisher, step] { return step(*publisher); };
          }};
}

Operation ToDescriptor(Operation operation) {
  operation.reader_has_descriptor = true;
  return operation;
}

/// An operation of a subscriber that finds messages: the survivors publish before its step.
Operation OfSubscriber(const char* name, const ChannelSpec& spec, std::function<bool(Subscriber&)> step) {
  return {name, spec, Others::kReaderAndPublisher, false, [spec, step](const std::string& root) -> Step {
            const auto subscriber = OpenSubscriber(spec, root);
            return subscriber == nullptr ? Step() : [subscriber, step] { return step(*subscriber); };
          }};
}

/// The same of a subscriber that is watched through a descriptor.
Operation OfWatchedSubscriber(const char* name, const ChannelSpec& spec, std::function<bool(Subscriber&)> step) {
  return {name, spec, Others::kReaderAndPublisher, false, [spec, step](const std::string& root) -> Step {
            const auto subscriber = OpenSubscriber(spec, root);
            if (subscriber == nullptr || !subscriber->fd().ok()) return {};
            return [subscriber, step] { return step(*subscriber); };
          }};
}

/// A step that gives back what the victim has taken from itself.
Operation Release(const ChannelSpec& spec) {
  return {"release", spec, Others::kReaderAndPublisher, false, [spec](const std::string& root) -> Step {
            const auto publisher = OpenPublisher(spec, root);
            const auto subscriber = OpenSubscriber(spec, root);
            if (publisher == nullptr || subscriber == nullptr || !SendOne(*publisher)) return {};
            auto sample = subscriber->TryTake();
            if (!sample.ok() || !sample->has_value()) return {};
            const auto held = std::make_shared<std::optional<Sample>>(*std::move(sample));
            return [publisher, subscriber, held] {
              held->reset();
              return true;
            };
          }};
}

/// A publisher that finds the gate shut by a laggard, and takes its cursor.
Operation Demote() {
  const ChannelSpec spec = Reliable(kShared);
  Operation operation = {"demote", spec, Others::kReaderAndPublisher, false, [spec](const std::string& root) -> Step {
                           auto opened = Publisher::Open(spec, DemotingPublisherAt(root));
                           if (!opened.ok()) return {};
                           const auto publisher = std::make_shared<Publisher>(*std::move(opened));
                           return [publisher] { return SendOne(*publisher); };
                         }};
  operation.published_before = static_cast<int>(spec.qos.capacity);
  operation.has_laggard = operation.others_demote = true;
  return operation;
}

/// A subscriber that was demoted learns of it and is a reliable one again.
Operation Rejoin(const char* name, std::function<bool(Subscriber&)> step) {
  Operation operation = OfSubscriber(name, Reliable(kShared), std::move(step));
  operation.published_before = static_cast<int>(operation.spec.qos.capacity) + 4;
  operation.others_demote = true;
  return operation;
}

/// A subscriber that waits in a set of `size` of its kind.
Operation WaitInSet(const char* name, const ChannelSpec& spec, std::size_t size) {
  return {name, spec, Others::kReaderAndPublisher, false, [spec, size](const std::string& root) -> Step {
            const auto members = std::make_shared<std::vector<std::shared_ptr<Subscriber>>>();
            const auto set = std::make_shared<WaitSet>();
            while (members->size() < size) {
              members->push_back(OpenSubscriber(spec, root));
              if (members->back() == nullptr || !set->Add(*members->back()).ok()) return {};
            }
            return [members, set] {
              for (const auto& member : *members) TakeAll(*member);
              return set->Wait(absl::Nanoseconds(1)).ok();
            };
          }};
}

template <class Endpoint>
Operation Lifecycle(const char* name, const ChannelSpec& spec, Others others,
                    std::function<std::shared_ptr<Endpoint>(const std::string& root)> before,
                    std::function<bool(std::shared_ptr<Endpoint>&, const std::string& root)> step) {
  return {name, spec, others, true, [before, step](const std::string& root) -> Step {
            const auto endpoint = std::make_shared<std::shared_ptr<Endpoint>>(before(root));
            return [endpoint, step, root] { return step(*endpoint, root); };
          }};
}

Operation OpenPublisherIn(const char* name, const ChannelSpec& spec, Others others) {
  return Lifecycle<Publisher>(
      name, spec, others, [](const std::string&) { return nullptr; },
      [spec](auto& endpoint, const std::string& root) {
        endpoint = OpenPublisher(spec, root);
        return endpoint != nullptr;
      });
}

Operation OpenSubscriberIn(const char* name, const ChannelSpec& spec, Others others) {
  return Lifecycle<Subscriber>(
      name, spec, others, [](const std::string&) { return nullptr; },
      [spec](auto& endpoint, const std::string& root) {
        endpoint = OpenSubscriber(spec, root);
        return endpoint != nullptr;
      });
}

/// A late joiner, and the history that it takes.
Operation JoinHistoryIn(const char* name, const ChannelSpec& spec) {
  Operation operation = Lifecycle<Subscriber>(
      name, spec, Others::kReaderAndPublisher, [](const std::string&) { return nullptr; },
      [spec](auto& endpoint, const std::string& root) {
        endpoint = OpenSubscriber(spec, root);
        return endpoint != nullptr && CountTaken(*endpoint) >= kHistory;
      });
  operation.published_before = 6;
  return operation;
}

template <class Endpoint>
bool CloseIt(std::shared_ptr<Endpoint>& endpoint, const std::string&) {
  if (endpoint != nullptr) endpoint->Close();
  return endpoint != nullptr;
}

Operation ClosePublisherOf(const char* name, const ChannelSpec& spec, Others others, int sent) {
  return Lifecycle<Publisher>(
      name, spec, others,
      [spec, sent](const std::string& root) {
        auto publisher = OpenPublisher(spec, root);
        for (int i = 0; publisher != nullptr && i < sent; ++i) static_cast<void>(SendOne(*publisher));
        return publisher;
      },
      &CloseIt<Publisher>);
}

Operation CloseSubscriberOf(const char* name, const ChannelSpec& spec, Others others) {
  return Lifecycle<Subscriber>(
      name, spec, others, [spec](const std::string& root) { return OpenSubscriber(spec, root); }, &CloseIt<Subscriber>);
}

Operation CloseWatchedSubscriberOf(const char* name, const ChannelSpec& spec) {
  return Lifecycle<Subscriber>(
      name, spec, Others::kReaderAndPublisher,
      [spec](const std::string& root) {
        auto subscriber = OpenSubscriber(spec, root);
        if (subscriber != nullptr) static_cast<void>(subscriber->fd());
        return subscriber;
      },
      &CloseIt<Subscriber>);
}

/// Dies with a publisher that has published and a subscriber that holds a message.
void DieIn(const ChannelSpec& spec, const std::string& root) {
  test::StayingChild dead([&](const test::StayingChild::Stay& stay) {
    const auto publisher = OpenPublisher(spec, root);
    const auto subscriber = OpenSubscriber(spec, root);
    if (publisher == nullptr || subscriber == nullptr || !SendOne(*publisher)) return;
    const auto held = subscriber->TryTake();
    stay();
  });
}

/// An open that finds the dead and cleans up after them.
Operation Clean(const char* name, const ChannelSpec& spec) {
  return Lifecycle<Publisher>(
      name, spec, Others::kReader,
      [spec](const std::string& root) {
        DieIn(spec, root);
        return nullptr;
      },
      [spec](auto& endpoint, const std::string& root) {
        endpoint = OpenPublisher(spec, root);
        return endpoint != nullptr;
      });
}

bool LoanAndPublish(Publisher& publisher) {
  auto loan = publisher.Loan();
  return loan.ok() && FillLoan(*loan) && publisher.PublishRaw(*std::move(loan), Codec::kStruct).ok();
}

bool LoanAndAbandon(Publisher& publisher) {
  auto loan = publisher.Loan();
  return loan.ok() && FillLoan(*loan);
}

/// The first makes the publisher retire early, the second finds what was retired.
bool PublishTwoLarge(Publisher& publisher) {
  for (int i = 0; i < 2; ++i) {
    auto loan = publisher.Loan();
    if (!loan.ok() || !FillLoan(*loan, segment::kLargeBytes)) return false;
    if (!publisher.PublishRaw(*std::move(loan), Codec::kBytes).ok()) return false;
  }
  return true;
}

bool MakeDescriptor(Subscriber& subscriber) { return subscriber.fd().ok(); }

bool TakeAllThenSleep(Subscriber& subscriber) {
  return TakeAll(subscriber) && subscriber.Wait(absl::Nanoseconds(1)).ok();
}

}  // namespace

PublisherOptions PublisherAt(const std::string& root) {
  PublisherOptions options;
  options.root = root;
  return options;
}

PublisherOptions DemotingPublisherAt(const std::string& root) {
  PublisherOptions options = PublisherAt(root);
  options.demote_after = absl::ZeroDuration();
  return options;
}

SubscriberOptions SubscriberAt(const std::string& root) {
  SubscriberOptions options;
  options.root = root;
  options.spin = absl::ZeroDuration();
  return options;
}

const std::vector<Operation>& PubSubOperations() {
  // 40 messages: every slot has been used, so a publish reclaims.
  static const auto* const operations = new std::vector<Operation>{
      OfPublisher("publish_shared", BestEffort(kShared), 1, SendOne),
      OfPublisher("publish_shared_reclaiming", BestEffort(kShared), 40, SendOne),
      OfPublisher("publish_sole", BestEffort(kSole), 1, SendOne),
      OfPublisher("publish_sole_reclaiming", BestEffort(kSole), 40, SendOne),
      OfPublisher("publish_reliable", Reliable(kShared), 1, SendOne),
      OfPublisher("loan_and_publish", BestEffort(kShared), 40, LoanAndPublish),
      OfPublisher("loan_and_abandon", BestEffort(kShared), 40, LoanAndAbandon),
      OfPublisher("publish_large", Large(), 40, PublishTwoLarge),
      ToDescriptor(OfPublisher("publish_to_descriptor", BestEffort(kShared), 1, SendOne)),
      OfSubscriber("take_and_release", BestEffort(kShared), TakeOne),
      OfSubscriber("take_and_release_reliable", Reliable(kShared), TakeOne),
      OfSubscriber("take_latest", BestEffort(kShared), TakeNewest),
      OfSubscriber("take_many", BestEffort(kShared), TakeBatch),
      OfSubscriber("take_many_reliable", Reliable(kShared), TakeBatch),
      Demote(),
      Rejoin("rejoin_and_take", TakeOne),
      Rejoin("rejoin_and_take_all", TakeAll),
      OfSubscriber("take_all_then_sleep", BestEffort(kShared), TakeAllThenSleep),
      OfSubscriber("make_descriptor", BestEffort(kShared), MakeDescriptor),
      OfWatchedSubscriber("take_all_then_arm_descriptor", BestEffort(kShared), TakeAll),
      WaitInSet("wait_in_set", BestEffort(kShared), 1),
      WaitInSet("wait_in_set_of_many", Crowded(), 9),
      Release(BestEffort(kShared)),
      OpenPublisherIn("open_publisher", BestEffort(kShared), Others::kReaderAndPublisher),
      OpenPublisherIn("open_sole_publisher", BestEffort(kSole), Others::kReader),
      OpenSubscriberIn("open_subscriber", BestEffort(kShared), Others::kReaderAndPublisher),
      OpenSubscriberIn("open_reliable_subscriber", Reliable(kShared), Others::kReaderAndPublisher),
      JoinHistoryIn("join_history", WithHistory(BestEffort(kShared))),
      JoinHistoryIn("join_history_reliable", WithHistory(Reliable(kShared))),
      ClosePublisherOf("close_publisher", BestEffort(kShared), Others::kReaderAndPublisher, 1),
      ClosePublisherOf("close_unused_publisher", BestEffort(kShared), Others::kReaderAndPublisher, 0),
      CloseSubscriberOf("close_subscriber", BestEffort(kShared), Others::kReaderAndPublisher),
      CloseWatchedSubscriberOf("close_watched_subscriber", BestEffort(kShared)),
      Clean("clean_shared", BestEffort(kShared)),
      Clean("clean_sole", BestEffort(kSole)),
      OpenPublisherIn("create_by_publisher", BestEffort(kShared), Others::kNobody),
      OpenSubscriberIn("create_by_subscriber", BestEffort(kShared), Others::kNobody),
      ClosePublisherOf("remove_by_publisher", BestEffort(kShared), Others::kNobody, 1),
      CloseSubscriberOf("remove_by_subscriber", BestEffort(kShared), Others::kNobody),
  };
  return *operations;
}

}  // namespace shmcomm::crash
