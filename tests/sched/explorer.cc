// SPDX-License-Identifier: Apache-2.0
#include "sched/explorer.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

namespace shmcomm::sched {
namespace {

Bounds Unbounded(Bounds bounds) {
  bounds.preemptions = 255;
  bounds.older_reads = 255;
  bounds.deviations = 1000;
  bounds.depth = std::max(bounds.depth, 2u);
  return bounds;
}

class Exploration {
 public:
  Exploration(Scenario& scenario, const Plan& plan)
      : scenario_(scenario), plan_(plan), machine_(std::make_unique<Machine>(scenario)) {}

  Report Run() {
    // A part of the random executions comes first: each search finds at once what the other needs long for, and they learn
    // which locations are shared, so that the depth-first one rarely starts over.
    const std::uint64_t first = plan_.random / 4 + 1;
    if (Random(first, plan_.seed) || DepthFirst() || Random(plan_.random - plan_.random / 4, plan_.seed + 1)) Shorten();
    return std::move(report_);
  }

  Report Replay(std::vector<Deviation> recipe) {
    Fails(recipe);
    violation_ = std::move(recipe);
    Tell();
    return std::move(report_);
  }

 private:
  // True when it goes wrong.
  bool Once() {
    ++report_.executions;
    first_failure_ = machine_->Execute();
    if (first_failure_.empty()) return false;
    violation_ = machine_->choices().taken();
    return true;
  }

  bool Random(std::uint64_t executions, std::uint64_t seed) {
    machine_->choices().UseRandom(Unbounded(plan_.bounds), seed);
    for (std::uint64_t i = 0; i < executions; ++i) {
      if (Once()) return true;
    }
    return false;
  }

  // First everything that strays once, then twice, and so on: what it finds is short, and it finds it soon.
  bool DepthFirst() {
    std::uint64_t left = plan_.depth_first;
    const unsigned most = plan_.bounds.preemptions + plan_.bounds.older_reads + plan_.bounds.kills;
    Bounds bounds = plan_.bounds;
    for (bounds.deviations = 1; bounds.deviations <= most && left > 0; ++bounds.deviations) {
      if (DepthFirst(bounds, left)) return true;
    }
    report_.is_exhausted = plan_.depth_first > 0 && left > 0;
    return false;
  }

  bool DepthFirst(const Bounds& bounds, std::uint64_t& left) {
    Choices& choices = machine_->choices();
    choices.UseDepthFirst(bounds);
    machine_->TakeNews();
    while (left > 0) {
      --left;
      if (Once()) return true;
      if (machine_->TakeNews()) {
        choices.UseDepthFirst(bounds);
      } else if (!choices.Backtrack()) {
        return false;
      }
    }
    return false;
  }

  bool Fails(const std::vector<Deviation>& recipe) {
    machine_->choices().UseReplay(Unbounded(plan_.bounds), recipe);
    return !machine_->Execute().empty();
  }

  // Leaves out deviations for as long as it still goes wrong without one of them.
  void Shorten() {
    if (!Fails(violation_)) {
      report_.is_violated = true;
      report_.what = "went wrong once and not again: the scenario is not a function of its choices: " + first_failure_;
      report_.recipe = FormatDeviations(violation_);
      return;
    }
    while (LeaveOut(1) || LeaveOut(2)) {
    }
    Tell();
  }

  // Tries to do without one deviation, or without two together, a preemption and the one back. True when it can.
  bool LeaveOut(std::size_t count) {
    for (std::size_t i = violation_.size(); i-- > 0;) {
      const std::size_t begin = count == 1 ? i : 0;
      const std::size_t end = count == 1 ? i + 1 : i;
      for (std::size_t j = begin; j < end; ++j) {
        if (DoesWithout(i, j)) return true;
      }
    }
    return false;
  }

  bool DoesWithout(std::size_t i, std::size_t j) {
    std::vector<Deviation> rest;
    for (std::size_t k = 0; k < violation_.size(); ++k) {
      if (k != i && k != j) rest.push_back(violation_[k]);
    }
    if (!Fails(rest)) return false;
    violation_ = std::move(rest);
    return true;
  }

  void Tell() {
    Names names;
    scenario_.Describe(names);
    machine_->choices().UseReplay(Unbounded(plan_.bounds), violation_);
    machine_->trace().Begin(std::move(names));
    report_.what = machine_->Execute();
    report_.is_violated = !report_.what.empty();
    report_.trace = machine_->trace().End();
    report_.recipe = FormatDeviations(violation_);
  }

  Scenario& scenario_;
  Plan plan_;
  std::unique_ptr<Machine> machine_;
  Report report_;
  std::vector<Deviation> violation_;
  std::string first_failure_;
};

}  // namespace

Plan Scaled(Plan plan) {
  const char* text = std::getenv("SHMCOMM_MODEL_EXECUTIONS");
  const double asked = text != nullptr ? std::atof(text) : 1;
  const double scale = asked > 0 ? asked : 1;
  plan.depth_first = static_cast<std::uint64_t>(static_cast<double>(plan.depth_first) * scale);
  plan.random = static_cast<std::uint64_t>(static_cast<double>(plan.random) * scale);
  return plan;
}

Report Explore(Scenario& scenario, const Plan& plan) { return Exploration(scenario, plan).Run(); }

Report Replay(Scenario& scenario, const Plan& plan, const std::string& recipe) {
  return Exploration(scenario, plan).Replay(ParseDeviations(recipe));
}

}  // namespace shmcomm::sched
