// SPDX-License-Identifier: Apache-2.0
// A child under ptrace: it prepares by itself, stops, and then does one step under its parent's hand, instruction by
// instruction, from one edge of a system call to the next, or up to an instruction that an earlier child met.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <utility>

namespace shmcomm::crash {

/// What the child does under its parent's eyes. True when it went as it should.
using Step = std::function<bool()>;

/// Called within a step: what follows is not walked any more. For checks of the child's own.
void EndOfStep();

/// All calls from the thread that made it. Destroying it kills the child.
class TracedChild {
 public:
  /// Forks; the child runs `prepare` and stops before the step that it returns. is_stopped() is false if that failed.
  explicit TracedChild(const std::function<Step()>& prepare);
  TracedChild(TracedChild&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)), status_(other.status_), is_stopped_(other.is_stopped_) {}
  TracedChild& operator=(TracedChild&&) = delete;
  ~TracedChild() { Kill(); }

  /// False where the system lets nobody trace its child.
  static bool IsPossible() {
    return TracedChild([] { return [] { return true; }; }).is_stopped();
  }

  /// The child is alive and under our hand, before, within or at the end of its step.
  bool is_stopped() const { return is_stopped_; }
  bool IsAtEnd() const;
  std::uint64_t pc() const;
  /// The instruction at hand is a system call.
  bool IsAtSystemCall() const;
  struct SystemCall {
    long number;
    long fourth_argument;
  };
  /// Which one, at its entry.
  SystemCall CurrentSystemCall() const;

  /// One instruction. Not past the end of the step.
  void StepInstruction();
  /// Up to the `occurrence`-th time (0: the first) that the child is about to execute `pc`. False: its step ended before.
  bool RunTo(std::uint64_t pc, std::uint64_t occurrence);
  /// To the next entry or exit of a system call. False: the step ended before.
  bool RunToSystemCallEdge();
  /// At the entry of a system call: it is not made and gives `error` to the child, which stands at its exit then.
  void FailSystemCall(int error);
  /// To the end of the step. False: the child died.
  bool RunToEnd();
  /// Lets it go to the end of its step and beyond: it tidies up. Its exit status, 0 when the step went as it should; -1: killed.
  int Leave();
  /// SIGKILL; returns when the kernel has released what the child held.
  void Kill();

 private:
  /// Goes on by `request` to the next stop; a signal that is not the tracer's is passed on. False: it ended.
  bool Resume(int request);
  std::uint8_t ByteAt(std::uint64_t address) const;
  bool SetByteAt(std::uint64_t address, std::uint8_t byte);

  pid_t pid_ = -1;
  int status_ = 0;
  bool is_stopped_ = false;
};

/// This thread and the children it forks stay on one processor while it lives: a step then costs a quarter.
class OnOneProcessor {
 public:
  OnOneProcessor();
  OnOneProcessor(const OnOneProcessor&) = delete;
  OnOneProcessor& operator=(const OnOneProcessor&) = delete;
  ~OnOneProcessor();

 private:
  std::uint64_t before_[16] = {};
};

}  // namespace shmcomm::crash
