// SPDX-License-Identifier: Apache-2.0
// Explores every scenario. SHMCOMM_MODEL_EXECUTIONS multiplies how much: 10 for a long run, 0.1 for a slow build.
#include <gtest/gtest.h>

#include <cstdlib>

#include "sched/scenarios/all.h"

namespace shmcomm::sched {
namespace {

double Scale() {
  const char* text = std::getenv("SHMCOMM_MODEL_EXECUTIONS");
  const double scale = text != nullptr ? std::atof(text) : 1;
  return scale > 0 ? scale : 1;
}

class Model : public testing::TestWithParam<Entry> {};

TEST_P(Model, HoldsInEveryExploredExecution) {
  Plan plan = GetParam().plan;
  plan.depth_first = static_cast<std::uint64_t>(static_cast<double>(plan.depth_first) * Scale());
  plan.random = static_cast<std::uint64_t>(static_cast<double>(plan.random) * Scale());

  const Report report = Explore(*GetParam().make(), plan);

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
