// SPDX-License-Identifier: Apache-2.0
#include "wake/bell.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "platform/os.h"
#include "support/forked_child.h"
#include "support/hand_laid.h"
#include "support/refused_calls.h"
#include "support/watchdog.h"

namespace shmcomm::wake {
namespace {

constexpr std::uint32_t kSleepers = 1, kDescriptors = 2;
constexpr std::int64_t kLong = 60'000'000'000;

class Bell : public testing::Test {
 protected:
  base::Atomic<std::uint32_t>& word() { return laid_.readers().wake->bell; }
  layout::WakeLine& line() { return *laid_.readers().wake; }

  test::HandLaid laid_;
};

TEST_F(Bell, IsNotTouchedWhenNobodyIsArmed) {
  Ringer(line(), Ordering::kFence).Ring();

  EXPECT_EQ(word().load(), 0u);  // no system call either: it follows the bump
}

TEST_F(Bell, RingsOnceForAnArming) {
  line().armed.store(kSleepers);
  Ringer ringer(line(), Ordering::kFence);

  ringer.Ring();
  ringer.Ring();

  EXPECT_EQ(word().load(), 1u);
  EXPECT_EQ(line().armed.load(), 0u);
}

TEST_F(Bell, IsNotRungForDescriptorsAlone) {
  line().armed.store(kDescriptors);

  Ringer(line(), Ordering::kFence).Ring();

  EXPECT_EQ(word().load(), 0u);
}

TEST_F(Bell, RingsAnAsymmetricArmingWithAndWithoutAFence) {
  Ringer ringer(line(), Ordering::kAsymmetric);
  line().armed.store(kSleepers);
  ringer.Ring();
  line().fenced.store(FenceBits::kAsked);
  line().armed.store(kSleepers);

  ringer.Ring();

  EXPECT_EQ(word().load(), 2u);
}

TEST_F(Bell, RingsUnconditionallyWithoutAskingTheArming) {
  RingUnconditionally(word());

  EXPECT_EQ(word().load(), 1u);
}

TEST_F(Bell, WrapsItsWord) {
  word().store(0xFFFFFFFF);

  RingUnconditionally(word());

  EXPECT_EQ(word().load(), 0u);
}

TEST_F(Bell, IsArmedBeforeTheSleeperLooks) {
  std::uint32_t armed_at_look = 0;

  const bool is_available = Sleeper(line(), false).SleepUnless(
      [&] {
        armed_at_look = line().armed.load();
        return true;
      },
      kLong);

  EXPECT_TRUE(is_available);
  EXPECT_EQ(armed_at_look, kSleepers);
}

TEST_F(Bell, KeepsTheArmingOfDescriptors) {
  line().armed.store(kDescriptors);

  Sleeper(line(), false).SleepUnless([] { return true; }, kLong);

  EXPECT_EQ(line().armed.load(), kSleepers | kDescriptors);
}

TEST_F(Bell, DoesNotSleepThroughARingBetweenLookAndSleep) {
  const test::Watchdog watchdog("Bell");
  Ringer ringer(line(), Ordering::kFence);

  const bool is_available = Sleeper(line(), false).SleepUnless(
      [&] {
        ringer.Ring();
        return false;
      },
      kLong);

  EXPECT_FALSE(is_available);
  EXPECT_EQ(word().load(), 1u);
}

TEST_F(Bell, GrantsTheNextSleepersTheFenceOfASoleWriterAfterOneMembarrier) {
  if (!platform::RegisterForBarrier() || !platform::BarrierAll()) GTEST_SKIP() << "no membarrier here";

  Sleeper(line(), true).SleepUnless([] { return true; }, kLong);

  EXPECT_EQ(line().fenced.load(), FenceBits::kAsked | FenceBits::kGranted);
}

TEST_F(Bell, IssuesNoMembarrierWhileTheFenceIsGranted) {
  const int status = test::ExitStatusOf([&] {
    if (!test::RefuseMembarrier()) return 77;
    line().fenced.store(FenceBits::kAsked | FenceBits::kGranted);
    Sleeper(line(), true).SleepUnless([] { return true; }, kLong);
    return 0;
  });

  if (status == 77) GTEST_SKIP() << "system calls cannot be filtered here";
  EXPECT_EQ(status, 0);
  EXPECT_EQ(line().fenced.load(), FenceBits::kAsked | FenceBits::kGranted);  // a refused one would demand it for ever
}

TEST_F(Bell, WithdrawsTheFenceAfterRingingOftenEnoughForNobody) {
  Ringer ringer(line(), Ordering::kAsymmetric, nullptr, 3);
  line().fenced.store(FenceBits::kAsked | FenceBits::kGranted);

  ringer.Ring();
  ringer.Ring();
  const std::uint32_t before = line().fenced.load();
  ringer.Ring();

  EXPECT_EQ(before, FenceBits::kAsked | FenceBits::kGranted);
  EXPECT_EQ(line().fenced.load(), FenceBits::kWithdrawal);
}

TEST_F(Bell, CountsFencesForNobodyFromTheLastSleeperOn) {
  Ringer ringer(line(), Ordering::kAsymmetric, nullptr, 2);
  line().fenced.store(FenceBits::kAsked);

  ringer.Ring();
  line().armed.store(kSleepers);
  ringer.Ring();
  ringer.Ring();

  EXPECT_EQ(line().fenced.load(), FenceBits::kAsked);
}

TEST_F(Bell, NeverWithdrawsAFenceThatSomebodyNeedsForEver) {
  Ringer ringer(line(), Ordering::kAsymmetric, nullptr, 1);
  line().fenced.store(FenceBits::kForEver | FenceBits::kAsked);

  ringer.Ring();
  ringer.Ring();

  EXPECT_EQ(line().fenced.load(), FenceBits::kForEver | FenceBits::kAsked);
}

TEST_F(Bell, GrantsNothingThatWasAskedForBeforeAWithdrawal) {
  FenceRequest request(line(), true);
  EXPECT_TRUE(request.IsBarrierNeeded());
  line().fenced.store(FenceBits::kWithdrawal | FenceBits::kAsked);  // withdrawn, and asked for by another

  request.Settle(true);

  EXPECT_EQ(line().fenced.load(), FenceBits::kWithdrawal | FenceBits::kAsked);
}

TEST_F(Bell, AsksPublishersToFenceWhereMembarrierIsRefused) {
  const int status = test::ExitStatusOf([&] {
    if (!test::RefuseMembarrier()) return 77;
    Sleeper(line(), true).SleepUnless([] { return true; }, kLong);
    return 0;
  });

  if (status == 77) GTEST_SKIP() << "system calls cannot be filtered here";
  EXPECT_EQ(status, 0);
  EXPECT_EQ(line().fenced.load(), FenceBits::kForEver | FenceBits::kAsked);
}

TEST_F(Bell, NeverAsksForFencesWhereBothSidesFence) {
  Sleeper(line(), false).SleepUnless([] { return true; }, kLong);

  EXPECT_EQ(line().fenced.load(), 0u);
}

class WakingOthers : public testing::TestWithParam<Ordering> {};
INSTANTIATE_TEST_SUITE_P(Orderings, WakingOthers, testing::Values(Ordering::kFence, Ordering::kAsymmetric),
                         [](const auto& each) { return each.param == Ordering::kFence ? "Fence" : "Asymmetric"; });

TEST_P(WakingOthers, BringsEverySleeperToTheLastValue) {
  const test::Watchdog watchdog("WakingOthers");
  if (GetParam() == Ordering::kAsymmetric && !platform::RegisterForBarrier()) GTEST_SKIP() << "no membarrier here";
  test::HandLaid laid;
  layout::WakeLine& line = *laid.readers().wake;
  constexpr std::uint32_t kValues = 2000;
  std::atomic<std::uint32_t> value{0};
  std::atomic<int> arrived{0};
  const auto sleep = [&] {
    Sleeper sleeper(line, GetParam() == Ordering::kAsymmetric);
    for (std::uint32_t seen = 0; seen != kValues; seen = value.load()) {
      while (!sleeper.SleepUnless([&] { return value.load() != seen; }, kLong)) {
      }
    }
    arrived.fetch_add(1);
  };
  std::vector<std::thread> sleepers;
  for (int i = 0; i < 3; ++i) sleepers.emplace_back(sleep);

  Ringer ringer(line, GetParam());
  for (std::uint32_t i = 1; i <= kValues; ++i) {
    value.store(i, std::memory_order_relaxed);
    ringer.Ring();
  }
  for (std::thread& sleeper : sleepers) sleeper.join();

  EXPECT_EQ(arrived.load(), 3);
}

}  // namespace
}  // namespace shmcomm::wake
