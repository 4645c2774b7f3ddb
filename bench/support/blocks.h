// SPDX-License-Identifier: Apache-2.0
// Measuring as ratios: contenders take turns in short blocks of one run, so that whatever the machine does meets all of
// them; what is reported is the median of per-block ratios to a limit, with its spread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace shmcomm::bench {

/// One thing to measure: runs `count` operations and returns nanoseconds for one.
struct Contender {
  std::string name;
  std::function<double(std::int64_t count)> run;
};

struct BlockPlan {
  int blocks = 21;
  std::int64_t count = 20'000;     // operations a block
  double least_limit_ns = 0;       // blocks whose limit is below are reported apart
};

/// Runs the contenders in turn, the first being the limit, and prints a table of medians, ratios and spreads.
void CompareInBlocks(const std::vector<Contender>& contenders, const BlockPlan& plan);

double Median(std::vector<double> values);

/// Keeps this thread on one core. Prints a warning where the system refuses.
void PinTo(int core);

}  // namespace shmcomm::bench
