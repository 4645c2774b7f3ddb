// SPDX-License-Identifier: Apache-2.0
// The bell of a sole writer by itself: who fences, asking for it, granting, withdrawing (E17). What is published is one word,
// so that far more of these steps fit into an execution than with a ring around them.
#include <array>
#include <memory>
#include <new>
#include <optional>

#include "platform/os.h"
#include "sched/scenarios/all.h"
#include "wake/bell.h"

namespace shmcomm::sched {
namespace {

struct FencingConfig {
  std::uint32_t sleepers = 1;
  std::uint32_t values = 3;
  std::uint32_t most_quiet = 1;  // fences for nobody after which the writer leaves them out
};

class Fencing : public Scenario {
 public:
  explicit Fencing(const FencingConfig& config) : config_(config) {}

  void Start(Machine& machine) override {
    machine_ = &machine;
    machine.kernel().set_can_issue_barrier(true);
    new (&line_) layout::WakeLine{};
    new (&value_) base::Atomic<std::uint32_t>{0};
    machine.Spawn("writer", [this] { RunWriter(); });
    for (std::uint32_t i = 0; i < config_.sleepers; ++i) {
      seen_[i] = 0;
      machine.Spawn("sleeper", [this, i] { RunSleeper(i); });
    }
  }

  void Rest(Machine& machine) override {
    for (std::uint32_t i = 0; i < config_.sleepers; ++i) {
      machine.Check(!SleepsBesideAValue(i), "I8: a sleeper sleeps beside a value");
    }
  }

  void Finish(Machine& machine) override {
    for (std::uint32_t i = 0; i < config_.sleepers; ++i) {
      machine.Check(seen_[i] == config_.values, "I8: a sleeper never finds a value, however often it wakes");
    }
  }

  void Describe(Names& names) const override {
    names.Add("bell", &line_.bell);
    names.Add("value", &value_);
    names.Add("armed", &line_.armed);
    names.Add("fenced", &line_.fenced);
  }

 private:
  static constexpr std::uint32_t kMost = 2;
  static constexpr std::int64_t kForEver = std::int64_t{1} << 62;

  bool SleepsBesideAValue(std::uint32_t index) const {
    return machine_->StateOf(1 + index) == ThreadState::kAsleep && seen_[index] != published_;
  }

  void RunWriter() {
    platform::RegisterForBarrier();
    wake::Ringer ringer(line_, wake::Ordering::kAsymmetric, nullptr, config_.most_quiet);
    for (published_ = 0; published_ < config_.values;) {
      value_.store(published_ + 1, std::memory_order_release);
      ++published_;
      ringer.Ring();
    }
  }

  void RunSleeper(std::uint32_t index) {
    wake::Sleeper sleeper(line_, true);
    while (seen_[index] < config_.values) {
      sleeper.SleepUnless([&] { return value_.load(std::memory_order_acquire) != seen_[index]; }, kForEver);
      seen_[index] = value_.load(std::memory_order_acquire);
    }
  }

  FencingConfig config_;
  Machine* machine_ = nullptr;
  std::uint32_t published_ = 0;
  std::array<std::uint32_t, kMost> seen_{};
  layout::WakeLine line_{};
  base::Atomic<std::uint32_t> value_{0};
};

void Add(Catalogue& catalogue, const char* name, const char* about, const FencingConfig& config, const Plan& plan) {
  catalogue.push_back({name, about, [config] { return std::make_unique<Fencing>(config); }, plan});
}

}  // namespace

void AddFencing(Catalogue& catalogue) {
  FencingConfig config;
  Plan plan;
  config.values = 4;
  Add(catalogue, "fencing", "a sole writer that stops fencing, 1 sleeper, one word", config, plan);
  config.sleepers = 2;
  config.values = 3;
  plan.depth_first = 500'000;
  plan.random = 300'000;
  Add(catalogue, "fencing_two_sleepers", "the same with 2 sleepers that rely on each other's grants", config, plan);
}

}  // namespace shmcomm::sched
