// SPDX-License-Identifier: Apache-2.0
// Every subset of two writers and two readers is stopped, in every pattern, until the others have got on or been told in
// time that they cannot, and goes on in any order: nobody was taken for dead, and everything got where it should.
// SHMCOMM_STOP_SECONDS makes all subsets of all patterns stand still for that long, at once. SHMCOMM_SEED repeats a run's choices.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <numeric>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "faults/stop_subsets_group.h"
#include "support/watchdog.h"

namespace shmcomm::faults {
namespace {

constexpr std::uint32_t kAll = (1u << kChildren) - 1;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint32_t kStep = 7;   // of the subsets that are stopped at once: instrumented processes are ten times as large
#else
constexpr std::uint32_t kStep = 1;
#endif
constexpr const Kind* kKinds[] = {&kBestEffort, &kDemoting, &kWaiting, &kJobs, &kCalls};

std::uint64_t Number(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

class Stopping : public ::testing::Test {
 protected:
  Stopping() {
    std::printf("SHMCOMM_SEED=%llu\n", static_cast<unsigned long long>(seed_));
    std::fflush(stdout);
  }
  StopSubsetsGroup::Order AnyOrder() {
    StopSubsetsGroup::Order order{};
    std::iota(order.begin(), order.end(), 0u);
    std::shuffle(order.begin(), order.end(), random_);
    return order;
  }

  std::uint64_t seed_ = Number("SHMCOMM_SEED", std::random_device()());
  std::mt19937_64 random_{seed_};
  test::Watchdog watchdog_{::testing::UnitTest::GetInstance()->current_test_info()->name()};
};

class EverySubset : public Stopping, public ::testing::WithParamInterface<const Kind*> {};
INSTANTIATE_TEST_SUITE_P(Of, EverySubset, ::testing::ValuesIn(kKinds), [](const auto& info) { return std::string(info.param->name); });

TEST_P(EverySubset, MayBeStoppedAndContinuedAgainAndAgain) {
  StopSubsetsGroup group(*GetParam());
  ASSERT_NO_FATAL_FAILURE(group.Start());

  std::array<std::uint32_t, kAll + 1> subsets{};
  std::iota(subsets.begin(), subsets.end(), 0u);
  std::shuffle(subsets.begin(), subsets.end(), random_);
  for (const std::uint32_t subset : subsets) {
    SCOPED_TRACE(absl::StrCat("stopped, as bits: ", subset));
    watchdog_.GetsOn();
    group.Stop(subset);
    ASSERT_NO_FATAL_FAILURE(group.ExpectOthersGoOn(subset));
    EXPECT_EQ(group.FilesGone(), 0u);
    ASSERT_NO_FATAL_FAILURE(group.Continue(subset, AnyOrder()));
  }

  group.End();
}

/// As a virtual machine does that is suspended.
TEST_P(EverySubset, MayBeAllAndGoesOnInEveryOrder) {
  StopSubsetsGroup group(*GetParam());
  ASSERT_NO_FATAL_FAILURE(group.Start());

  StopSubsetsGroup::Order order{};
  std::iota(order.begin(), order.end(), 0u);
  do {
    watchdog_.GetsOn();
    group.Stop(kAll);
    ASSERT_NO_FATAL_FAILURE(group.ExpectOthersGoOn(kAll));   // who comes takes nobody for dead
    EXPECT_EQ(group.FilesGone(), 0u);
    ASSERT_NO_FATAL_FAILURE(group.Continue(kAll, order));
  } while (std::next_permutation(order.begin(), order.end()));

  group.End();
}

using EverySubsetAtOnce = Stopping;

TEST_F(EverySubsetAtOnce, MayBeStoppedForAsLongAsOneLikes) {
  const std::chrono::seconds least(Number("SHMCOMM_STOP_SECONDS", 0));
  struct Stopped {
    Stopped(const Kind& kind, std::uint32_t bits) : name(absl::StrCat(kind.name, ", stopped as bits: ", bits)), group(kind), subset(bits) {}
    std::string name;
    StopSubsetsGroup group;
    std::uint32_t subset;
  };
  std::deque<Stopped> all;
  for (const Kind* kind : kKinds) {
    for (std::uint32_t subset = 1; subset <= kAll; subset += kStep) {
      Stopped& one = all.emplace_back(*kind, subset);
      SCOPED_TRACE(one.name);
      watchdog_.GetsOn();
      ASSERT_NO_FATAL_FAILURE(one.group.Start());
      one.group.Stop(subset);
      ASSERT_NO_FATAL_FAILURE(one.group.ExpectOthersGoOn(subset));
      one.group.LetThemRest(true);
    }
  }
  for (const auto start = std::chrono::steady_clock::now(); std::chrono::steady_clock::now() - start < least; usleep(100'000)) watchdog_.GetsOn();

  std::size_t stopped = 0, taken_for_dead = 0;
  for (Stopped& one : all) {
    SCOPED_TRACE(one.name);
    watchdog_.GetsOn();
    one.group.LetThemRest(false);
    ASSERT_NO_FATAL_FAILURE(one.group.ExpectOthersGoOn(one.subset));
    taken_for_dead += one.group.FilesGone();
    ASSERT_NO_FATAL_FAILURE(one.group.Continue(one.subset, AnyOrder()));
    one.group.End();
    stopped += static_cast<std::size_t>(__builtin_popcount(one.subset));
  }

  EXPECT_EQ(taken_for_dead, 0u);
  std::printf("every_subset stopped %zu processes for %lld seconds, %zu taken for dead\n", stopped,
              static_cast<long long>(least.count()), taken_for_dead);
}

}  // namespace
}  // namespace shmcomm::faults
