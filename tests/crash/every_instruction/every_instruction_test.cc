// SPDX-License-Identifier: Apache-2.0
// SIGKILL at every instruction of every operation. Three looks at each operation:
//   images  one victim is single-stepped; after each instruction that changed a shared file, the files are copied, and a
//           newcomer repairs the copy. A dead process's stores are not lost, so the copy is what a SIGKILL leaves.
//   kills   a victim each is killed really, before its k-th instruction.
//   pairs   a victim each is stopped after a shared write; the others go on for laps; then it goes on.
// SHMCOMM_KILL_POINTS is the number of kills an operation, spread evenly; 0 is every instruction.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "crash/every_instruction/scene.h"
#include "support/watchdog.h"

namespace shmcomm::crash {
namespace {

class EveryInstruction : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (!TracedChild::IsPossible()) GTEST_SKIP() << "the system lets nobody trace its child";
    scene_ = GetParam().make();
  }

  /// A victim that gets through: where its instructions are, and where it writes.
  Walk WalkOnce() {
    const Walk walk = WalkThrough(*scene_, [] {});
    scene_->ExpectEverybodyGoesOn();
    return walk;
  }

  static void Say(const char* what, std::size_t points, std::size_t of) {
    std::printf("every_instruction %s %s %zu of %zu\n", GetParam().name.c_str(), what, points, of);
  }

  /// Openings and closings have tens of thousands of instructions, and each child steps to its own: of those, not so many.
  static std::size_t StrideOf(std::size_t instructions) {
    constexpr std::size_t kMostOfLifecycles = 1000;
    const std::size_t points = GetParam().is_lifecycle ? std::min(KillPoints(), kMostOfLifecycles) : KillPoints();
    return points == 0 ? 1 : std::max<std::size_t>(1, instructions / points);
  }

  test::Watchdog watchdog_{GetParam().name.c_str(), std::chrono::seconds(1500)};
  std::unique_ptr<Scene> scene_;
  OnOneProcessor pinned_;
};

/// Instrumented code has ten times the instructions, and the same writes: there the long operations are left to the
/// system calls' test.
std::vector<Case> WalkedCases() {
  std::vector<Case> cases = AllCases();
#if defined(__SANITIZE_ADDRESS__)
  cases.erase(std::remove_if(cases.begin(), cases.end(), [](const auto& each) { return each.is_lifecycle; }), cases.end());
#endif
  return cases;
}

std::string NameOf(const ::testing::TestParamInfo<Case>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(Of, EveryInstruction, ::testing::ValuesIn(WalkedCases()), NameOf);

TEST_P(EveryInstruction, LeavesFilesThatANewcomerRepairs) {
  std::size_t repaired = 0;
  const Walk walk = WalkThrough(*scene_, [&] {
    SCOPED_TRACE("after a write");
    if (GetParam().is_alone) return;  // no other is there whose copy could be looked at
    scene_->ExpectCopyRecovers();
    ++repaired;
  });

  Say("images", repaired, walk.pcs.size());
  scene_->ExpectNothingIsLeft();
}

TEST_P(EveryInstruction, MayBeTheLastOne) {
  const Walk walk = WalkOnce();
  const std::size_t stride = StrideOf(walk.pcs.size());

  std::size_t kills = 0;
  std::set<std::uint64_t> addresses;
  for (std::size_t k = 0; k < walk.pcs.size(); k += stride, ++kills) {
    SCOPED_TRACE("killed before instruction " + std::to_string(k));
    {
      TracedChild victim = scene_->MakeVictim();
      victim.RunTo(walk.pcs[k], walk.OccurrenceOf(k));
    }
    addresses.insert(walk.pcs[k]);
    ASSERT_NO_FATAL_FAILURE(scene_->ExpectEverybodyGoesOn());
  }

  std::printf("every_instruction %s kills %zu of %zu at %zu addresses, %s\n", GetParam().name.c_str(), kills, walk.pcs.size(),
              addresses.size(), GetParam().is_lifecycle ? "lifecycle" : "hot");
  scene_->ExpectNothingIsLeft();
}

TEST_P(EveryInstruction, MayTakeForEver) {
  const Walk walk = WalkOnce();
  std::size_t pairs = 0;   // at which the others did something meanwhile

  for (const std::size_t write : walk.writes) {
    if (GetParam().is_alone) break;   // no other is there to go on
    SCOPED_TRACE("stopped after instruction " + std::to_string(write));
    TracedChild victim = scene_->MakeVictim();
    if (victim.RunTo(walk.pcs[write], walk.OccurrenceOf(write))) victim.StepInstruction();
    const std::size_t before = scene_->exchanged_beside();
    ASSERT_NO_FATAL_FAILURE(scene_->ExpectOthersGoOnBeside());
    pairs += scene_->exchanged_beside() > before ? 1 : 0;
    ASSERT_EQ(victim.Leave(), 0);
    ASSERT_NO_FATAL_FAILURE(scene_->ExpectEverybodyGoesOn());
  }

  Say("pairs", pairs, walk.pcs.size());
  scene_->ExpectNothingIsLeft();
}

}  // namespace
}  // namespace shmcomm::crash
