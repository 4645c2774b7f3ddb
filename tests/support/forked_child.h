// SPDX-License-Identifier: Apache-2.0
// A real process for what threads cannot show: dying with locks held, forks of a participant, other namespaces.
#pragma once

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>

namespace shmcomm::test {

/// fork() of a child that ends with this process, which may die of a failed test before it could kill or release it.
inline pid_t ForkBound() {
  const pid_t pid = fork();
  if (pid == 0) prctl(PR_SET_PDEATHSIG, SIGKILL);
  return pid;
}

/// A child that ran up to `stay()` and now waits to be killed. It never returns into the test.
class StayingChild {
 public:
  /// Called by the child once it is ready; then it waits, or goes on after Tell().
  class Stay {
   public:
    explicit Stay(int ready) : ready_(ready) {}
    void Tell() const {
      if (write(ready_, "r", 1) != 1) _exit(3);
    }
    void operator()() const {
      Tell();
      for (;;) pause();
    }

   private:
    int ready_;
  };
  /// Returns when the child has called `stay`, or its Tell(); is_there() is false if it ended before.
  explicit StayingChild(const std::function<void(const Stay&)>& body) {
    int ready[2];
    if (pipe(ready) != 0) std::abort();
    pid_ = ForkBound();
    if (pid_ == 0) {
      body(Stay(ready[1]));
      _exit(2);
    }
    close(ready[1]);
    char byte;
    is_there_ = read(ready[0], &byte, 1) == 1;
    close(ready[0]);
  }
  StayingChild(const StayingChild&) = delete;
  StayingChild& operator=(const StayingChild&) = delete;
  ~StayingChild() { Kill(); }

  bool is_there() const { return is_there_; }
  /// SIGKILL; returns when the kernel has released what the child held.
  void Kill() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
  bool is_there_ = false;
};

/// Runs `body` in a child and returns its exit status, or -1 if it was killed.
inline int ExitStatusOf(const std::function<int()>& body) {
  const pid_t pid = ForkBound();
  if (pid == 0) _exit(body());
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace shmcomm::test
