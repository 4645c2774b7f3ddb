// SPDX-License-Identifier: Apache-2.0
// Runs the threads of a model one step at a time and asks Choices which one is next, who dies and whose time is up.
// Time passes only when nothing else can happen: a wake that was lost shows as a sleeper at rest.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "sched/choices.h"
#include "sched/fiber.h"
#include "sched/view.h"

namespace shmcomm::sched {

enum class ThreadState : std::uint8_t { kReady, kAsleep, kDone, kKilled };
enum class WakeReason : std::uint8_t { kWoken, kTimedOut };

/// On how many things one thread may sleep at once.
constexpr unsigned kMaxSleepKeys = 4;

struct Thread {
  std::string name;
  std::function<void()> body;
  bool may_be_killed = false;
  ThreadState state = ThreadState::kReady;
  unsigned steps = 0;
  const void* asleep_on[kMaxSleepKeys] = {};
  unsigned sleep_keys = 0;
  bool is_bounded = false;  // the sleep may time out
  WakeReason reason = WakeReason::kWoken;
  unsigned time_outs = 0;
  bool is_registered_for_barrier = false;
  Fiber fiber;
};

class Scheduler {
 public:
  /// `rest` is called whenever no thread can go on without time passing; it may Stop().
  Scheduler(Choices& choices, std::function<void(unsigned)> on_death, std::function<void()> on_rest)
      : choices_(choices), on_death_(std::move(on_death)), on_rest_(std::move(on_rest)) {}

  void Reset() { count_ = 0; }
  unsigned Spawn(const char* name, std::function<void()> body, bool may_be_killed);
  /// Runs until every thread is done, dead or asleep for good, or somebody stops.
  void Run();
  /// From a thread: ends the execution and never returns. From outside: Run returns at once.
  void Stop();

  /// Before an access of the running thread. `matters`: what other threads do before it can change it.
  /// `sees_deaths`: it asks about locks, so others may die at exactly this moment.
  void Step(bool matters, bool sees_deaths = false);
  /// The running thread cannot usefully go on at once: others first.
  void Yield();
  /// Until somebody wakes those asleep on any of `count` things.
  WakeReason Sleep(const void* const* on, unsigned count, bool is_bounded);
  /// Wakes up to `most` of those asleep on `on`.
  unsigned Wake(const void* on, unsigned most);

  bool is_in_thread() const { return current_ != kNobody; }
  unsigned current() const { return current_; }
  Thread& thread(unsigned index) { return threads_[index]; }
  const Thread& thread(unsigned index) const { return threads_[index]; }
  unsigned count() const { return count_; }
  unsigned kills() const { return kills_; }
  bool ran_out_of_steps() const { return ran_out_of_steps_; }
  /// Now. Does not return where it is the running one.
  void Kill(unsigned thread);

 private:
  static constexpr unsigned kNobody = kMaxThreads;

  static void Main(void* argument);
  unsigned AddOthers(Option* options, unsigned count, Action action) const;
  void SwitchTo(unsigned thread);
  void LeaveFor(Fiber& fiber);
  void GoOnElsewhere();
  bool LetTimePass();

  Choices& choices_;
  std::function<void(unsigned)> on_death_;
  std::function<void()> on_rest_;
  Thread threads_[kMaxThreads];
  Fiber outside_;
  unsigned count_ = 0;
  unsigned current_ = kNobody;
  unsigned last_ = 0;
  unsigned total_steps_ = 0;
  unsigned kills_ = 0;
  bool is_stopped_ = false;
  bool ran_out_of_steps_ = false;
};

}  // namespace shmcomm::sched
