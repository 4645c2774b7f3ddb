// SPDX-License-Identifier: Apache-2.0
// History between processes: publishers that are gone, and joins in the middle of traffic.
#include <gmock/gmock.h>
#include <sched.h>
#include <unistd.h>

#include <optional>

#include "support/forked_child.h"
#include "support/start.h"
#include "support/test_channels.h"

namespace shmcomm {
namespace {

using test::NumbersSpec;
using test::Range;
using test::Send;
using test::TakeValues;

struct Kind {
  std::uint32_t max_publishers;
  Reliability reliability;
};

class HistoryTest : public test::EndpointTest, public ::testing::WithParamInterface<Kind> {
 protected:
  static constexpr std::uint32_t kHistory = 4;
  static ChannelSpec Spec(std::uint32_t history = kHistory) {
    ChannelSpec spec = NumbersSpec(GetParam().max_publishers);
    spec.qos.reliability = GetParam().reliability;
    spec.qos.history = history;
    return spec;
  }
  /// A process that opens a publisher, sends [0, count) and ends, closing it or not.
  void SendFromAProcess(const ChannelSpec& spec, std::uint64_t count, bool closes) const {
    ASSERT_EQ(test::ExitStatusOf([&] {
      auto publisher = Publisher::Open(spec, PublisherHere());
      if (!publisher.ok()) return 1;
      for (std::uint64_t i = 0; i < count; ++i) {
        if (!Send(*publisher, i).ok()) return 2;
      }
      if (closes) publisher->Close();
      _exit(0);
    }), 0);
  }
};
INSTANTIATE_TEST_SUITE_P(Kinds, HistoryTest,
                         ::testing::Values(Kind{1, Reliability::kBestEffort}, Kind{8, Reliability::kBestEffort},
                                           Kind{1, Reliability::kReliable}, Kind{8, Reliability::kReliable}));

TEST_P(HistoryTest, APublisherThatSentAndExitedIsReadByWhoWasAttached) {
  for (const bool closes : {true, false}) {
    Subscriber subscriber = OpenSubscriber(Spec(0));

    ASSERT_NO_FATAL_FAILURE(SendFromAProcess(Spec(0), 10, closes));

    EXPECT_EQ(TakeValues(subscriber), Range(0, 10));
    EXPECT_EQ(subscriber.stats().lost, 0u);
  }
}

TEST_P(HistoryTest, APublisherThatSentAndExitedIsReadByLateJoinersWhileAnyoneIsAttached) {
  for (const bool closes : {true, false}) {
    Subscriber keeper = OpenSubscriber(Spec());
    ASSERT_NO_FATAL_FAILURE(SendFromAProcess(Spec(), 10, closes));
    ASSERT_EQ(TakeValues(keeper), Range(0, 10));

    for (int joiner = 0; joiner < 3; ++joiner) {
      Subscriber late = OpenSubscriber(Spec());
      EXPECT_EQ(TakeValues(late), Range(6, 10));
      EXPECT_EQ(late.stats().lost, 0u);
    }
  }
}

TEST_P(HistoryTest, JoinersInTheMiddleOfTrafficSeeNoGapAndNothingTwice) {
  Subscriber keeper = OpenSubscriber(Spec());
  test::StayingChild child([this](const test::StayingChild::Stay& stay) {
    auto publisher = Publisher::Open(Spec(), PublisherHere());
    if (!publisher.ok()) return;
    stay.Tell();
    for (std::uint64_t i = 0;; ++i) Send(*publisher, i).IgnoreError();
  });
  ASSERT_TRUE(child.is_there());

  for (int joiner = 0; joiner < 30; ++joiner) {
    Subscriber late = OpenSubscriber(Spec());
    std::uint64_t first = 0, next = 0;
    for (int taken = 0; taken < 40; ++taken) {
      absl::StatusOr<std::optional<Sample>> sample = late.TryTake();
      while (sample.ok() && !sample->has_value()) {
        for (int i = 0; i < 32; ++i) static_cast<void>(keeper.TryTake());  // or it would hold the publisher
        sched_yield();
        sample = late.TryTake();
      }
      ASSERT_TRUE(sample.ok()) << sample.status();
      const std::uint64_t lost = (*sample)->lost();
      const std::uint64_t index = test::IndexOf((*sample)->sequence());
      const std::uint64_t counted_from = index - lost;
      if (taken == 0) first = next = counted_from;
      // A best_effort joiner that is lapped loses what is left of its history uncounted: nothing promised it that.
      const bool may_be_lapped = GetParam().reliability == Reliability::kBestEffort;
      ASSERT_GE(counted_from, next);
      ASSERT_TRUE(counted_from == next || (may_be_lapped && counted_from <= first + kHistory));
      ASSERT_TRUE(lost == 0 || GetParam().reliability == Reliability::kBestEffort);
      ASSERT_EQ(test::ValueOf(**sample), index);
      next = index + 1;
    }
  }
}

class LappedJoiner : public test::EndpointTest, public ::testing::WithParamInterface<std::uint32_t> {};
INSTANTIATE_TEST_SUITE_P(Publishers, LappedJoiner, ::testing::Values(1u, 8u));

TEST_P(LappedJoiner, CountsExactlyWhatWasPublishedSinceItJoined) {
  constexpr std::uint64_t kHistory = 4, kAtTheJoin = 10, kInAll = 100;
  for (std::uint64_t taken = 0; taken <= kHistory; ++taken) {
    ChannelSpec spec = NumbersSpec(GetParam());
    spec.qos.history = kHistory;
    Publisher publisher = OpenPublisher(spec);
    for (std::uint64_t value = 0; value < kAtTheJoin; ++value) ASSERT_TRUE(Send(publisher, value).ok());
    Subscriber late = OpenSubscriber(spec);
    for (std::uint64_t value = 0; value < taken; ++value) {
      ASSERT_EQ(test::ValueOf(**late.TryTake()), kAtTheJoin - kHistory + value);
    }
    for (std::uint64_t value = kAtTheJoin; value < kInAll; ++value) ASSERT_TRUE(Send(publisher, value).ok());

    const absl::StatusOr<std::optional<Sample>> oldest = late.TryTake();

    ASSERT_TRUE(oldest.ok() && oldest->has_value()) << oldest.status();
    const std::uint64_t index = test::IndexOf((*oldest)->sequence());
    EXPECT_GT(index, kAtTheJoin);
    EXPECT_EQ((*oldest)->lost(), index - kAtTheJoin);
    EXPECT_EQ(TakeValues(late), Range(index + 1, kInAll));
    EXPECT_EQ(late.stats().lost, (*oldest)->lost());
  }
}

}  // namespace
}  // namespace shmcomm
