// SPDX-License-Identifier: Apache-2.0
// Explores scenarios from the command line.
//
//   sched_model list
//   sched_model run <scenario>|all [--depth-first N] [--random N] [--seed S] [--preemptions P] [--older O] [--kills K]
//   sched_model replay <scenario> "<recipe>"
//
// Exit status: 0 nothing went wrong, 1 a violation (its trace is printed), 2 a mistake in the command.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "sched/scenarios/all.h"

namespace shmcomm::sched {
namespace {

const Entry* Find(const Catalogue& catalogue, const std::string& name) {
  for (const Entry& entry : catalogue) {
    if (entry.name == name) return &entry;
  }
  std::fprintf(stderr, "no scenario '%s'\n", name.c_str());
  return nullptr;
}

bool ReadOptions(int count, char** arguments, Plan& plan) {
  for (int i = 0; i + 1 < count; i += 2) {
    const std::string option = arguments[i];
    const std::uint64_t value = std::strtoull(arguments[i + 1], nullptr, 10);
    if (option == "--depth-first") plan.depth_first = value;
    else if (option == "--random") plan.random = value;
    else if (option == "--seed") plan.seed = value;
    else if (option == "--preemptions") plan.bounds.preemptions = static_cast<unsigned>(value);
    else if (option == "--older") plan.bounds.older_reads = static_cast<unsigned>(value);
    else if (option == "--kills") plan.bounds.kills = static_cast<unsigned>(value);
    else return false;
  }
  return count % 2 == 0;
}

int Print(const std::string& name, const Report& report, double seconds) {
  const char* verdict = report.is_violated ? "VIOLATED" : report.is_exhausted ? "holds (exhausted)" : "holds";
  std::printf("%-28s %-18s %9llu executions  %6.2f s\n", name.c_str(), verdict,
              static_cast<unsigned long long>(report.executions), seconds);
  if (report.is_violated) {
    std::printf("%s\n%s  recipe: %s\n", report.what.c_str(), report.trace.c_str(), report.recipe.c_str());
  }
  return report.is_violated ? 1 : 0;
}

int Run(const Entry& entry, int count, char** arguments) {
  Plan plan = Scaled(entry.plan);
  if (!ReadOptions(count, arguments, plan)) return std::fprintf(stderr, "bad options\n"), 2;
  const auto begin = std::chrono::steady_clock::now();
  const Report report = Explore(*entry.make(), plan);
  return Print(entry.name, report, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
}

int Main(int count, char** arguments) {
  const Catalogue catalogue = AllScenarios();
  const std::string verb = count > 1 ? arguments[1] : "";
  if (verb == "list") {
    for (const Entry& entry : catalogue) std::printf("%-28s %s\n", entry.name.c_str(), entry.about.c_str());
    return 0;
  }
  if (verb == "run" && count > 2 && std::strcmp(arguments[2], "all") == 0) {
    int worst = 0;
    for (const Entry& entry : catalogue) worst = std::max(worst, Run(entry, count - 3, arguments + 3));
    return worst;
  }
  const Entry* entry = count > 2 ? Find(catalogue, arguments[2]) : nullptr;
  if (entry != nullptr && verb == "run") return Run(*entry, count - 3, arguments + 3);
  if (entry != nullptr && verb == "replay" && count == 4) {
    return Print(entry->name, Replay(*entry->make(), entry->plan, arguments[3]), 0);
  }
  std::fprintf(stderr, "sched_model list | run <scenario>|all [options] | replay <scenario> \"<recipe>\"\n");
  return 2;
}

}  // namespace
}  // namespace shmcomm::sched

int main(int count, char** arguments) { return shmcomm::sched::Main(count, arguments); }
