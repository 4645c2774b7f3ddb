// SPDX-License-Identifier: Apache-2.0
// Tiny programs whose every outcome is collected.
#pragma once

#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "base/atomic.h"
#include "sched/explorer.h"

namespace shmcomm::sched {

using Word = base::Atomic<std::uint32_t>;

inline constexpr auto kRelaxed = std::memory_order_relaxed;
inline constexpr auto kAcquire = std::memory_order_acquire;
inline constexpr auto kRelease = std::memory_order_release;
inline constexpr auto kAcqRel = std::memory_order_acq_rel;
inline constexpr auto kSeqCst = std::memory_order_seq_cst;

/// Three words, four results, and one function a thread. Words and results start at zero.
class Litmus : public Scenario {
 public:
  using Body = std::function<void(Litmus&)>;
  using Outcome = std::vector<std::uint32_t>;

  explicit Litmus(std::vector<Body> bodies) : bodies_(std::move(bodies)) {}

  Word x, y, z;
  std::uint32_t data = 0;
  std::uint32_t r[4] = {};
  Machine* machine = nullptr;
  std::set<Outcome> outcomes;

  void Start(Machine& on) override {
    machine = &on;
    for (Word* word : {&x, &y, &z}) word->store(0, kRelaxed);
    data = 0;
    for (std::uint32_t& result : r) result = 0;
    for (std::size_t i = 0; i < bodies_.size(); ++i) on.Spawn("thread", [this, i] { bodies_[i](*this); });
  }
  void Finish(Machine&) override { outcomes.insert(Outcome(r, r + 4)); }
  void Describe(Names& names) const override {
    names.Add("x", &x);
    names.Add("y", &y);
    names.Add("z", &z);
    names.Add("data", &data);
  }

  /// Every execution with up to `deviations` preemptions and older reads each.
  Report ExploreAll(unsigned deviations = 4) {
    Plan plan;
    plan.bounds.preemptions = deviations;
    plan.bounds.older_reads = deviations;
    plan.bounds.depth = 3;
    plan.depth_first = 2'000'000;
    plan.random = 1'000;
    return Explore(*this, plan);
  }

  bool Reaches(std::uint32_t r0, std::uint32_t r1, std::uint32_t r2 = 0, std::uint32_t r3 = 0) const {
    return outcomes.count({r0, r1, r2, r3}) != 0;
  }

 private:
  std::vector<Body> bodies_;
};

}  // namespace shmcomm::sched
