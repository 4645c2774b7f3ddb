// SPDX-License-Identifier: Apache-2.0
// A process that is number 1 of its own namespace of process numbers, as the first one of a container is.
#pragma once

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>

namespace shmcomm::test {

/// Runs `body` in a forked child after `prepare`, which unshares something that takes hold at the next fork.
class ChildInNamespace {
 public:
  ChildInNamespace(const std::function<bool()>& prepare, const std::function<int()>& body) {
    int numbers[2];
    if (pipe(numbers) != 0) std::abort();
    between_ = fork();
    if (between_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      _exit(prepare() ? StartAndAwait(numbers[1], body) : 1);
    }
    close(numbers[1]);
    if (read(numbers[0], &pid_, sizeof(pid_)) != sizeof(pid_)) pid_ = -1;
    close(numbers[0]);
  }
  ChildInNamespace(const ChildInNamespace&) = delete;
  ChildInNamespace& operator=(const ChildInNamespace&) = delete;
  ~ChildInNamespace() {
    Kill();
    Await();
  }

  /// False where `prepare` was refused.
  bool is_there() const { return pid_ > 0; }
  /// True once it is over, whatever way.
  bool HasEnded() const {
    siginfo_t info{};
    return between_ <= 0 || (waitid(P_PID, static_cast<id_t>(between_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0);
  }
  /// SIGKILL; returns when it is gone and reaped.
  void Kill() {
    if (pid_ > 0) kill(pid_, SIGKILL);
    pid_ = -1;
    Await();
  }
  /// Its exit status, -1 if it was killed.
  int Await() {
    if (between_ <= 0) return status_;
    int status = 0;
    waitpid(between_, &status, 0);
    between_ = -1;
    return status_ = WIFEXITED(status) && WEXITSTATUS(status) != kKilled ? WEXITSTATUS(status) : -1;
  }

 private:
  static constexpr int kKilled = 255;

  static int StartAndAwait(int numbers, const std::function<int()>& body) {
    const pid_t pid = fork();
    if (pid == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      _exit(body());
    }
    if (pid < 0 || write(numbers, &pid, sizeof(pid)) != sizeof(pid)) return kKilled;
    close(numbers);
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : kKilled;
  }

  pid_t between_ = -1;
  pid_t pid_ = -1;   // as this process sees it
  int status_ = -1;
};

/// For `prepare`.
inline bool NewPidNamespace() { return unshare(CLONE_NEWPID) == 0; }

}  // namespace shmcomm::test
