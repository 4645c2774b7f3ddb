// SPDX-License-Identifier: Apache-2.0
#include "sched/scheduler.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace shmcomm::sched {
namespace {

constexpr unsigned kMaxOptions = 2 * kMaxThreads + 1;

}  // namespace

unsigned Scheduler::Spawn(const char* name, std::function<void()> body, bool may_be_killed) {
  if (count_ == kMaxThreads) std::abort();
  Thread& thread = threads_[count_];
  thread.name = name;
  thread.body = std::move(body);
  thread.may_be_killed = may_be_killed;
  thread.state = ThreadState::kReady;
  thread.steps = 0;
  thread.time_outs = 0;
  thread.is_registered_for_barrier = false;
  return count_++;
}

void Scheduler::Main(void* argument) {
  auto* self = static_cast<Scheduler*>(argument);
  Thread& thread = self->threads_[self->current_];
  thread.body();
  thread.state = ThreadState::kDone;
  self->GoOnElsewhere();
}

void Scheduler::Run() {
  for (unsigned i = 0; i < count_; ++i) threads_[i].fiber.Prepare(&Scheduler::Main, this);
  last_ = count_ - 1;
  total_steps_ = 0;
  kills_ = 0;
  is_stopped_ = false;
  ran_out_of_steps_ = false;
  while (!is_stopped_) {
    Option options[kMaxOptions];
    const unsigned count = AddOthers(options, 0, Action::kNext);
    if (count == 0) {
      on_rest_();
      if (is_stopped_ || !LetTimePass()) break;
      continue;
    }
    const Option next = count == 1 ? options[0] : choices_.Choose(last_, threads_[last_].steps, options, count);
    current_ = next.argument;
    Fiber::Switch(outside_, threads_[current_].fiber);
    current_ = kNobody;
  }
}

void Scheduler::Stop() {
  is_stopped_ = true;
  if (is_in_thread()) LeaveFor(outside_);
}

// Starting behind the thread that ran last, so that the default is a fair turn.
unsigned Scheduler::AddOthers(Option* options, unsigned count, Action action) const {
  const unsigned from = is_in_thread() ? current_ : last_;
  for (unsigned i = 1; i <= count_; ++i) {
    const unsigned other = (from + i) % count_;
    if (other != current_ && threads_[other].state == ThreadState::kReady) {
      options[count++] = {action, static_cast<std::uint8_t>(other)};
    }
  }
  return count;
}

void Scheduler::Step(bool matters, bool sees_deaths) {
  ++threads_[current_].steps;
  if (++total_steps_ > choices_.bounds().steps) {
    ran_out_of_steps_ = true;
    Stop();
  }
  matters |= choices_.offers_every_step();
  while (matters) {
    Option options[kMaxOptions] = {{Action::kContinue, 0}};
    unsigned count = 1;
    if (choices_.may_preempt()) count = AddOthers(options, count, Action::kSwitch);
    if (choices_.may_kill()) {
      for (unsigned i = 0; i < count_; ++i) {
        const Thread& thread = threads_[i];
        const bool is_alive = thread.state == ThreadState::kReady || thread.state == ThreadState::kAsleep;
        if (!is_alive || !thread.may_be_killed || (i != current_ && !sees_deaths)) continue;
        options[count++] = {Action::kKill, static_cast<std::uint8_t>(i)};
      }
    }
    if (count == 1) return;
    const Option option = choices_.Choose(current_, threads_[current_].steps, options, count);
    if (option.action == Action::kContinue) return;
    if (option.action == Action::kSwitch) return SwitchTo(option.argument);
    Kill(option.argument);  // another one may die at the same moment
  }
}

void Scheduler::Yield() {
  Step(false);
  Option options[kMaxOptions];
  unsigned count = AddOthers(options, 0, Action::kNext);
  if (count == 0) return;
  if (choices_.may_preempt()) options[count++] = {Action::kContinue, 0};
  const Option option =
      count == 1 ? options[0] : choices_.Choose(current_, threads_[current_].steps, options, count);
  if (option.action == Action::kNext) SwitchTo(option.argument);
}

void Scheduler::SwitchTo(unsigned thread) {
  Fiber& from = threads_[current_].fiber;
  current_ = thread;
  Fiber::Switch(from, threads_[thread].fiber);
}

void Scheduler::LeaveFor(Fiber& fiber) {
  last_ = current_;
  Fiber& from = threads_[current_].fiber;
  current_ = kNobody;
  Fiber::Switch(from, fiber);
}

// The running thread cannot go on: another one, or the outside when there is none.
void Scheduler::GoOnElsewhere() {
  Option options[kMaxOptions];
  const unsigned count = AddOthers(options, 0, Action::kNext);
  if (count == 0) return LeaveFor(outside_);
  const Option next = count == 1 ? options[0] : choices_.Choose(current_, threads_[current_].steps, options, count);
  SwitchTo(next.argument);
}

void Scheduler::Kill(unsigned thread) {
  ++kills_;
  threads_[thread].state = ThreadState::kKilled;
  for (unsigned i = 0; i < count_; ++i) threads_[i].time_outs = 0;  // the survivors must find out, however patient they were
  on_death_(thread);
  if (thread == current_) GoOnElsewhere();
}

WakeReason Scheduler::Sleep(const void* const* on, unsigned count, bool is_bounded) {
  if (count > kMaxSleepKeys) std::abort();
  Thread& thread = threads_[current_];
  thread.state = ThreadState::kAsleep;
  std::copy(on, on + count, thread.asleep_on);
  thread.sleep_keys = count;
  thread.is_bounded = is_bounded;
  GoOnElsewhere();
  return thread.reason;
}

unsigned Scheduler::Wake(const void* on, unsigned most) {
  unsigned woken = 0;
  for (unsigned i = 0; i < count_ && woken < most; ++i) {
    Thread& thread = threads_[i];
    const void** const end = thread.asleep_on + thread.sleep_keys;
    if (thread.state != ThreadState::kAsleep || std::find(thread.asleep_on, end, on) == end) continue;
    thread.state = ThreadState::kReady;
    thread.reason = WakeReason::kWoken;
    ++woken;
  }
  return woken;
}

bool Scheduler::LetTimePass() {
  Option options[kMaxOptions];
  unsigned count = 0;
  for (unsigned i = 0; i < count_; ++i) {
    const Thread& thread = threads_[i];
    if (thread.state != ThreadState::kAsleep || !thread.is_bounded) continue;
    if (thread.time_outs == choices_.bounds().time_outs) continue;
    options[count++] = {Action::kTimeOut, static_cast<std::uint8_t>(i)};
  }
  if (count == 0) return false;
  const Option option = count == 1 ? options[0] : choices_.Choose(last_, threads_[last_].steps, options, count);
  Thread& thread = threads_[option.argument];
  ++thread.time_outs;
  thread.state = ThreadState::kReady;
  thread.reason = WakeReason::kTimedOut;
  return true;
}

}  // namespace shmcomm::sched
