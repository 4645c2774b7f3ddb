// SPDX-License-Identifier: Apache-2.0
// Waiting: what a time-out means, and that a sleeper in another process is woken.
#include <gmock/gmock.h>
#include <unistd.h>

#include "support/forked_child.h"
#include "support/test_channels.h"

namespace shmcomm {
namespace {

using test::NumbersSpec;
using test::Send;
using test::ValueOf;

class WaitingTest : public test::EndpointTest, public ::testing::WithParamInterface<std::uint32_t> {
 protected:
  const ChannelSpec spec_ = NumbersSpec(GetParam());
};
INSTANTIATE_TEST_SUITE_P(Commits, WaitingTest, ::testing::Values(1, 8));

TEST_P(WaitingTest, TakeWithoutTimeFailsAtOnceWhenThereIsNothing) {
  Subscriber subscriber = OpenSubscriber(spec_);

  EXPECT_EQ(subscriber.Take(absl::ZeroDuration()).status().message(), "test/numbers: no message within 0");
  EXPECT_EQ(subscriber.Take(absl::Seconds(-1)).status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(subscriber.Take(-absl::InfiniteDuration()).status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_P(WaitingTest, TakeGivesUpWhenItsTimeHasPassedNotBefore) {
  Subscriber subscriber = OpenSubscriber(spec_);
  const absl::Time start = absl::Now();

  const absl::Status status = subscriber.Take(absl::Milliseconds(150)).status();

  EXPECT_EQ(status.message(), "test/numbers: no message within 150ms");
  EXPECT_GE(absl::Now() - start, absl::Milliseconds(149));
}

TEST_P(WaitingTest, WaitSaysWhetherThereIsSomethingToTake) {
  Publisher publisher = OpenPublisher(spec_);
  Subscriber subscriber = OpenSubscriber(spec_);

  EXPECT_FALSE(*subscriber.Wait(absl::ZeroDuration()));
  EXPECT_FALSE(*subscriber.Wait(absl::Milliseconds(5)));
  ASSERT_TRUE(Send(publisher, 1).ok());
  EXPECT_TRUE(*subscriber.Wait(absl::ZeroDuration()));
  EXPECT_TRUE(*subscriber.Wait(absl::InfiniteDuration()));
  ASSERT_TRUE(subscriber.Take(absl::ZeroDuration()).ok());
  EXPECT_FALSE(*subscriber.Wait(absl::ZeroDuration()));
}

TEST_P(WaitingTest, ATimeSpanBeyondTheClockIsForEver) {
  Publisher publisher = OpenPublisher(spec_);
  Subscriber subscriber = OpenSubscriber(spec_);
  ASSERT_TRUE(Send(publisher, 1).ok());

  EXPECT_TRUE(subscriber.Take(absl::Hours(24 * 365 * 300)).ok());
}

/// The other side of a ping-pong: returns each message as it comes.
int ReturnBalls(const ChannelSpec& ping, const ChannelSpec& pong, const PublisherOptions& publisher_options,
                const SubscriberOptions& subscriber_options, int ready, std::uint64_t rounds) {
  auto subscriber = Subscriber::Open(ping, subscriber_options);
  auto publisher = Publisher::Open(pong, publisher_options);
  if (!subscriber.ok() || !publisher.ok() || write(ready, "r", 1) != 1) return 1;
  for (std::uint64_t i = 0; i < rounds; ++i) {
    const auto sample = subscriber->Take(absl::InfiniteDuration());
    if (!sample.ok() || !Send(*publisher, ValueOf(*sample)).ok()) return 2;
  }
  return 0;
}

TEST_P(WaitingTest, ASleeperInAnotherProcessIsWokenForEveryMessage) {
  constexpr std::uint64_t kRounds = 2000;
  const ChannelSpec ping = spec_;
  ChannelSpec pong = spec_;
  pong.name = "test/pong";
  Publisher publisher = OpenPublisher(ping);
  Subscriber subscriber = OpenSubscriber(pong);
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = test::ForkBound();
  if (child == 0) _exit(ReturnBalls(ping, pong, PublisherHere(), SubscriberHere(), ready[1], kRounds));
  char byte;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);

  for (std::uint64_t i = 0; i < kRounds; ++i) {
    ASSERT_TRUE(Send(publisher, i).ok());
    const auto sample = subscriber.Take(absl::InfiniteDuration());
    ASSERT_TRUE(sample.ok()) << sample.status();
    ASSERT_EQ(ValueOf(*sample), i);
  }
  int status = 0;
  waitpid(child, &status, 0);

  EXPECT_EQ(status, 0);
  close(ready[0]);
  close(ready[1]);
}

TEST_P(WaitingTest, AnEndlessSpinEndsWithTheFirstMessage) {
  Publisher publisher = OpenPublisher(spec_);
  auto subscriber = *Subscriber::Open(spec_, SubscriberHere(absl::InfiniteDuration()));
  EXPECT_EQ(subscriber.Take(absl::Milliseconds(2)).status().code(), absl::StatusCode::kDeadlineExceeded);
  ASSERT_TRUE(Send(publisher, 1).ok());

  EXPECT_TRUE(subscriber.Take(absl::InfiniteDuration()).ok());
}

}  // namespace
}  // namespace shmcomm
