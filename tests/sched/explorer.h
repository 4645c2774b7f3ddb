// SPDX-License-Identifier: Apache-2.0
// Runs a scenario in very many ways, stops at the first that goes wrong, shortens it and tells it step by step.
#pragma once

#include <cstdint>
#include <string>

#include "sched/machine.h"

namespace shmcomm::sched {

struct Plan {
  Bounds bounds;
  std::uint64_t depth_first = 100'000;  // executions at most; fewer when the bounded space is exhausted
  std::uint64_t random = 50'000;        // executions, bounded only in kills
  std::uint64_t seed = 1;
};

struct Report {
  bool is_violated = false;
  bool is_exhausted = false;     // depth-first saw every execution within the bounds
  std::uint64_t executions = 0;  // until the violation, or all
  std::string what;
  std::string trace;             // of the shortened execution, one step a line
  std::string recipe;            // its choices; Replay does the same again
};

/// SHMCOMM_MODEL_EXECUTIONS times as many executions.
Plan Scaled(Plan plan);

Report Explore(Scenario& scenario, const Plan& plan);
Report Replay(Scenario& scenario, const Plan& plan, const std::string& recipe);

}  // namespace shmcomm::sched
