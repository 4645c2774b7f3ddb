// SPDX-License-Identifier: Apache-2.0
// Many processes that do the same at once, and what they share.
#pragma once

#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "support/all_patterns.h"
#include "support/hand_laid.h"

namespace shmcomm::faults {

class Storm : public test::AllPatternsTest {
 protected:
  static constexpr std::uint32_t kProcesses = 6;

  struct Shared {
    std::atomic<std::uint32_t> arrived;
    std::atomic<bool> has_failed;
    std::atomic<std::uint64_t> words[kProcesses];   // one for each process, as the test likes
    std::atomic<std::uint64_t> count;
  };

  /// Returns when `all` have come here as often as this process has; at once when one has failed.
  void Meet(std::uint32_t all = kProcesses) {
    const std::uint32_t together = all * ++meetings_;
    ++shared_->arrived;
    while (shared_->arrived < together && !shared_->has_failed) sched_yield();
  }
  int Fail(const char* what, const absl::Status& status = absl::OkStatus()) const {
    std::fprintf(stderr, "%s: %s\n", what, status.ToString().c_str());
    shared_->has_failed = true;
    return 1;
  }
  /// `life(self)` in kProcesses processes; each should return 0.
  template <class Life>
  void InAllProcesses(Life&& life) {
    std::vector<pid_t> children;
    for (std::uint32_t self = 0; self < kProcesses; ++self) {
      children.push_back(fork());
      if (children.back() != 0) continue;
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      _exit(life(self));
    }
    for (const pid_t child : children) {
      int status = -1;
      waitpid(child, &status, 0);
      EXPECT_EQ(status, 0);
    }
  }

  std::uint32_t meetings_ = 0;
  test::SharedPages page_{sizeof(Shared)};
  Shared* shared_ = reinterpret_cast<Shared*>(page_.data());
};

}  // namespace shmcomm::faults
