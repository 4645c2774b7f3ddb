// SPDX-License-Identifier: Apache-2.0
// SIGKILL at the entry and at the exit of every system call of the operations that open, create, clean and remove: at the
// entry the call has not been made, at the exit its result is not known to the dead. The next open succeeds, the others
// go on, and the files left are those of the living.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "crash/every_instruction/scene.h"
#include "support/watchdog.h"

namespace shmcomm::crash {
namespace {

std::vector<Case> LifecycleCases() {
  std::vector<Case> cases = AllCases();
  cases.erase(std::remove_if(cases.begin(), cases.end(), [](const auto& each) { return !each.is_lifecycle; }), cases.end());
  return cases;
}

class EverySystemCall : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (!TracedChild::IsPossible()) GTEST_SKIP() << "the system lets nobody trace its child";
  }
  test::Watchdog watchdog_{GetParam().name.c_str()};
};

std::string NameOf(const ::testing::TestParamInfo<Case>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(Of, EverySystemCall, ::testing::ValuesIn(LifecycleCases()), NameOf);

/// Lets the victim go to its `edge`-th edge and kills it there. False: its step has fewer.
bool DiesAtEdge(Scene& scene, int edge) {
  TracedChild victim = scene.MakeVictim();
  for (int met = 0; met <= edge; ++met) {
    if (!victim.RunToSystemCallEdge()) return false;
  }
  return true;
}

TEST_P(EverySystemCall, MayBeTheLastOne) {
  const std::unique_ptr<Scene> scene = GetParam().make();

  int edge = 0;
  for (; DiesAtEdge(*scene, edge); ++edge) {
    SCOPED_TRACE("killed at edge " + std::to_string(edge));
    ASSERT_NO_FATAL_FAILURE(scene->ExpectEverybodyGoesOn());
  }

  EXPECT_GT(edge, 2);
  std::printf("every_system_call %s kills %d\n", GetParam().name.c_str(), edge);
  ASSERT_NO_FATAL_FAILURE(scene->ExpectEverybodyGoesOn());
  scene->ExpectNothingIsLeft();
}

}  // namespace
}  // namespace shmcomm::crash
