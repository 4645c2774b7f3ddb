// SPDX-License-Identifier: Apache-2.0
// Who is awake gives way to who was woken: for how many jobs, and for how long.
#include "endpoint/giving_way.h"

#include <gtest/gtest.h>

#include "support/hand_laid.h"
#include "support/watchdog.h"

namespace shmcomm::endpoint {
namespace {

using test::HandLaid;

constexpr std::uint32_t kMe = 2;  // line
constexpr std::uint32_t kOther = 0;

test::LaidSizes WithClaims(std::uint32_t entries) {
  test::LaidSizes sizes;
  sizes.entries = entries;
  sizes.has_claims = true;
  return sizes;
}

class Giving : public ::testing::Test {
 protected:
  Giving() { claimer_.Join(); }
  void LayJobs(std::uint32_t count) { laid_.LayMessages(0, count, 1); }

  HandLaid laid_{WithClaims(128)};
  ring::Claimer claimer_{{laid_.ring(), laid_.readers(), kMe}};
  wake::TurnSleeper turns_{laid_.turns(), kMe};
  GivingWay giving_way_{turns_, claimer_};
  test::Watchdog watchdog_{"giving way"};
};

TEST_F(Giving, IsForAsManyJobsAsOthersWereCalled) {
  laid_.LayCalled(kOther);
  laid_.LayCalled(3);

  LayJobs(2);
  EXPECT_TRUE(giving_way_.IsGivingWay());

  LayJobs(3);
  EXPECT_FALSE(giving_way_.IsGivingWay());
}

TEST_F(Giving, CountsNoJobThatSomebodyHas) {
  laid_.LayCalled(kOther);
  LayJobs(3);
  laid_.LayClaim(0, ring::ClaimState::kClaimed, 0, ring::OwnerOf(3));
  laid_.LayClaim(2, ring::ClaimState::kDone, 0, ring::OwnerOf(3));

  EXPECT_TRUE(giving_way_.IsGivingWay());
}

TEST_F(Giving, IsNotForNobody) {
  LayJobs(1);

  EXPECT_FALSE(giving_way_.IsGivingWay());
  EXPECT_EQ(giving_way_.longest_sleep_ns(), wake::kMaxSleepNs);
}

TEST_F(Giving, IsNotForWhoWasCalledItself) {
  laid_.LayCalled(kOther);
  laid_.LayCalled(kMe);
  LayJobs(1);

  EXPECT_FALSE(giving_way_.IsGivingWay());
}

TEST_F(Giving, MattersOnlyWhereThereIsAJob) {
  laid_.LayCalled(kOther);

  EXPECT_FALSE(giving_way_.IsGivingWay());
  EXPECT_EQ(giving_way_.longest_sleep_ns(), wake::kMaxSleepNs);
}

TEST_F(Giving, EndsByItselfAndTakesTheTurnOfWhoDidNotCome) {
  laid_.LayCalled(kOther);
  LayJobs(1);
  ASSERT_TRUE(giving_way_.IsGivingWay());
  EXPECT_EQ(giving_way_.longest_sleep_ns(), GivingWay::kLongestNs);

  const std::int64_t start_ns = platform::NowNs();
  while (giving_way_.IsGivingWay()) {
  }

  EXPECT_GE(platform::NowNs() - start_ns, GivingWay::kLongestNs / 2);
  EXPECT_FALSE(laid_.IsCalled(kOther));
  EXPECT_FALSE(giving_way_.IsGivingWay()) << "not for the next job either";
}

TEST_F(Giving, ComesAfterManyJobsOfABacklogToo) {
  laid_.LayCalled(kOther);
  LayJobs(128);

  for (std::uint32_t taken = 0; taken < GivingWay::kMostJobs; ++taken) {
    ASSERT_FALSE(giving_way_.IsGivingWay());
    ASSERT_EQ(claimer_.Next().outcome, ring::Claimer::Outcome::kClaimed);
    giving_way_.HaveTaken();
  }

  EXPECT_TRUE(giving_way_.IsGivingWay());
}

}  // namespace
}  // namespace shmcomm::endpoint
