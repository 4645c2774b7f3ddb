// SPDX-License-Identifier: Apache-2.0
// Where an execution could go another way, and which way it goes. An execution is a function of its choices, so a list
// of those that differ from the default is a complete recipe for it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace shmcomm::sched {

enum class Action : std::uint8_t {
  kContinue,  // the running thread goes on (the default)
  kSwitch,    // it is preempted: argument = thread that runs
  kKill,      // argument = thread that dies
  kOlder,     // a load reads `argument` stores before the newest (default 0)
  kNext,      // nobody is running: argument = thread that runs
  kTimeOut,   // nobody can run: argument = sleeper whose time is up
};

struct Option {
  Action action;
  std::uint8_t argument;
  bool operator==(const Option& other) const { return action == other.action && argument == other.argument; }
};

/// An option other than the default, taken by `thread` before (kOlder: at) its `step`-th access.
struct Deviation {
  std::uint8_t thread;
  std::uint16_t step;
  Option option;
};

/// "1.17s2" = thread 1 before step 17, switch to 2; k kill, o older, n next, t time-out.
std::string FormatDeviations(const std::vector<Deviation>& deviations);
/// Ignores what it cannot read.
std::vector<Deviation> ParseDeviations(const std::string& text);

/// How far an execution may stray from running each thread to its end with the newest values.
struct Bounds {
  unsigned preemptions = 2;
  unsigned older_reads = 2;
  unsigned depth = 2;          // how many stores back an older read may look, at most 3
  unsigned kills = 0;
  unsigned deviations = 255;   // of these together
  unsigned time_outs = 2;      // of one thread, from death to death
  unsigned steps = 4000;       // more of them is no progress
};

class Choices {
 public:
  enum class Mode : std::uint8_t { kDepthFirst, kRandom, kReplay };

  void UseDepthFirst(const Bounds& bounds);
  void UseRandom(const Bounds& bounds, std::uint64_t seed);
  void UseReplay(const Bounds& bounds, std::vector<Deviation> deviations);

  void BeginExecution();
  /// Depth-first: moves to the next execution. False when there is none.
  bool Backtrack();

  bool may_preempt() const { return preemptions_ > 0 && deviations_ > 0; }
  bool may_kill() const { return kills_ > 0 && deviations_ > 0; }
  bool may_read_older() const { return older_reads_ > 0 && deviations_ > 0; }
  /// A recipe may name any step, also of an access that this machine has not yet seen to be shared.
  bool offers_every_step() const { return mode_ == Mode::kReplay; }
  const Bounds& bounds() const { return bounds_; }

  /// `options[0]` is the default; `count` >= 2.
  Option Choose(unsigned thread, unsigned step, const Option* options, unsigned count);

  const std::vector<Deviation>& taken() const { return taken_; }

 private:
  struct Branch {
    std::uint8_t count;
    std::uint8_t chosen;
  };

  unsigned ChooseDepthFirst(unsigned count);
  unsigned ChooseRandom(const Option* options, unsigned count);
  unsigned ChooseReplay(unsigned thread, unsigned step, const Option* options, unsigned count);
  void Pay(Action action);
  std::uint32_t Random();

  Mode mode_ = Mode::kDepthFirst;
  Bounds bounds_;
  unsigned preemptions_ = 0;
  unsigned older_reads_ = 0;
  unsigned kills_ = 0;
  unsigned deviations_ = 0;
  std::vector<Deviation> taken_;

  std::vector<Branch> branches_;
  std::size_t at_ = 0;

  std::uint64_t random_ = 1;
  unsigned switch_odds_ = 0;  // of 1024
  unsigned older_odds_ = 0;
  unsigned kill_odds_ = 0;

  std::vector<Deviation> recipe_;
  std::vector<bool> is_used_;
};

}  // namespace shmcomm::sched
