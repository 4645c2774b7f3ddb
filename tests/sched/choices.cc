// SPDX-License-Identifier: Apache-2.0
#include "sched/choices.h"

#include <cstdio>
#include <utility>

namespace shmcomm::sched {
namespace {

constexpr char kLetters[] = "cskont";

}  // namespace

std::string FormatDeviations(const std::vector<Deviation>& deviations) {
  std::string text;
  for (const Deviation& d : deviations) {
    if (!text.empty()) text += ' ';
    text += std::to_string(d.thread) + '.' + std::to_string(d.step) + kLetters[static_cast<unsigned>(d.option.action)] +
            std::to_string(d.option.argument);
  }
  return text;
}

std::vector<Deviation> ParseDeviations(const std::string& text) {
  std::vector<Deviation> deviations;
  const char* rest = text.c_str();
  unsigned thread = 0, step = 0, argument = 0;
  char letter = 0;
  int read = 0;
  while (std::sscanf(rest, " %u.%u%c%u%n", &thread, &step, &letter, &argument, &read) == 4) {
    for (unsigned action = 0; kLetters[action] != 0; ++action) {
      if (kLetters[action] != letter) continue;
      deviations.push_back({static_cast<std::uint8_t>(thread), static_cast<std::uint16_t>(step),
                            {static_cast<Action>(action), static_cast<std::uint8_t>(argument)}});
    }
    rest += read;
  }
  return deviations;
}

void Choices::UseDepthFirst(const Bounds& bounds) {
  mode_ = Mode::kDepthFirst;
  bounds_ = bounds;
  branches_.clear();
}

void Choices::UseRandom(const Bounds& bounds, std::uint64_t seed) {
  mode_ = Mode::kRandom;
  bounds_ = bounds;
  random_ = seed * 0x9E3779B97F4A7C15u + 0x632BE59BD9B4E019u;
}

void Choices::UseReplay(const Bounds& bounds, std::vector<Deviation> deviations) {
  mode_ = Mode::kReplay;
  bounds_ = bounds;
  recipe_ = std::move(deviations);
}

void Choices::BeginExecution() {
  preemptions_ = bounds_.preemptions;
  older_reads_ = bounds_.older_reads;
  kills_ = bounds_.kills;
  deviations_ = bounds_.deviations;
  taken_.clear();
  at_ = 0;
  if (mode_ == Mode::kRandom) {
    // Different executions stray differently: some switch at every step, some once; some read old values, some never.
    switch_odds_ = 512u >> (Random() % 6);
    older_odds_ = Random() % 4 == 0 ? 0 : 512u >> (Random() % 4);
    kill_odds_ = 128u >> (Random() % 5);
  }
  if (mode_ == Mode::kReplay) is_used_.assign(recipe_.size(), false);
}

bool Choices::Backtrack() {
  branches_.resize(at_);
  while (!branches_.empty() && branches_.back().chosen + 1 == branches_.back().count) branches_.pop_back();
  if (branches_.empty()) return false;
  ++branches_.back().chosen;
  return true;
}

Option Choices::Choose(unsigned thread, unsigned step, const Option* options, unsigned count) {
  unsigned chosen = 0;
  switch (mode_) {
    case Mode::kDepthFirst: chosen = ChooseDepthFirst(count); break;
    case Mode::kRandom: chosen = ChooseRandom(options, count); break;
    case Mode::kReplay: chosen = ChooseReplay(thread, step, options, count); break;
  }
  if (chosen != 0) {
    taken_.push_back({static_cast<std::uint8_t>(thread), static_cast<std::uint16_t>(step), options[chosen]});
    Pay(options[chosen].action);
  }
  return options[chosen];
}

void Choices::Pay(Action action) {
  switch (action) {
    case Action::kSwitch: --preemptions_; --deviations_; break;
    case Action::kKill: --kills_; --deviations_; break;
    case Action::kOlder: --older_reads_; --deviations_; break;
    case Action::kContinue: --preemptions_; --deviations_; break;  // offered after a yield: going on nevertheless
    case Action::kNext:
    case Action::kTimeOut: break;
  }
}

unsigned Choices::ChooseDepthFirst(unsigned count) {
  // A different count means that the checker has just learned of a shared location; the explorer starts over then.
  if (at_ < branches_.size() && branches_[at_].count != count) branches_.resize(at_);
  if (at_ == branches_.size()) branches_.push_back({static_cast<std::uint8_t>(count), 0});
  return branches_[at_++].chosen;
}

unsigned Choices::ChooseRandom(const Option* options, unsigned count) {
  const std::uint32_t random = Random();
  const Action action = options[1].action;
  if (options[0].action == Action::kOlder) return random % 1024 < older_odds_ ? 1 + (random >> 10) % (count - 1) : 0;
  if (options[0].action != Action::kContinue) return (random >> 10) % count;
  // Among the others at a step, switches come before kills.
  unsigned switches = 0;
  while (switches + 1 < count && options[switches + 1].action == Action::kSwitch) ++switches;
  if (switches + 1 < count && random % 1024 < kill_odds_) return switches + 1 + (random >> 10) % (count - 1 - switches);
  if (action == Action::kSwitch && Random() % 1024 < switch_odds_) return 1 + (random >> 10) % switches;
  return 0;
}

unsigned Choices::ChooseReplay(unsigned thread, unsigned step, const Option* options, unsigned count) {
  for (std::size_t i = 0; i < recipe_.size(); ++i) {
    if (is_used_[i] || recipe_[i].thread != thread || recipe_[i].step != step) continue;
    for (unsigned chosen = 1; chosen < count; ++chosen) {
      if (!(options[chosen] == recipe_[i].option)) continue;
      is_used_[i] = true;
      return chosen;
    }
  }
  return 0;
}

std::uint32_t Choices::Random() {
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  return static_cast<std::uint32_t>(random_ >> 20);
}

}  // namespace shmcomm::sched
