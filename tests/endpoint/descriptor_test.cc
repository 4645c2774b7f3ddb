// SPDX-License-Identifier: Apache-2.0
// The descriptor of a subscriber in an event loop, and cancelling and closing while another thread waits.
#include <gmock/gmock.h>
#include <poll.h>

#include <thread>

#include "support/forked_child.h"
#include "support/test_channels.h"

namespace shmcomm {
namespace {

using test::NumbersSpec;
using test::Send;
using test::TakeValues;
using test::ValueOf;
using ::testing::ElementsAre;

bool IsReadable(int fd, int timeout_ms) {
  pollfd watched{fd, POLLIN, 0};
  return poll(&watched, 1, timeout_ms) == 1;
}

class DescriptorTest : public test::EndpointTest, public ::testing::WithParamInterface<std::uint32_t> {
 protected:
  static constexpr int kForEver = -1;
  const ChannelSpec spec_ = NumbersSpec(GetParam());
};
INSTANTIATE_TEST_SUITE_P(Commits, DescriptorTest, ::testing::Values(1, 8));

TEST_P(DescriptorTest, IsReadableWhenThereIsAMessageAlready) {
  Publisher publisher = OpenPublisher(spec_);
  Subscriber subscriber = OpenSubscriber(spec_);
  ASSERT_TRUE(Send(publisher, 1).ok());

  EXPECT_TRUE(IsReadable(*subscriber.fd(), 0));
}

TEST_P(DescriptorTest, IsTheSameAtEachCall) {
  Subscriber subscriber = OpenSubscriber(spec_);

  EXPECT_EQ(*subscriber.fd(), *subscriber.fd());
}

TEST_P(DescriptorTest, BecomesReadableWithEveryMessageAndUnreadableWithAnEmptyTake) {
  Publisher publisher = OpenPublisher(spec_);
  Subscriber subscriber = OpenSubscriber(spec_);
  const int fd = *subscriber.fd();

  for (std::uint64_t i = 0; i < 300; ++i) {
    EXPECT_THAT(TakeValues(subscriber), ElementsAre());
    ASSERT_TRUE(Send(publisher, i).ok());
    ASSERT_TRUE(IsReadable(fd, kForEver));
    EXPECT_THAT(TakeValues(subscriber), ElementsAre(i));
  }
}

TEST_P(DescriptorTest, BecomesReadableWithoutAMessageSoThatADeadPublisherCostsABoundedTime) {
  Subscriber subscriber = OpenSubscriber(spec_);

  EXPECT_TRUE(IsReadable(*subscriber.fd(), kForEver));
}

/// The other side of a ping-pong that sleeps in poll: returns each message as it comes.
int ReturnBalls(absl::StatusOr<Subscriber> subscriber, absl::StatusOr<Publisher> publisher, std::uint64_t rounds) {
  if (!subscriber.ok() || !publisher.ok() || !Send(*publisher, rounds).ok()) return 1;
  const int fd = *subscriber->fd();
  for (std::uint64_t taken = 0; taken < rounds;) {
    IsReadable(fd, -1);
    for (const std::uint64_t value : TakeValues(*subscriber)) {
      if (!Send(*publisher, value).ok()) return 2;
      ++taken;
    }
  }
  return 0;
}

TEST_P(DescriptorTest, WakesAWatcherInAnotherProcess) {
  constexpr std::uint64_t kRounds = 500;
  ChannelSpec pong = spec_;
  pong.name = "test/pong";
  Subscriber answers = OpenSubscriber(pong);
  const pid_t child = test::ForkBound();
  if (child == 0) {
    _exit(ReturnBalls(Subscriber::Open(spec_, SubscriberHere()), Publisher::Open(pong, PublisherHere()), kRounds));
  }
  ASSERT_EQ(ValueOf(*answers.Take(absl::InfiniteDuration())), kRounds);
  Publisher publisher = OpenPublisher(spec_);

  for (std::uint64_t i = 0; i < kRounds; ++i) {
    ASSERT_TRUE(Send(publisher, i).ok());
    ASSERT_EQ(ValueOf(*answers.Take(absl::InfiniteDuration())), i);
  }

  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST_P(DescriptorTest, ItsWakeFileGoesWithTheSubscriber) {
  Publisher publisher = OpenPublisher(spec_);
  {
    Subscriber subscriber = OpenSubscriber(spec_);
    ASSERT_TRUE(subscriber.fd().ok());
    ASSERT_THAT(Files(), ::testing::Contains("wake.0"));
  }

  EXPECT_THAT(Files(), ::testing::Not(::testing::Contains("wake.0")));
}

TEST_P(DescriptorTest, TheDeadsWakeFileIsRemovedByTheNextOpen) {
  Publisher publisher = OpenPublisher(spec_);
  test::StayingChild child([&](const test::StayingChild::Stay& stay) {
    auto subscriber = Subscriber::Open(spec_, SubscriberHere());
    if (subscriber.ok() && subscriber->fd().ok()) stay();
  });
  ASSERT_TRUE(child.is_there());
  ASSERT_THAT(Files(), ::testing::Contains("wake.0"));
  child.Kill();
  ASSERT_TRUE(Send(publisher, 1).ok());

  Subscriber next = OpenSubscriber(spec_);

  EXPECT_THAT(Files(), ::testing::Not(::testing::Contains("wake.0")));
}

TEST_P(DescriptorTest, ASuccessorOfTheLineIsReachedThroughItsOwnFile) {
  Publisher publisher = OpenPublisher(spec_);
  for (std::uint64_t i = 0; i < 3; ++i) {
    Subscriber subscriber = OpenSubscriber(spec_);
    const int fd = *subscriber.fd();
    EXPECT_THAT(TakeValues(subscriber), ElementsAre());
    ASSERT_TRUE(Send(publisher, i).ok());
    ASSERT_TRUE(IsReadable(fd, kForEver));
    EXPECT_THAT(TakeValues(subscriber), ElementsAre(i));
  }
}

class EndingAWait : public DescriptorTest {};
INSTANTIATE_TEST_SUITE_P(Commits, EndingAWait, ::testing::Values(1, 8));

TEST_P(EndingAWait, CancelFromAnotherThreadEndsATake) {
  Subscriber subscriber = OpenSubscriber(spec_);
  std::thread canceller([&] { subscriber.Cancel(); });

  EXPECT_EQ(subscriber.Take(absl::InfiniteDuration()).status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(subscriber.Wait(absl::InfiniteDuration()).status().code(), absl::StatusCode::kCancelled);

  canceller.join();
}

TEST_P(EndingAWait, WhatIsThereCanStillBeTakenWithoutWaitingAfterACancel) {
  Publisher publisher = OpenPublisher(spec_);
  Subscriber subscriber = OpenSubscriber(spec_);
  ASSERT_TRUE(Send(publisher, 4).ok());

  subscriber.Cancel();

  EXPECT_THAT(TakeValues(subscriber), ElementsAre(4u));
}

TEST_P(EndingAWait, CancelEndsATakeThatNeverSleeps) {
  auto subscriber = *Subscriber::Open(spec_, SubscriberHere(absl::InfiniteDuration()));
  std::thread canceller([&] { subscriber.Cancel(); });

  EXPECT_EQ(subscriber.Take(absl::InfiniteDuration()).status().code(), absl::StatusCode::kCancelled);

  canceller.join();
}

TEST_P(EndingAWait, CloseFromAnotherThreadEndsATakeAndLeavesTheChannel) {
  for (int round = 0; round < 20; ++round) {
    Subscriber subscriber = OpenSubscriber(spec_);
    std::thread closer([&] { subscriber.Close(); });

    const absl::Status status = subscriber.Take(absl::InfiniteDuration()).status();

    closer.join();
    EXPECT_THAT(status.code(), ::testing::AnyOf(absl::StatusCode::kCancelled, absl::StatusCode::kFailedPrecondition));
    EXPECT_FALSE(subscriber.is_open());
    EXPECT_EQ(Files(), std::set<std::string>{});
  }
}

TEST_P(EndingAWait, CloseFromAnotherThreadEndsAPublishThatWaitsForRoom) {
  ChannelSpec spec = spec_;
  spec.qos.reliability = Reliability::kReliable;
  Publisher publisher = OpenPublisher(spec);
  Subscriber subscriber = OpenSubscriber(spec);
  for (std::uint32_t i = 0; i < spec.qos.capacity; ++i) ASSERT_TRUE(Send(publisher, i).ok());
  std::thread closer([&] { publisher.Close(); });

  const absl::Status status = Send(publisher, 99);

  closer.join();
  EXPECT_THAT(status.code(), ::testing::AnyOf(absl::StatusCode::kCancelled, absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace shmcomm
