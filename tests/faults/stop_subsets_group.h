// SPDX-License-Identifier: Apache-2.0
// One channel with two writers and two readers in processes of their own, any of which can be stopped and continued.
#pragma once

#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "faults/stop_subsets_roles.h"
#include "faults/stoppable_child.h"
#include "support/hand_laid.h"
#include "support/temporary_root.h"

namespace shmcomm::faults {

/// Subsets of the children are bits. What must not be fails the test that runs.
class StopSubsetsGroup {
 public:
  using Order = std::array<std::uint32_t, kChildren>;

  explicit StopSubsetsGroup(const Kind& kind) : kind_(kind) {}

  /// Returns when all are open and messages get everywhere.
  void Start() {
    for (std::uint32_t i = 0; i < kChildren; ++i) {
      const auto body = i < kWriters ? kind_.write : kind_.read;
      children_[i] = std::make_unique<StoppableChild>([&] { return body(root_.path(), stage_, i); });
    }
    Await([&] { return std::all_of(stage_.told, stage_.told + kChildren, [](const Told& told) { return told.is_open.load(); }); });
    stage_.begin = true;
    AwaitAll();
  }

  void Stop(std::uint32_t subset) {
    files_ = ChannelFiles();
    for (std::uint32_t i = 0; i < kChildren; ++i) {
      if (IsIn(subset, i)) children_[i]->Stop();
    }
  }

  /// Those that were not stopped get on where they may, and hear in time that they cannot where not; and somebody comes,
  /// who cleans up after the dead: the stopped are none.
  void ExpectOthersGoOn(std::uint32_t stopped) {
    const auto before = Marks();
    for (std::uint32_t i = 0; i < kChildren; ++i) {
      if (IsIn(stopped, i)) continue;
      SCOPED_TRACE(absl::StrCat("child ", i));
      const Must must = MustOf(stopped, i);
      ASSERT_NO_FATAL_FAILURE(Await([&] {
        const bool gets_on = stage_.told[i].progress >= before[i].progress + kGoesOn;
        const bool is_told = stage_.told[i].timeouts > before[i].timeouts;
        return (must != Must::kTimeOut && gets_on) || (must != Must::kProgress && is_told);
      }));
    }
    const absl::Status joined = kind_.join(root_.path());
    ASSERT_TRUE(joined.ok()) << joined;
  }

  /// How many files were taken from the channel since Stop: those of processes that were held for dead.
  std::size_t FilesGone() const {
    const std::set<std::string> now = ChannelFiles();
    return static_cast<std::size_t>(std::count_if(files_.begin(), files_.end(), [&](const auto& name) { return now.count(name) == 0; }));
  }

  /// In this order; returns when messages get everywhere again.
  void Continue(std::uint32_t subset, const Order& order) {
    for (const std::uint32_t i : order) {
      if (IsIn(subset, i)) children_[i]->Continue();
    }
    AwaitAll();
  }

  /// Whether those that go on do nothing at all until they are told to. They cost nothing then.
  void LetThemRest(bool is_rest) { stage_.rest = is_rest; }

  /// All end by themselves, and everything got where it should.
  void End() {
    stage_.end_writers = true;
    for (std::uint32_t i = 0; i < kWriters; ++i) EXPECT_EQ(children_[i]->Await(), 0) << stage_.told[i].why;
    stage_.end_readers = true;
    for (std::uint32_t i = kWriters; i < kChildren; ++i) EXPECT_EQ(children_[i]->Await(), 0) << stage_.told[i].why;
    EXPECT_EQ(kind_.account(stage_), "");
    EXPECT_TRUE(root_.IsEmpty());
  }

 private:
  static constexpr std::uint64_t kGoesOn = 50;   // messages that say so

  struct Mark {
    std::uint64_t progress, timeouts;
  };
  static bool IsIn(std::uint32_t subset, std::uint32_t child) { return (subset >> child & 1) != 0; }
  static std::uint32_t Count(std::uint32_t bits) { return static_cast<std::uint32_t>(__builtin_popcount(bits)); }

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
  Must MustOf(std::uint32_t stopped, std::uint32_t child) const {
    const std::uint32_t writers = Count(stopped & ((1u << kWriters) - 1)), readers = Count(stopped >> kWriters);
    return child < kWriters ? kind_.writer_must(readers) : kind_.reader_must(writers, readers);
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

  const Kind& kind_;
  test::TemporaryRoot root_;
  test::SharedPages pages_{sizeof(Stage)};
  Stage& stage_ = *reinterpret_cast<Stage*>(pages_.data());
  std::array<std::unique_ptr<StoppableChild>, kChildren> children_;
  std::set<std::string> files_;   // when some were stopped
};

}  // namespace shmcomm::faults
