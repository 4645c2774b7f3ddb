// SPDX-License-Identifier: Apache-2.0
// Reliable channels: nothing is overwritten unread; a publisher waits for its slowest subscriber, or says so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "shmcomm/publisher.h"
#include "shmcomm/subscriber.h"
#include "support/forked_child.h"
#include "support/start.h"
#include "support/temporary_root.h"
#include "support/watchdog.h"

namespace shmcomm {
namespace {

using ::testing::HasSubstr;

class ReliableTest : public ::testing::Test {
 protected:
  static ChannelSpec Spec(std::uint32_t max_publishers = 1) {
    ChannelSpec spec;
    spec.name = "test/reliable";
    spec.declared_at = "test.channel:1";
    spec.qos.capacity = 4;
    spec.qos.max_size = sizeof(std::uint64_t);
    spec.qos.max_publishers = max_publishers;
    spec.qos.reliability = Reliability::kReliable;
    spec.message = {"test.Number", 7, true, sizeof(std::uint64_t), nullptr, 0};
    return spec;
  }
  static ChannelSpec FailingSpec() {
    ChannelSpec spec = Spec();
    spec.qos.on_full = OnFull::kFail;
    return spec;
  }
  static absl::Status Send(Publisher& publisher, std::uint64_t value) {
    return publisher.PublishCopy(&value, sizeof(value), Codec::kStruct);
  }
  static std::uint64_t Value(const Sample& sample) {
    std::uint64_t value = 0;
    std::memcpy(&value, sample.data(), sizeof(value));
    return value;
  }

  ReliableTest() { setenv("SHMCOMM_ROOT", root_.path().c_str(), 1); }
  ~ReliableTest() override { unsetenv("SHMCOMM_ROOT"); }

  test::TemporaryRoot root_;
  test::Watchdog watchdog_{"a reliable channel's test"};
};

TEST_F(ReliableTest, PublishFailsWhenFullAndNamesTheSlowestSubscriber) {
  auto publisher = *Publisher::Open(FailingSpec());
  auto subscriber = *Subscriber::Open(FailingSpec());
  for (std::uint64_t i = 0; i < 4; ++i) ASSERT_TRUE(Send(publisher, i).ok());

  const absl::Status full = Send(publisher, 4);

  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(full.message()), HasSubstr("test/reliable: ring full, 4 of 4 unread; slowest subscriber pid " +
                                                     std::to_string(getpid())));
}

TEST_F(ReliableTest, NothingIsLostAroundAFailedPublish) {
  auto publisher = *Publisher::Open(FailingSpec());
  auto subscriber = *Subscriber::Open(FailingSpec());
  for (std::uint64_t i = 0; i < 4; ++i) ASSERT_TRUE(Send(publisher, i).ok());
  ASSERT_FALSE(Send(publisher, 99).ok());

  for (std::uint64_t i = 0; i < 8; ++i) {
    const Sample sample = *subscriber.Take(absl::ZeroDuration());
    EXPECT_EQ(Value(sample), i);
    EXPECT_EQ(sample.lost(), 0u);
    ASSERT_TRUE(Send(publisher, i + 4).ok());
  }
}

TEST_F(ReliableTest, ABlockedPublishGoesOnWhenTheSubscriberTakes) {
  auto publisher = *Publisher::Open(Spec());
  auto subscriber = *Subscriber::Open(Spec());
  constexpr std::uint64_t kMessages = 2000;

  std::thread sender([&] {
    for (std::uint64_t i = 0; i < kMessages; ++i) EXPECT_TRUE(Send(publisher, i).ok());
  });

  for (std::uint64_t i = 0; i < kMessages; ++i) {
    const auto sample = subscriber.Take(absl::InfiniteDuration());
    ASSERT_TRUE(sample.ok());
    EXPECT_EQ(Value(*sample), i);
  }
  sender.join();
  EXPECT_EQ(subscriber.stats().lost, 0u);
}

TEST_F(ReliableTest, ABlockedPublishGivesUpAfterItsTimeout) {
  PublisherOptions options;
  options.publish_timeout = absl::Milliseconds(5);
  auto publisher = *Publisher::Open(Spec(), options);
  auto subscriber = *Subscriber::Open(Spec());
  for (std::uint64_t i = 0; i < 4; ++i) ASSERT_TRUE(Send(publisher, i).ok());

  const absl::Status full = Send(publisher, 4);

  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(full.message()), HasSubstr("4 of 4 unread after "));
  EXPECT_THAT(std::string(full.message()), HasSubstr("options: a faster subscriber, a larger capacity"));
}

