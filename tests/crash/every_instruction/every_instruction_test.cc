// SPDX-License-Identifier: Apache-2.0
// SIGKILL at every instruction of every operation. Three looks at each operation:
//   images  one victim is single-stepped; after each instruction that changed a shared file, the files are copied, and a
//           newcomer repairs the copy. A dead process's stores are not lost, so the copy is what a SIGKILL leaves.
//   kills   a victim each is killed really, before its k-th instruction.
//   pairs   a victim each is stopped after a shared write; the others go on for laps; then it goes on.
// SHMCOMM_KILL_POINTS is the number of kills an operation, spread evenly; 0 is every instruction.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "crash/every_instruction/scene.h"
#include "support/watchdog.h"

namespace shmcomm::crash {
namespace {

class EveryInstruction : public ::testing::TestWithParam<Operation> {
 protected:
  void SetUp() override {
    if (!TracedChild::IsPossible()) GTEST_SKIP() << "the system lets nobody trace its child";
  }
  /// One victim, instruction by instruction; `at_write` is called after each that changed a shared file.
  template <class AtWrite>
  static Walk WalkThrough(Scene& scene, AtWrite&& at_write) {
    Walk walk;
    TracedChild victim = scene.MakeVictim();
    WatchedFiles files(scene.directory());
    while (victim.is_stopped() && !victim.IsAtEnd() && !HasFatalFailure()) {
      walk.pcs.push_back(victim.pc());
      const bool is_system_call = victim.IsAtSystemCall();
      victim.StepInstruction();
      if (!(is_system_call ? files.HaveChangedOrCome() : files.HaveChanged())) continue;
      walk.writes.push_back(walk.pcs.size() - 1);
      at_write();
    }
    EXPECT_EQ(victim.Leave(), 0);
    return walk;
  }
  static Walk WalkThrough(Scene& scene) {
    return WalkThrough(scene, [] {});
  }

  static void Say(const char* what, std::size_t points, std::size_t of) {
    std::printf("every_instruction %s %s %zu of %zu\n", GetParam().name, what, points, of);
  }

  test::Watchdog watchdog_{GetParam().name, std::chrono::seconds(1500)};
  OnOneProcessor pinned_;
};

/// Instrumented code has ten times the instructions, and the same writes: there the long operations are left to the
/// system calls' test.
std::vector<Operation> WalkedOperations() {
  std::vector<Operation> operations = AllOperations();
#if defined(__SANITIZE_ADDRESS__)
  operations.erase(std::remove_if(operations.begin(), operations.end(), [](const auto& each) { return each.is_lifecycle; }),
                   operations.end());
#endif
  return operations;
}

std::string NameOf(const ::testing::TestParamInfo<Operation>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(Of, EveryInstruction, ::testing::ValuesIn(WalkedOperations()), NameOf);

TEST_P(EveryInstruction, LeavesFilesThatANewcomerRepairs) {
  Scene scene(GetParam());
  const bool is_alone = GetParam().others == Others::kNobody;

  const Walk walk = WalkThrough(scene, [&] {
    SCOPED_TRACE("after a write");
    if (is_alone) return;
    scene.ExpectCopyRecovers();
  });

  Say("images", walk.writes.size(), walk.pcs.size());
  scene.ExpectNothingIsLeft();
}

TEST_P(EveryInstruction, MayBeTheLastOne) {
  Scene scene(GetParam());
  const Walk walk = WalkThrough(scene);
  const std::size_t stride = KillPoints() == 0 ? 1 : std::max<std::size_t>(1, walk.pcs.size() / KillPoints());

  std::size_t kills = 0;
  for (std::size_t k = 0; k < walk.pcs.size(); k += stride, ++kills) {
    SCOPED_TRACE("killed before instruction " + std::to_string(k));
    {
      TracedChild victim = scene.MakeVictim();
      victim.RunTo(walk.pcs[k], walk.OccurrenceOf(k));
    }
    ASSERT_NO_FATAL_FAILURE(scene.ExpectEverybodyGoesOn());
  }

  Say("kills", kills, walk.pcs.size());
  scene.ExpectNothingIsLeft();
}

TEST_P(EveryInstruction, MayTakeForEver) {
  Scene scene(GetParam());
  const Walk walk = WalkThrough(scene);

  for (const std::size_t write : walk.writes) {
    SCOPED_TRACE("stopped after instruction " + std::to_string(write));
    TracedChild victim = scene.MakeVictim();
    if (victim.RunTo(walk.pcs[write], walk.OccurrenceOf(write))) victim.StepInstruction();
    ASSERT_NO_FATAL_FAILURE(scene.ExpectOthersGoOnBeside());
    ASSERT_EQ(victim.Leave(), 0);
    ASSERT_NO_FATAL_FAILURE(scene.ExpectEverybodyGoesOn());
  }

  Say("pairs", walk.writes.size(), walk.pcs.size());
  scene.ExpectNothingIsLeft();
}

}  // namespace
}  // namespace shmcomm::crash
