// SPDX-License-Identifier: Apache-2.0
#include "support/blocks.h"

#include <sched.h>

#include <algorithm>
#include <cstdio>

namespace shmcomm::bench {
namespace {

struct Row {
  std::vector<double> ns;
  std::vector<double> ratio;
};

void PrintRow(const std::string& name, const Row& row) {
  const auto [low, high] = std::minmax_element(row.ratio.begin(), row.ratio.end());
  std::printf("  %-58s %10.1f ns   x %5.2f   (%.2f .. %.2f)\n", name.c_str(), Median(row.ns), Median(row.ratio), *low, *high);
}

void PrintRows(const char* title, const std::vector<Contender>& contenders, const std::vector<Row>& rows) {
  if (rows.front().ns.empty()) return;
  std::printf("%s (%zu blocks)\n", title, rows.front().ns.size());
  for (std::size_t i = 0; i < contenders.size(); ++i) PrintRow(contenders[i].name, rows[i]);
}

}  // namespace

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void CompareInBlocks(const std::vector<Contender>& contenders, const BlockPlan& plan) {
  std::vector<Row> usual(contenders.size());
  std::vector<Row> fast(contenders.size());
  for (const Contender& contender : contenders) contender.run(plan.count / 4 + 1);  // warm
  for (int block = 0; block < plan.blocks; ++block) {
    std::vector<double> ns;
    for (const Contender& contender : contenders) ns.push_back(contender.run(plan.count));
    std::vector<Row>& rows = ns.front() >= plan.least_limit_ns ? usual : fast;
    for (std::size_t i = 0; i < ns.size(); ++i) {
      rows[i].ns.push_back(ns[i]);
      rows[i].ratio.push_back(ns[i] / ns.front());
    }
  }
  PrintRows("median, ratio to the first line in the same block, spread", contenders, usual);
  PrintRows("blocks in which the limit was unusually fast", contenders, fast);
}

void PinTo(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  if (sched_setaffinity(0, sizeof(set), &set) != 0) std::printf("warning: cannot pin to core %d\n", core);
}

}  // namespace shmcomm::bench
