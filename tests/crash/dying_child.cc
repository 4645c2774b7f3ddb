// SPDX-License-Identifier: Apache-2.0
#include "crash/dying_child.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "base/crash_point.h"

namespace shmcomm::base {
void (*crash_point_hook)(const char*) = nullptr;
}

namespace shmcomm::crash {
namespace {

/// Where the child stands, in memory shared with its parent.
struct Progress {
  std::uint64_t die_at;        // which crash point kills; 0: none
  std::uint64_t met;           // crash points met so far
  char last[64];               // the one met last
  char die_at_name[64];        // or the first of this name
};
Progress* progress = nullptr;

void CountAndDie(const char* name) {
  ++progress->met;
  std::snprintf(progress->last, sizeof(progress->last), "%s", name);
  if (progress->met == progress->die_at || std::strcmp(name, progress->die_at_name) == 0) kill(getpid(), SIGKILL);
}

}  // namespace

DyingChild::DyingChild() {
  void* page = mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  progress = static_cast<Progress*>(page);
}

DyingChild::~DyingChild() { munmap(progress, sizeof(Progress)); }

bool DyingChild::Dies(std::uint64_t n, const std::function<bool()>& life) {
  *progress = Progress{n, 0, {}, {}};
  return Run(life);
}

bool DyingChild::DiesAt(const std::string& point, const std::function<bool()>& life) {
  *progress = Progress{};
  point.copy(progress->die_at_name, sizeof(progress->die_at_name) - 1);
  return Run(life);
}

bool DyingChild::Run(const std::function<bool()>& life) {
  const pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    base::crash_point_hook = &CountAndDie;
    _exit(life() ? 0 : 1);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  if (WIFSIGNALED(status)) return true;
  EXPECT_EQ(WEXITSTATUS(status), 0) << "the child failed, after " << progress->last;
  return false;
}

std::string DyingChild::last() const { return progress->last; }

}  // namespace shmcomm::crash
