// SPDX-License-Identifier: Apache-2.0
// SIGKILL at the entry and at the exit of every system call of the operations that open, create, clean and remove: at the
// entry the call has not been made, at the exit its result is not known to the dead. The next open succeeds, the others
// go on, and the files left are those of the living.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

#include "crash/every_instruction/scene.h"
#include "support/watchdog.h"

namespace shmcomm::crash {
namespace {

std::vector<Operation> LifecycleOperations() {
  std::vector<Operation> operations;
  for (const Operation& operation : AllOperations()) {
    if (operation.is_lifecycle) operations.push_back(operation);
  }
  return operations;
}

class EverySystemCall : public ::testing::TestWithParam<Operation> {
 protected:
  void SetUp() override {
    if (!TracedChild::IsPossible()) GTEST_SKIP() << "the system lets nobody trace its child";
  }
  test::Watchdog watchdog_{GetParam().name};
};

std::string NameOf(const ::testing::TestParamInfo<Operation>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(Of, EverySystemCall, ::testing::ValuesIn(LifecycleOperations()), NameOf);

/// Lets the victim go to its `edge`-th edge and kills it there. False: its step has fewer.
bool DiesAtEdge(Scene& scene, int edge) {
  TracedChild victim = scene.MakeVictim();
  for (int met = 0; met <= edge; ++met) {
    if (!victim.RunToSystemCallEdge()) return false;
  }
  return true;
}

TEST_P(EverySystemCall, MayBeTheLastOne) {
  Scene scene(GetParam());

  int edge = 0;
  for (; DiesAtEdge(scene, edge); ++edge) {
    SCOPED_TRACE("killed at edge " + std::to_string(edge));
    ASSERT_NO_FATAL_FAILURE(scene.ExpectEverybodyGoesOn());
  }

  EXPECT_GT(edge, 2);
  std::printf("every_system_call %s kills %d\n", GetParam().name, edge);
  ASSERT_NO_FATAL_FAILURE(scene.ExpectEverybodyGoesOn());
  scene.ExpectNothingIsLeft();
}

}  // namespace
}  // namespace shmcomm::crash
