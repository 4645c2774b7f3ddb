// SPDX-License-Identifier: Apache-2.0
// Every subset of two writers and two readers is stopped, in every pattern, until the others have got on or been told in
// time that they cannot, and goes on in any order: nobody was taken for dead, and everything got where it should.
// SHMCOMM_STOP_SECONDS makes each stop at least that long, SHMCOMM_SEED repeats a run's choices.
#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "faults/stop_subsets_roles.h"
#include "faults/stoppable_child.h"
#include "support/all_patterns.h"
#include "support/hand_laid.h"

namespace shmcomm::faults {
namespace {

constexpr std::uint64_t kGoesOn = 50;   // messages that say so

std::uint64_t Number(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

class EverySubset : public test::AllPatternsTest, public ::testing::WithParamInterface<const Kind*> {
 protected:
  struct Mark {
    std::uint64_t progress, timeouts;
  };
  static bool IsStopped(std::uint32_t subset, std::uint32_t child) { return (subset >> child & 1) != 0; }
  static std::uint32_t Count(std::uint32_t bits) { return static_cast<std::uint32_t>(__builtin_popcount(bits)); }

  void Start() {
    for (std::uint32_t i = 0; i < kChildren; ++i) {
      const auto body = i < kWriters ? kind_.write : kind_.read;
      children_[i] = std::make_unique<StoppableChild>([&] { return body(root_.path(), stage_, i); });
    }
    Await([&] { return std::all_of(stage_.told, stage_.told + kChildren, [](const Told& told) { return told.is_open.load(); }); });
    stage_.begin = true;
  }
  /// Until it is so, or a child has failed.
  template <class Condition>
  void Await(const Condition& is_so) {
    while (!is_so()) {
      for (const Told& told : stage_.told) ASSERT_FALSE(told.has_failed) << told.why;
      sched_yield();
    }
  }
  std::array<Mark, kChildren> Marks() const {
    std::array<Mark, kChildren> marks{};
    for (std::uint32_t i = 0; i < kChildren; ++i) marks[i] = {stage_.told[i].progress, stage_.told[i].timeouts};
    return marks;
  }
  Must MustOf(std::uint32_t subset, std::uint32_t child) const {
    const std::uint32_t writers = Count(subset & ((1u << kWriters) - 1)), readers = Count(subset >> kWriters);
    return child < kWriters ? kind_.writer_must(readers) : kind_.reader_must(writers, readers);
  }
  /// Those that were not stopped get on where they may, and hear in time that they cannot where not.
  void AwaitSurvivors(std::uint32_t subset, const std::array<Mark, kChildren>& before) {
    for (std::uint32_t i = 0; i < kChildren; ++i) {
      if (IsStopped(subset, i)) continue;
      SCOPED_TRACE(absl::StrCat("child ", i));
      const Must must = MustOf(subset, i);
      ASSERT_NO_FATAL_FAILURE(Await([&] {
        const bool gets_on = stage_.told[i].progress >= before[i].progress + kGoesOn;
        const bool is_told = stage_.told[i].timeouts > before[i].timeouts;
        return (must != Must::kTimeOut && gets_on) || (must != Must::kProgress && is_told);
      }));
    }
  }
  void AwaitAll() {
    const auto before = Marks();
    for (std::uint32_t i = 0; i < kChildren; ++i) {
      ASSERT_NO_FATAL_FAILURE(Await([&] { return stage_.told[i].progress >= before[i].progress + kGoesOn; }));
    }
  }
  std::set<std::string> ChannelFiles() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root_.path())) names.insert(entry.path());
    return names;
  }
  void StopAndContinue(std::uint32_t subset) {
    const auto start = std::chrono::steady_clock::now();
    const std::set<std::string> files = ChannelFiles();
    for (std::uint32_t i = 0; i < kChildren; ++i) {
      if (IsStopped(subset, i)) children_[i]->Stop();
    }
    const auto before = Marks();
    do {
      watchdog_.GetsOn();
      ASSERT_NO_FATAL_FAILURE(AwaitSurvivors(subset, before));
      const absl::Status joined = kind_.join(root_.path());   // who cleans up after the dead; the stopped are none
      ASSERT_TRUE(joined.ok()) << joined;
    } while (std::chrono::steady_clock::now() - start < least_);
    const std::set<std::string> now = ChannelFiles();
    EXPECT_TRUE(std::includes(now.begin(), now.end(), files.begin(), files.end())) << "a file was removed";
    ContinueInAnyOrder(subset);
    ASSERT_NO_FATAL_FAILURE(AwaitAll());
  }
  void ContinueInAnyOrder(std::uint32_t subset) {
    std::array<std::uint32_t, kChildren> order{};
    for (std::uint32_t i = 0; i < kChildren; ++i) order[i] = i;
    std::shuffle(order.begin(), order.end(), random_);
    for (const std::uint32_t i : order) {
      if (IsStopped(subset, i)) children_[i]->Continue();
    }
  }
  void End() {
    stage_.end_writers = true;
    for (std::uint32_t i = 0; i < kWriters; ++i) EXPECT_EQ(children_[i]->Await(), 0) << stage_.told[i].why;
    stage_.end_readers = true;
    for (std::uint32_t i = kWriters; i < kChildren; ++i) EXPECT_EQ(children_[i]->Await(), 0) << stage_.told[i].why;
  }

  const Kind& kind_ = *GetParam();
  std::uint64_t seed_ = Number("SHMCOMM_SEED", std::random_device()());
  std::mt19937_64 random_{seed_};
  std::chrono::seconds least_{Number("SHMCOMM_STOP_SECONDS", 0)};
  test::SharedPages pages_{sizeof(Stage)};
  Stage& stage_ = *reinterpret_cast<Stage*>(pages_.data());
  std::array<std::unique_ptr<StoppableChild>, kChildren> children_;
};
INSTANTIATE_TEST_SUITE_P(Of, EverySubset, ::testing::Values(&kBestEffort, &kDemoting, &kWaiting, &kJobs, &kCalls),
                         [](const auto& info) { return std::string(info.param->name); });

TEST_P(EverySubset, MayBeStoppedForAsLongAsOneLikes) {
  std::printf("SHMCOMM_SEED=%llu\n", static_cast<unsigned long long>(seed_));
  std::fflush(stdout);
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_NO_FATAL_FAILURE(AwaitAll());

  std::array<std::uint32_t, 1u << kChildren> subsets{};
  for (std::uint32_t i = 0; i < subsets.size(); ++i) subsets[i] = i;
  std::shuffle(subsets.begin(), subsets.end(), random_);
  for (const std::uint32_t subset : subsets) {
    SCOPED_TRACE(absl::StrCat("stopped, as bits: ", subset));
    ASSERT_NO_FATAL_FAILURE(StopAndContinue(subset));
  }

  End();
  EXPECT_EQ(kind_.account(stage_), "");
  EXPECT_TRUE(root_.IsEmpty());
  std::printf("every_subset %s seconds %lld\n", kind_.name, static_cast<long long>(least_.count()));
}

}  // namespace
}  // namespace shmcomm::faults
