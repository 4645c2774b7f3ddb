// SPDX-License-Identifier: Apache-2.0
// Publishing and taking: order, loss, borrowing, several of each, and who comes or goes meanwhile.
#include <gmock/gmock.h>

#include <algorithm>
#include <optional>
#include <thread>

#include "support/start.h"
#include "support/test_channels.h"

namespace shmcomm {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using test::NumbersSpec;
using test::Range;
using test::Send;
using test::TakeValues;
using test::ValueOf;

/// Both commits: one publisher at most, and several.
class Exchange : public test::EndpointTest, public ::testing::WithParamInterface<std::uint32_t> {
 protected:
  void SendRange(Publisher& publisher, std::uint64_t from, std::uint64_t to) const {
    for (; from < to; ++from) ASSERT_TRUE(Send(publisher, from).ok());
  }
  ChannelSpec spec_ = NumbersSpec(GetParam());
};
INSTANTIATE_TEST_SUITE_P(Commits, Exchange, ::testing::Values(1, 8));

TEST_P(Exchange, MessagesArriveInOrder) {
  Publisher publisher = OpenPublisher(spec_);
  Subscriber subscriber = OpenSubscriber(spec_);
  for (std::uint64_t i = 0; i < 1000; ++i) {
    ASSERT_TRUE(Send(publisher, i).ok());
    const auto sample = subscriber.TryTake();
    ASSERT_TRUE(sample.ok() && sample->has_value());
    ASSERT_EQ(ValueOf(**sample), i);
    ASSERT_EQ(test::IndexOf((*sample)->sequence()), i);
    ASSERT_EQ((*sample)->lost(), 0u);
  }
}

TEST_P(Exchange, TryTakeGivesNothingWhenThereIsNothing) {
  Subscriber subscriber = OpenSubscriber(spec_);

  const auto sample = subscriber.TryTake();

  ASSERT_TRUE(sample.ok());
  EXPECT_FALSE(sample->has_value());
}

TEST_P(Exchange, ASampleTellsWhoSentItHowAndWhen) {
  Publisher publisher = OpenPublisher(spec_);
  Subscriber subscriber = OpenSubscriber(spec_);
  ASSERT_TRUE(Send(publisher, 1).ok());
  ASSERT_TRUE(Send(publisher, 2).ok());

  const Sample first = *subscriber.Take(absl::ZeroDuration());
  const Sample second = *subscriber.Take(absl::ZeroDuration());

  EXPECT_EQ(first.publisher(), 1u);
  EXPECT_EQ(first.codec(), Codec::kStruct);
  EXPECT_EQ(first.size(), sizeof(test::Numbers));
  EXPECT_GT(first.publish_ns(), 0);
  EXPECT_GE(second.publish_ns() + 1000, first.publish_ns());
}

TEST_P(Exchange, EverySequenceIsTakenOrCountedAsLost) {
  Publisher publisher = OpenPublisher(spec_);
  Subscriber subscriber = OpenSubscriber(spec_);
  SendRange(publisher, 0, 100);

  const Sample first = *subscriber.Take(absl::ZeroDuration());
  const std::vector<std::uint64_t> rest = TakeValues(subscriber);

  EXPECT_EQ(first.lost(), ValueOf(first));
  EXPECT_GE(ValueOf(first), 84u);  // the ring has 16 places
  EXPECT_LE(ValueOf(first), 85u);
  EXPECT_EQ(rest, Range(ValueOf(first) + 1, 100));
  EXPECT_EQ(subscriber.stats().lost, first.lost());
}

TEST_P(Exchange, LossIsReportedOnceWithTheNextSample) {
  Publisher publisher = OpenPublisher(spec_);
  Subscriber subscriber = OpenSubscriber(spec_);
  SendRange(publisher, 0, 40);
  const Sample first = *subscriber.Take(absl::ZeroDuration());

  const Sample second = *subscriber.Take(absl::ZeroDuration());

  EXPECT_GT(first.lost(), 0u);
  EXPECT_EQ(second.lost(), 0u);
}

TEST_P(Exchange, EverySubscriberGetsEveryMessage) {
  Publisher publisher = OpenPublisher(spec_);
  std::vector<Subscriber> subscribers;
  for (int i = 0; i < 5; ++i) subscribers.push_back(OpenSubscriber(spec_));
  SendRange(publisher, 0, 15);

  for (Subscriber& subscriber : subscribers) EXPECT_EQ(TakeValues(subscriber), Range(0, 15));
}

TEST_P(Exchange, ALateJoinerGetsWhatIsPublishedFromThenOn) {
  Publisher publisher = OpenPublisher(spec_);
  SendRange(publisher, 0, 5);
  Subscriber subscriber = OpenSubscriber(spec_);
  SendRange(publisher, 5, 8);

  EXPECT_THAT(TakeValues(subscriber), ElementsAre(5, 6, 7));
  EXPECT_EQ(subscriber.stats().lost, 0u);
}

TEST_P(Exchange, HistoryComesFirstAndThenWhatFollowsWithoutAGap) {
  spec_.qos.history = 3;
  Publisher publisher = OpenPublisher(spec_);
  SendRange(publisher, 0, 50);
  Subscriber subscriber = OpenSubscriber(spec_);
  SendRange(publisher, 50, 52);

  EXPECT_THAT(TakeValues(subscriber), ElementsAre(47, 48, 49, 50, 51));
  EXPECT_EQ(subscriber.stats().lost, 0u);
}

TEST_P(Exchange, AYoungChannelHasLessHistoryThanPromised) {
  spec_.qos.history = 10;
  Publisher publisher = OpenPublisher(spec_);
  SendRange(publisher, 0, 2);
  Subscriber subscriber = OpenSubscriber(spec_);

  EXPECT_THAT(TakeValues(subscriber), ElementsAre(0, 1));
  EXPECT_EQ(subscriber.stats().lost, 0u);
}

TEST_P(Exchange, APublishersMessagesOutliveIt) {
  Subscriber subscriber = OpenSubscriber(spec_);
  {
    Publisher publisher = OpenPublisher(spec_);
    SendRange(publisher, 0, 10);
  }

  EXPECT_EQ(TakeValues(subscriber), Range(0, 10));
  EXPECT_EQ(subscriber.stats().lost, 0u);
}

TEST_P(Exchange, HistoryOfADepartedPublisherReachesALateJoiner) {
  spec_.qos.history = 4;
  Subscriber keeper = OpenSubscriber(spec_);
  {
    Publisher publisher = OpenPublisher(spec_);
    SendRange(publisher, 0, 10);
  }
  Subscriber late = OpenSubscriber(spec_);

  EXPECT_THAT(TakeValues(late), ElementsAre(6, 7, 8, 9));
}

TEST_P(Exchange, ASuccessorContinuesTheSequence) {
  Subscriber subscriber = OpenSubscriber(spec_);
  for (std::uint64_t i = 0; i < 50; ++i) {
    Publisher publisher = OpenPublisher(spec_);
    ASSERT_TRUE(Send(publisher, i).ok());

    const auto sample = subscriber.Take(absl::ZeroDuration());

    ASSERT_TRUE(sample.ok()) << i << " " << sample.status();
    EXPECT_EQ(test::IndexOf(sample->sequence()), i);
    EXPECT_EQ(ValueOf(*sample), i);
    EXPECT_EQ(sample->lost(), 0u);
  }
}

TEST_P(Exchange, WhatASuccessorDisplacesIsCounted) {
  Subscriber subscriber = OpenSubscriber(spec_);
  for (std::uint64_t i = 0; i < 12; ++i) {
    Publisher publisher = OpenPublisher(spec_);
    ASSERT_TRUE(Send(publisher, i).ok());
  }

  const std::vector<std::uint64_t> values = TakeValues(subscriber);

  ASSERT_FALSE(values.empty());
  EXPECT_EQ(values.back(), 11u);
  EXPECT_TRUE(std::is_sorted(values.begin(), values.end()));
  EXPECT_EQ(values.size() + subscriber.stats().lost, 12u);
}

TEST_P(Exchange, ABorrowedMessageKeepsItsContentHoweverMuchIsPublished) {
  Publisher publisher = OpenPublisher(spec_);
  Subscriber subscriber = OpenSubscriber(spec_);
  ASSERT_TRUE(Send(publisher, 42).ok());
  const Sample held = *subscriber.Take(absl::ZeroDuration());

  SendRange(publisher, 100, 5000);

  test::Numbers numbers;
  std::memcpy(&numbers, held.data(), sizeof(numbers));
  EXPECT_EQ(numbers.value, 42u);
  for (const std::uint64_t word : numbers.rest) EXPECT_EQ(word, 42u);
}

TEST_P(Exchange, EverySubscriberMayHoldAllItMayAndPublishingGoesOn) {
  spec_.qos.max_subscribers = 3;
  Publisher publisher = OpenPublisher(spec_);
  std::vector<Subscriber> subscribers;
  for (int i = 0; i < 3; ++i) subscribers.push_back(OpenSubscriber(spec_));
  std::vector<Sample> held;
  std::uint64_t value = 0;
  for (std::uint32_t k = 0; k < spec_.qos.max_borrowed; ++k) {
    for (Subscriber& subscriber : subscribers) {
      SendRange(publisher, value, value + 20);  // no two hold the same message
      value += 20;
      held.push_back(*subscriber.Take(absl::ZeroDuration()));
    }
  }
  std::vector<std::uint64_t> before;
  for (const Sample& sample : held) before.push_back(ValueOf(sample));

  SendRange(publisher, value, value + 1000);

  for (std::size_t i = 0; i < held.size(); ++i) EXPECT_EQ(ValueOf(held[i]), before[i]);
}

TEST_P(Exchange, TooManyBorrowedIsSaidAndNothingIsLostByIt) {
  Publisher publisher = OpenPublisher(spec_);
  Subscriber subscriber = OpenSubscriber(spec_);
  SendRange(publisher, 0, 6);
  std::vector<Sample> held;
  for (int i = 0; i < 4; ++i) held.push_back(*subscriber.Take(absl::ZeroDuration()));

  const absl::Status refused = subscriber.TryTake().status();
  held.clear();

  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(refused.message()), StartsWith("test/numbers: you hold 4 of 4 borrowed messages (oldest 0."));
  EXPECT_THAT(std::string(refused.message()), ::testing::EndsWith(" s); copy what you keep, or raise max_borrowed"));
  EXPECT_THAT(TakeValues(subscriber), ElementsAre(4, 5));
}