TEST_F(ReliableTest, ARefusalTellsHowLongTheCallerHadWaitedForRoom) {
  auto publisher = *Publisher::Open(FailingSpec());
  auto subscriber = *Subscriber::Open(FailingSpec());
  for (std::uint64_t i = 0; i < 4; ++i) ASSERT_TRUE(Send(publisher, i).ok());
  for (int piece = 0; piece < 3; ++piece) EXPECT_FALSE(*publisher.WaitForRoom(absl::Milliseconds(5)));

  const std::string waited(Send(publisher, 4).message());
  const std::string at_once(Send(publisher, 4).message());

  EXPECT_THAT(waited, testing::ContainsRegex("4 of 4 unread after ((1[5-9]|[2-9][0-9]|[0-9][0-9][0-9])ms|[0-9.]+s); slowest"));
  EXPECT_THAT(at_once, HasSubstr("4 of 4 unread; slowest"));
}

TEST_F(ReliableTest, AWaitThatEndedInAMessageIsNotToldOfTheNextOne) {
  auto publisher = *Publisher::Open(FailingSpec());
  auto subscriber = *Subscriber::Open(FailingSpec());
  for (std::uint64_t i = 0; i < 4; ++i) ASSERT_TRUE(Send(publisher, i).ok());
  EXPECT_FALSE(*publisher.WaitForRoom(absl::Milliseconds(5)));
  ASSERT_TRUE(subscriber.Take(absl::ZeroDuration()).ok());
  ASSERT_TRUE(Send(publisher, 4).ok());

  EXPECT_THAT(std::string(Send(publisher, 5).message()), HasSubstr("4 of 4 unread; slowest"));
}

TEST_F(ReliableTest, WithoutSubscribersAPublisherNeverWaits) {
  auto publisher = *Publisher::Open(Spec());

  for (std::uint64_t i = 0; i < 100; ++i) EXPECT_TRUE(Send(publisher, i).ok());
}

TEST_F(ReliableTest, ALossySubscriberHoldsNobodyAndCountsItsLoss) {
  auto publisher = *Publisher::Open(FailingSpec());
  SubscriberOptions options;
  options.reliability = Reliability::kBestEffort;
  auto subscriber = *Subscriber::Open(FailingSpec(), options);

  for (std::uint64_t i = 0; i < 100; ++i) ASSERT_TRUE(Send(publisher, i).ok());

  const Sample sample = *subscriber.Take(absl::ZeroDuration());
  EXPECT_EQ(Value(sample), sample.lost());
  EXPECT_GT(sample.lost(), 0u);
}

TEST_F(ReliableTest, ASubscriberOfABestEffortChannelCannotAskForMore) {
  ChannelSpec spec = Spec();
  spec.qos.reliability = Reliability::kBestEffort;
  SubscriberOptions options;
  options.reliability = Reliability::kReliable;

  EXPECT_EQ(Subscriber::Open(spec, options).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ReliableTest, AStuckSubscriberIsDemotedAndLearnsItsExactLoss) {
  PublisherOptions options;
  options.demote_after = absl::Milliseconds(1);
  auto publisher = *Publisher::Open(Spec(), options);
  auto subscriber = *Subscriber::Open(Spec());
  constexpr std::uint64_t kMessages = 100;
  for (std::uint64_t i = 0; i < kMessages; ++i) ASSERT_TRUE(Send(publisher, i).ok());

  std::uint64_t received = 0;
  std::uint64_t lost = 0;
  std::uint64_t next = 0;
  for (auto sample = *subscriber.TryTake(); sample.has_value(); sample = *subscriber.TryTake()) {
    lost += sample->lost();
    next += sample->lost();
    EXPECT_EQ(Value(*sample), next++);
    ++received;
  }

  EXPECT_EQ(received + lost, kMessages);
  EXPECT_GT(lost, 0u);
  EXPECT_EQ(subscriber.stats().lost, lost);
  EXPECT_EQ(subscriber.stats().demotions, 1u);
}

/// Takes all that is left of `messages` and says whether what came and what was lost make them up.
int AccountForAll(Subscriber& subscriber, std::uint64_t messages) {
  std::uint64_t next = 0;
  while (next < messages) {
    const auto sample = subscriber.Take(absl::InfiniteDuration());
    if (!sample.ok() || test::IndexOf(sample->sequence()) != next + sample->lost()) return 2;
    next = test::IndexOf(sample->sequence()) + 1;
  }
  const SubscriberStats stats = subscriber.stats();
  return stats.received + stats.lost == messages && stats.lost > 0 && stats.demotions == 1 ? 0 : 3;
}

TEST_F(ReliableTest, AStoppedProcessIsDemotedAndLearnsItsExactLossWhenItGoesOn) {
  constexpr std::uint64_t kMessages = 100;
  PublisherOptions options;
  options.demote_after = absl::Milliseconds(1);
  auto publisher = *Publisher::Open(Spec(), options);
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = test::ForkBound();
  if (child == 0) {
    auto subscriber = Subscriber::Open(Spec());
    if (!subscriber.ok() || write(ready[1], "r", 1) != 1) _exit(1);
    raise(SIGSTOP);
    _exit(AccountForAll(*subscriber, kMessages));
  }
  char byte;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, WUNTRACED), child);
  ASSERT_TRUE(WIFSTOPPED(status));

  for (std::uint64_t i = 0; i < kMessages; ++i) ASSERT_TRUE(Send(publisher, i).ok());
  kill(child, SIGCONT);
  waitpid(child, &status, 0);

  EXPECT_EQ(status, 0);
  close(ready[0]);
  close(ready[1]);
}

