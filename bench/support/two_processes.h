// SPDX-License-Identifier: Apache-2.0
// Two processes that run the same contenders in the same blocks, the second one silently; they share some memory.
#pragma once

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <new>

namespace shmcomm::bench {

enum class Side { kFirst, kSecond };

/// What both can see, beside what a bench puts there.
struct Meeting {
  std::atomic<int> ready{0};
  /// Returns when both are here for the `nth` time, from 1.
  void Meet(int nth) {
    ready.fetch_add(1);
    while (ready.load() < 2 * nth) usleep(100);
  }
};

/// Runs `body(shared, side)` in both; the exit status of the program.
template <class Shared>
int RunBoth(const std::function<void(Shared&, Side)>& body) {
  void* memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 1;
  auto* shared = new (memory) Shared{};
  const pid_t child = fork();
  if (child == 0) {
    if (std::freopen("/dev/null", "w", stdout) == nullptr) std::_Exit(1);
    body(*shared, Side::kSecond);
    return 0;
  }
  body(*shared, Side::kFirst);
  int status = 0;
  waitpid(child, &status, 0);
  return status == 0 ? 0 : 1;
}

}  // namespace shmcomm::bench