TEST_P(Exchange, SamplesAreReleasedInAnyOrder) {
  Publisher publisher = OpenPublisher(spec_);
  Subscriber subscriber = OpenSubscriber(spec_);
  SendRange(publisher, 0, 8);
  std::vector<std::optional<Sample>> held;
  for (int i = 0; i < 4; ++i) held.emplace_back(*subscriber.Take(absl::ZeroDuration()));

  held[2].reset();
  held[0].reset();
  held.emplace_back(*subscriber.Take(absl::ZeroDuration()));
  held.emplace_back(*subscriber.Take(absl::ZeroDuration()));

  EXPECT_EQ(ValueOf(*held[1]), 1u);
  EXPECT_EQ(ValueOf(*held[3]), 3u);
  EXPECT_EQ(ValueOf(*held[5]), 5u);
  EXPECT_FALSE(subscriber.TryTake().ok());
}

TEST_P(Exchange, ASampleOutlivesItsSubscriberAndIsReleasedByAnotherThread) {
  Publisher publisher = OpenPublisher(spec_);
  std::optional<Sample> sample;
  {
    Subscriber subscriber = OpenSubscriber(spec_);
    ASSERT_TRUE(Send(publisher, 42).ok());
    sample.emplace(*subscriber.Take(absl::ZeroDuration()));
  }
  SendRange(publisher, 100, 500);
  EXPECT_EQ(ValueOf(*sample), 42u);

  std::thread([&sample] { sample.reset(); }).join();
  publisher.Close();

  EXPECT_THAT(Files(), IsEmpty());
}