TEST_F(ReliableTest, ADemotedSubscriberThatCaughtUpHoldsPublishersAgain) {
  auto subscriber = *Subscriber::Open(Spec());
  PublisherOptions impatient;
  impatient.demote_after = absl::Milliseconds(1);
  auto demoter = *Publisher::Open(Spec(), impatient);
  for (std::uint64_t i = 0; i < 10; ++i) ASSERT_TRUE(Send(demoter, i).ok());
  demoter.Close();
  while ((*subscriber.TryTake()).has_value()) {
  }
  ASSERT_EQ(subscriber.stats().demotions, 1u);

  PublisherOptions at_once;
  at_once.publish_timeout = absl::ZeroDuration();
  auto publisher = *Publisher::Open(Spec(), at_once);
  for (std::uint64_t i = 0; i < 4; ++i) ASSERT_TRUE(Send(publisher, i).ok());

  EXPECT_EQ(Send(publisher, 4).code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(ReliableTest, ASubscriberThatLeavesLetsABlockedPublisherGoOn) {
  auto publisher = *Publisher::Open(Spec());
  auto subscriber = *Subscriber::Open(Spec());
  for (std::uint64_t i = 0; i < 4; ++i) ASSERT_TRUE(Send(publisher, i).ok());

  std::thread sender([&] { EXPECT_TRUE(Send(publisher, 4).ok()); });
  subscriber.Close();

  sender.join();
}

TEST_F(ReliableTest, ASubscriberThatIsKilledLetsABlockedPublisherGoOn) {
  auto publisher = *Publisher::Open(Spec());
  test::StayingChild child([](const test::StayingChild::Stay& stay) {
    auto subscriber = Subscriber::Open(Spec());
    if (subscriber.ok()) stay();
  });
  ASSERT_TRUE(child.is_there());
  for (std::uint64_t i = 0; i < 4; ++i) ASSERT_TRUE(Send(publisher, i).ok());

  std::thread sender([&] { EXPECT_TRUE(Send(publisher, 4).ok()); });
  child.Kill();

  sender.join();
}

TEST_F(ReliableTest, APublishThatDoesNotWaitStillFindsADeadSubscriber) {
  auto publisher = *Publisher::Open(FailingSpec());
  test::StayingChild child([](const test::StayingChild::Stay& stay) {
    auto subscriber = Subscriber::Open(FailingSpec());
    if (subscriber.ok()) stay();
  });
  ASSERT_TRUE(child.is_there());
  for (std::uint64_t i = 0; i < 4; ++i) ASSERT_TRUE(Send(publisher, i).ok());
  ASSERT_FALSE(Send(publisher, 4).ok());

  child.Kill();

  while (!Send(publisher, 4).ok()) std::this_thread::yield();
}

TEST_F(ReliableTest, SignalsDoNotKeepABlockedPublisherFromFindingADeadSubscriber) {
  auto publisher = *Publisher::Open(Spec());
  test::StayingChild child([](const test::StayingChild::Stay& stay) {
    auto subscriber = Subscriber::Open(Spec());
    if (subscriber.ok()) stay();
  });
  ASSERT_TRUE(child.is_there());
  for (std::uint64_t i = 0; i < 4; ++i) ASSERT_TRUE(Send(publisher, i).ok());
  child.Kill();
  struct sigaction old {};
  struct sigaction ignore {};
  ignore.sa_handler = [](int) {};
  sigaction(SIGALRM, &ignore, &old);
  const itimerval often{{0, 2000}, {0, 2000}};
  setitimer(ITIMER_REAL, &often, nullptr);

  EXPECT_TRUE(Send(publisher, 4).ok());

  const itimerval never{};
  setitimer(ITIMER_REAL, &never, nullptr);
  sigaction(SIGALRM, &old, nullptr);
}

TEST_F(ReliableTest, ASuccessorWaitsUntilItsPredecessorsMessagesAreTaken) {
  auto subscriber = *Subscriber::Open(Spec());
  {
    auto first = *Publisher::Open(Spec());
    ASSERT_TRUE(Send(first, 1).ok());
  }
  std::thread taker([&] {
    const auto sample = subscriber.Take(absl::InfiniteDuration());
    ASSERT_TRUE(sample.ok());
    EXPECT_EQ(Value(*sample), 1u);
  });

  auto second = Publisher::Open(Spec());
  taker.join();

  ASSERT_TRUE(second.ok()) << second.status();
  ASSERT_TRUE(Send(*second, 2).ok());
  EXPECT_EQ(Value(*subscriber.Take(absl::ZeroDuration())), 2u);
  EXPECT_EQ(subscriber.stats().lost, 0u);
}

TEST_F(ReliableTest, SeveralPublishersShareTheGate) {
  const ChannelSpec spec = [] {
    ChannelSpec several = Spec(4);
    several.qos.on_full = OnFull::kFail;
    return several;
  }();
  auto one = *Publisher::Open(spec);
  auto two = *Publisher::Open(spec);
  auto subscriber = *Subscriber::Open(spec);
  for (std::uint64_t i = 0; i < 2; ++i) {
    ASSERT_TRUE(Send(one, i).ok());
    ASSERT_TRUE(Send(two, i).ok());
  }

  EXPECT_FALSE(Send(one, 9).ok());
  EXPECT_FALSE(Send(two, 9).ok());
}

TEST_F(ReliableTest, ALateJoinerHoldsPublishersFromItsJoinOn) {
  auto publisher = *Publisher::Open(FailingSpec());
  for (std::uint64_t i = 0; i < 20; ++i) ASSERT_TRUE(Send(publisher, i).ok());
  auto subscriber = *Subscriber::Open(FailingSpec());

  for (std::uint64_t i = 20; i < 24; ++i) ASSERT_TRUE(Send(publisher, i).ok());

  EXPECT_FALSE(Send(publisher, 24).ok());
  EXPECT_EQ(Value(*subscriber.Take(absl::ZeroDuration())), 20u);
}

TEST_F(ReliableTest, TheNewestMessageIsTakenWithoutCountingLoss) {
  auto publisher = *Publisher::Open(Spec());
  auto subscriber = *Subscriber::Open(Spec());
  for (std::uint64_t i = 0; i < 4; ++i) ASSERT_TRUE(Send(publisher, i).ok());

  const auto sample = *subscriber.TakeLatest();

  ASSERT_TRUE(sample.has_value());
  EXPECT_EQ(Value(*sample), 3u);
  EXPECT_EQ(sample->lost(), 0u);
}

TEST_F(ReliableTest, AMessageOlderThanTheLifespanIsSkippedAndCounted) {
  ChannelSpec spec = Spec();
  spec.qos.lifespan_ns = 1;  // past by the time anybody looks
  auto publisher = *Publisher::Open(spec);
  auto subscriber = *Subscriber::Open(spec);
  ASSERT_TRUE(Send(publisher, 1).ok());
  usleep(10);

  const auto sample = *subscriber.TryTake();

  EXPECT_FALSE(sample.has_value());
  EXPECT_EQ(subscriber.stats().expired, 1u);
  EXPECT_EQ(subscriber.stats().lost, 0u);
}

}  // namespace
}  // namespace shmcomm
