// SPDX-License-Identifier: Apache-2.0
// How long a wait looks before it sleeps.
#include "endpoint/spin_budget.h"

#include <gtest/gtest.h>

namespace shmcomm::endpoint {
namespace {

constexpr std::int64_t kMost = 20'000;
constexpr std::int64_t kSoon = 3 * kMost;
constexpr std::int64_t kLate = 100 * kMost;

/// A wait that looks in vain, then sleeps. Returns how long it looked.
std::int64_t WaitInVain(SpinBudget& budget, std::int64_t elapsed_ns) {
  const std::int64_t looked_ns = budget.now_ns();
  budget.WasInVain();
  budget.CameAfter(elapsed_ns);
  return looked_ns;
}

TEST(SpinBudget, HalvesWhereMessagesComeLateDownToAnEighth) {
  SpinBudget budget(kMost);

  for (const std::int64_t expected : {kMost, kMost / 2, kMost / 4, kMost / 8, kMost / 8, kMost / 8}) {
    EXPECT_EQ(WaitInVain(budget, kLate), expected);
  }
}

TEST(SpinBudget, IsWholeAgainOnceLookingPays) {
  SpinBudget budget(kMost);
  for (int i = 0; i < 5; ++i) WaitInVain(budget, kLate);

  budget.Paid();

  EXPECT_EQ(budget.now_ns(), kMost);
}

TEST(SpinBudget, IsWholeAgainAfterASleepThatEndedSoon) {
  SpinBudget budget(kMost);
  for (int i = 0; i < 5; ++i) WaitInVain(budget, kLate);

  WaitInVain(budget, kSoon);

  EXPECT_EQ(budget.now_ns(), kMost);
}

TEST(SpinBudget, TriesTheWholeLengthLessAndLessOftenWhereItDoesNotHelp) {
  SpinBudget budget(kMost);
  std::int64_t looked_ns = 0;
  constexpr int kWaits = 1000;

  for (int i = 0; i < kWaits; ++i) looked_ns += WaitInVain(budget, kSoon);

  EXPECT_LT(looked_ns, kWaits * kMost / 6);
  EXPECT_GT(looked_ns, kWaits * kMost / 8);
}

TEST(SpinBudget, ForgetsHowOftenItWasInVainOnceLookingPays) {
  SpinBudget budget(kMost);
  for (int i = 0; i < 200; ++i) WaitInVain(budget, kSoon);
  budget.Paid();
  for (int i = 0; i < 5; ++i) WaitInVain(budget, kLate);

  WaitInVain(budget, kSoon);

  EXPECT_EQ(budget.now_ns(), kMost);
}

TEST(SpinBudget, OfNothingStaysNothing) {
  SpinBudget budget(0);

  WaitInVain(budget, 0);

  EXPECT_EQ(budget.now_ns(), 0);
}

TEST(SpinBudget, WithoutEndStaysWithoutEnd) {
  SpinBudget budget(INT64_MAX);

  budget.WasInVain();

  EXPECT_EQ(budget.now_ns(), INT64_MAX);
}

}  // namespace
}  // namespace shmcomm::endpoint
