// SPDX-License-Identifier: Apache-2.0
// What endpoints without a schema need: joining a channel as it is, waiting for room, knowing how far behind they are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/test_channels.h"

namespace shmcomm::test {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kMaxSize = 1024;

ChannelSpec ReliableSpec(std::uint32_t capacity) {
  ChannelSpec spec = BytesSpec(kMaxSize);
  spec.qos.reliability = Reliability::kReliable;
  spec.qos.capacity = capacity;
  spec.qos.history = 1;
  spec.qos.lifespan_ns = 1'000'000'000'000;
  return spec;
}

class AdoptedTest : public EndpointTest {};

TEST_F(AdoptedTest, OptionsMayDifferFromTheRunningChannels) {
  auto publisher = Publisher::Open(ReliableSpec(32), PublisherHere());
  ASSERT_TRUE(publisher.ok()) << publisher.status();
  SubscriberOptions options = SubscriberHere();
  options.adopted = qos_option::kReliability | qos_option::kHistory | qos_option::kCapacity | qos_option::kLifespan;

  auto subscriber = Subscriber::Open(BytesSpec(kMaxSize), options);

  ASSERT_TRUE(subscriber.ok()) << subscriber.status();
  EXPECT_EQ(subscriber->backlog().limit, 32u);
}

TEST_F(AdoptedTest, OthersMustAgree) {
  auto publisher = Publisher::Open(ReliableSpec(32), PublisherHere());
  ASSERT_TRUE(publisher.ok()) << publisher.status();
  SubscriberOptions options = SubscriberHere();
  options.adopted = qos_option::kReliability | qos_option::kHistory | qos_option::kLifespan;

  const auto subscriber = Subscriber::Open(BytesSpec(kMaxSize), options);

  EXPECT_TRUE(absl::IsFailedPrecondition(subscriber.status()));
  EXPECT_THAT(std::string(subscriber.status().message()), HasSubstr("option capacity: 32 -> 16"));
  EXPECT_THAT(std::string(subscriber.status().message()), HasSubstr("fix: give both ends the same options"));
}

TEST_F(AdoptedTest, RoomIsThereUntilTheRingIsFull) {
  Publisher publisher = OpenPublisher(ReliableSpec(2));
  Subscriber subscriber = OpenSubscriber(ReliableSpec(2));
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(*publisher.WaitForRoom(absl::ZeroDuration()));
    EXPECT_TRUE(publisher.PublishCopy("x", 1, Codec::kBytes).ok());
  }

  EXPECT_FALSE(*publisher.WaitForRoom(absl::ZeroDuration()));
  EXPECT_FALSE(*publisher.WaitForRoom(absl::Milliseconds(1)));
  EXPECT_EQ(subscriber.backlog().unread, 2u);
  EXPECT_TRUE(subscriber.TryTake()->has_value());
  EXPECT_TRUE(*publisher.WaitForRoom(absl::InfiniteDuration()));
  EXPECT_EQ(subscriber.backlog().unread, 1u);
}

TEST_F(AdoptedTest, RoomIsAlwaysThereOnABestEffortChannel) {
  Publisher publisher = OpenPublisher(BytesSpec(kMaxSize));
  Subscriber subscriber = OpenSubscriber(BytesSpec(kMaxSize));
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(publisher.PublishCopy("x", 1, Codec::kBytes).ok());

  EXPECT_TRUE(*publisher.WaitForRoom(absl::ZeroDuration()));
  EXPECT_GT(subscriber.backlog().unread, subscriber.backlog().limit);
}

TEST_F(AdoptedTest, MemoryOfALoanOutlivesItsPublisher) {
  Publisher publisher = OpenPublisher(BytesSpec(kMaxSize));
  auto loan = publisher.Loan();
  ASSERT_TRUE(loan.ok());
  std::uint8_t* bytes = *loan->Raw(64);
  const std::shared_ptr<const void> memory = publisher.memory();
  bytes[0] = 7;
  EXPECT_TRUE(publisher.PublishRaw(*std::move(loan), Codec::kBytes).ok());

  publisher.Close();

  EXPECT_EQ(bytes[0], 7);
  EXPECT_EQ(publisher.memory(), nullptr);
}

TEST_F(AdoptedTest, MessagesOfThisProcessAreFromThisUser) {
  Publisher publisher = OpenPublisher(BytesSpec(kMaxSize));
  Subscriber subscriber = OpenSubscriber(BytesSpec(kMaxSize));
  EXPECT_TRUE(publisher.PublishCopy("x", 1, Codec::kBytes).ok());

  const auto sample = subscriber.TryTake();

  ASSERT_TRUE(sample.ok() && sample->has_value());
  EXPECT_TRUE(subscriber.IsFromThisUser(**sample));
}

TEST_F(AdoptedTest, ClosedEndpointsSaySo) {
  Publisher publisher = OpenPublisher(BytesSpec(kMaxSize));
  Subscriber subscriber = OpenSubscriber(BytesSpec(kMaxSize));
  publisher.Close();
  subscriber.Close();

  EXPECT_TRUE(absl::IsFailedPrecondition(publisher.WaitForRoom(absl::ZeroDuration()).status()));
  EXPECT_EQ(subscriber.backlog().limit, 0u);
}

}  // namespace
}  // namespace shmcomm::test