TEST_P(Exchange, ASampleOutlivesItsPublisherAndItsSubscriber) {
  std::optional<Sample> sample;
  {
    Publisher publisher = OpenPublisher(spec_);
    Subscriber subscriber = OpenSubscriber(spec_);
    ASSERT_TRUE(Send(publisher, 42).ok());
    sample.emplace(*subscriber.Take(absl::ZeroDuration()));
  }

  EXPECT_EQ(ValueOf(*sample), 42u);
  sample.reset();
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_P(Exchange, MovedHandlesWorkOn) {
  Publisher publisher = OpenPublisher(spec_);
  Subscriber subscriber = OpenSubscriber(spec_);
  Publisher publishes = std::move(publisher);
  Subscriber takes = std::move(subscriber);
  ASSERT_TRUE(Send(publishes, 1).ok());

  EXPECT_THAT(TakeValues(takes), ElementsAre(1));
}

TEST_P(Exchange, AfterCloseEverythingFailsAndNothingIsLeft) {
  Publisher publisher = OpenPublisher(spec_);
  Subscriber subscriber = OpenSubscriber(spec_);
  publisher.Close();
  subscriber.Close();

  EXPECT_EQ(Send(publisher, 1).message(), "the endpoint is closed; open another one");
  EXPECT_EQ(publisher.Loan().status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(subscriber.TryTake().status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(subscriber.Take(absl::ZeroDuration()).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(subscriber.Wait(absl::ZeroDuration()).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(publisher.is_open() || subscriber.is_open());
  EXPECT_TRUE(root_.IsEmpty());
}

TEST_P(Exchange, CountersAddUp) {
  Publisher publisher = OpenPublisher(spec_);
  Subscriber subscriber = OpenSubscriber(spec_);
  SendRange(publisher, 0, 50);
  const std::size_t taken = TakeValues(subscriber).size();

  EXPECT_EQ(publisher.stats().sent, 50u);
  EXPECT_EQ(publisher.stats().bytes, 50 * sizeof(test::Numbers));
  EXPECT_EQ(publisher.stats().errors, 0u);
  EXPECT_EQ(subscriber.stats().received, taken);
  EXPECT_EQ(subscriber.stats().bytes, taken * sizeof(test::Numbers));
  EXPECT_EQ(subscriber.stats().lost, 50 - taken);
  EXPECT_EQ(subscriber.stats().corrupt, 0u);
}

class SharedRing : public test::EndpointTest {};

TEST_F(SharedRing, EachPublishersMessagesKeepTheirOrder) {
  const ChannelSpec spec = NumbersSpec(3);
  std::vector<Publisher> publishers;
  for (int i = 0; i < 3; ++i) publishers.push_back(OpenPublisher(spec));
  Subscriber subscriber = OpenSubscriber(spec);
  std::uint64_t next[4] = {};
  for (std::uint64_t round = 0; round < 100; ++round) {
    for (Publisher& publisher : publishers) ASSERT_TRUE(Send(publisher, round).ok());
    while (true) {
      const auto sample = subscriber.TryTake();
      ASSERT_TRUE(sample.ok());
      if (!sample->has_value()) break;
      ASSERT_EQ(ValueOf(**sample), next[(*sample)->publisher()]++);
    }
  }

  EXPECT_THAT(next, ElementsAre(0, 100, 100, 100));
}

TEST_F(SharedRing, PublisherIdsAreUsedAgain) {
  const ChannelSpec spec = NumbersSpec(2);
  Subscriber subscriber = OpenSubscriber(spec);
  Publisher stays = OpenPublisher(spec);
  for (std::uint64_t i = 0; i < 100; ++i) {
    Publisher comes_and_goes = OpenPublisher(spec);
    ASSERT_TRUE(Send(comes_and_goes, i).ok());
    ASSERT_TRUE(Send(stays, 1000 + i).ok());
    for (const std::uint64_t expected : {i, 1000 + i}) {
      const auto sample = subscriber.Take(absl::ZeroDuration());
      ASSERT_TRUE(sample.ok()) << i << " " << sample.status();
      ASSERT_EQ(ValueOf(*sample), expected);
    }
  }
  EXPECT_LE(Files().size(), 4u + 2u + 1u);
}

}  // namespace
}  // namespace shmcomm
