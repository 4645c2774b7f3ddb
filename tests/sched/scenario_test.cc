// SPDX-License-Identifier: Apache-2.0
// Explores every scenario. SHMCOMM_MODEL_EXECUTIONS multiplies how much: 10 for a long run, 0.1 for a slow build.
#include <gtest/gtest.h>

#include "sched/scenarios/all.h"

namespace shmcomm::sched {
namespace {

class Model : public testing::TestWithParam<Entry> {};

TEST_P(Model, HoldsInEveryExploredExecution) {
  const Report report = Explore(*GetParam().make(), Scaled(GetParam().plan));

  EXPECT_FALSE(report.is_violated) << GetParam().about << '\n'
                                   << report.what << '\n'
                                   << report.trace << "recipe: " << report.recipe;
  RecordProperty("executions", std::to_string(report.executions));
  RecordProperty("exhausted", report.is_exhausted ? "yes" : "no");
}

INSTANTIATE_TEST_SUITE_P(Scenario, Model, testing::ValuesIn(AllScenarios()),
                         [](const testing::TestParamInfo<Entry>& info) { return info.param.name; });

}  // namespace

// For GoogleTest's messages.
void PrintTo(const Entry& entry, std::ostream* out) { *out << entry.name; }

}  // namespace shmcomm::sched
