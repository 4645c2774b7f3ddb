// SPDX-License-Identifier: Apache-2.0
// Deadlines: promised messages that did not come are counted and told at both ends.
#include "endpoint/deadline.h"

#include <gmock/gmock.h>
#include <poll.h>

#include <string>
#include <vector>

#include "shmcomm/log.h"
#include "shmcomm/wait_set.h"
#include "support/test_channels.h"

namespace shmcomm {
namespace {

using endpoint::Deadline;
using test::NumbersSpec;
using test::Send;

constexpr std::int64_t kNever = INT64_MAX;

TEST(DeadlineCount, StartsWithTheFirstMessage) {
  Deadline deadline(10);

  EXPECT_EQ(deadline.MissedBy(1'000'000), 0u);
  EXPECT_EQ(deadline.LeftNs(5, kNever), kNever);
}

TEST(DeadlineCount, IsZeroForMessagesAPeriodApart) {
  Deadline deadline(10);

  for (std::int64_t at = 100; at <= 200; at += 10) EXPECT_EQ(deadline.Meet(at), 0u);
}

TEST(DeadlineCount, CountsEveryWholePeriodWithoutAMessage) {
  Deadline deadline(10);
  deadline.Meet(100);

  EXPECT_EQ(deadline.Meet(111), 1u);
  EXPECT_EQ(deadline.Meet(146), 3u);
  EXPECT_EQ(deadline.Meet(156), 0u);
}

TEST(DeadlineCount, TellsEachMissOnce) {
  Deadline deadline(10);
  deadline.Meet(100);

  EXPECT_EQ(deadline.MissedBy(110), 0u);
  EXPECT_EQ(deadline.PendingBy(111), 1u);
  EXPECT_EQ(deadline.MissedBy(111), 1u);
  EXPECT_EQ(deadline.MissedBy(112), 0u);
  EXPECT_EQ(deadline.MissedBy(131), 2u);
  EXPECT_EQ(deadline.Meet(135), 0u);
}

TEST(DeadlineCount, ForgivesWhatWasLost) {
  Deadline deadline(10);
  deadline.Meet(100);

  deadline.Restart(200);

  EXPECT_EQ(deadline.MissedBy(210), 0u);
}

TEST(DeadlineCount, IsNotTurnedBackByAnOlderMessage) {
  Deadline deadline(10);
  deadline.Meet(100);
  deadline.Meet(95);

  EXPECT_EQ(deadline.LeftNs(100, kNever), 11);
}

class DeadlineTest : public test::EndpointTest {
 protected:
  static ChannelSpec Spec() {
    ChannelSpec spec = NumbersSpec();
    spec.qos.deadline_ns = absl::ToInt64Nanoseconds(absl::Milliseconds(2));
    return spec;
  }
  static void Miss() { absl::SleepFor(absl::Milliseconds(7)); }  // at least three periods
};

TEST_F(DeadlineTest, AreCountedByAPublisherAndToldToItsCallback) {
  std::uint64_t told = 0;
  PublisherOptions options = PublisherHere();
  options.on_deadline_missed = [&](const DeadlineMiss& miss) {
    told += miss.missed;
    EXPECT_EQ(miss.channel, "test/numbers");
    EXPECT_EQ(miss.deadline, absl::Milliseconds(2));
    EXPECT_EQ(miss.missed_in_all, told);
  };
  auto publisher = *Publisher::Open(Spec(), options);
  ASSERT_TRUE(Send(publisher, 1).ok());
  EXPECT_EQ(told, 0u);

  Miss();
  ASSERT_TRUE(Send(publisher, 2).ok());

  EXPECT_GE(told, 3u);
  EXPECT_GE(publisher.stats().deadlines_missed, told);
}

TEST_F(DeadlineTest, OfASilentPublisherAreInItsStats) {
  Publisher publisher = OpenPublisher(Spec());
  Miss();
  EXPECT_EQ(publisher.stats().deadlines_missed, 0u);  // nothing is promised before the first message
  ASSERT_TRUE(Send(publisher, 1).ok());

  Miss();

  EXPECT_GE(publisher.stats().deadlines_missed, 3u);
}

TEST_F(DeadlineTest, AreNoticedByASubscriberWhileItWaits) {
  Publisher publisher = OpenPublisher(Spec());
  std::uint64_t told = 0;
  SubscriberOptions options = SubscriberHere();
  options.on_deadline_missed = [&](const DeadlineMiss& miss) { told += miss.missed; };
  auto subscriber = *Subscriber::Open(Spec(), options);
  ASSERT_TRUE(Send(publisher, 1).ok());
  ASSERT_TRUE(subscriber.Take(absl::ZeroDuration()).ok());

  EXPECT_EQ(subscriber.Take(absl::Milliseconds(9)).status().code(), absl::StatusCode::kDeadlineExceeded);

  EXPECT_GE(told, 3u);
  EXPECT_GE(subscriber.stats().deadlines_missed, told);
}

TEST_F(DeadlineTest, AreSeenInTheMessagesOfASubscriberThatComesLate) {
  Publisher publisher = OpenPublisher(Spec());
  Subscriber subscriber = OpenSubscriber(Spec());
  ASSERT_TRUE(Send(publisher, 1).ok());
  Miss();
  ASSERT_TRUE(Send(publisher, 2).ok());

  ASSERT_TRUE(subscriber.Take(absl::ZeroDuration()).ok());
  ASSERT_TRUE(subscriber.Take(absl::ZeroDuration()).ok());

  EXPECT_GE(subscriber.stats().deadlines_missed, 3u);
}

TEST_F(DeadlineTest, AreNoticedByAWaitSet) {
  Publisher publisher = OpenPublisher(Spec());
  std::uint64_t told = 0;
  SubscriberOptions options = SubscriberHere();
  options.on_deadline_missed = [&](const DeadlineMiss& miss) { told += miss.missed; };
  auto subscriber = *Subscriber::Open(Spec(), options);
  WaitSet set;
  ASSERT_TRUE(set.Add(subscriber).ok());
  ASSERT_TRUE(Send(publisher, 1).ok());
  ASSERT_TRUE(subscriber.Take(absl::ZeroDuration()).ok());

  ASSERT_TRUE(set.Wait(absl::Milliseconds(9)).ok());

  EXPECT_GE(told, 3u);
}

TEST_F(DeadlineTest, MakeADescriptorReadable) {
  Publisher publisher = OpenPublisher(Spec());
  Subscriber subscriber = OpenSubscriber(Spec());
  const int fd = *subscriber.fd();
  ASSERT_TRUE(Send(publisher, 1).ok());
  ASSERT_EQ(test::TakeValues(subscriber), std::vector<std::uint64_t>{1});
  pollfd watched{fd, POLLIN, 0};

  while (subscriber.stats().deadlines_missed == 0) {
    poll(&watched, 1, -1);
    EXPECT_TRUE(test::TakeValues(subscriber).empty());
  }
}

TEST_F(DeadlineTest, GoToTheLogWhereThereIsNoCallback) {
  std::vector<std::string> lines;
  SetLogSink([&](LogLevel level, absl::string_view message) {
    EXPECT_EQ(level, LogLevel::kWarning);
    lines.emplace_back(message);
  });
  Publisher publisher = OpenPublisher(Spec());
  ASSERT_TRUE(Send(publisher, 1).ok());

  Miss();
  ASSERT_TRUE(Send(publisher, 2).ok());
  SetLogSink(nullptr);
  Miss();
  ASSERT_TRUE(Send(publisher, 3).ok());

  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], ::testing::MatchesRegex("test/numbers: [0-9]+ promised messages did not come within the deadline of "
                                                "2ms; [0-9]+ in all"));
}

TEST_F(DeadlineTest, AreNotCountedOnAChannelWithoutOne) {
  Publisher publisher = OpenPublisher(NumbersSpec());
  ASSERT_TRUE(Send(publisher, 1).ok());

  Miss();

  EXPECT_EQ(publisher.stats().deadlines_missed, 0u);
}

}  // namespace
}  // namespace shmcomm
