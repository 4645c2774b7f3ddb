// SPDX-License-Identifier: Apache-2.0
// What the model knows of an operating system: futexes, byte locks that die with their holder, membarrier.
#pragma once

#include <cstdint>
#include <vector>

#include "sched/memory.h"
#include "sched/scheduler.h"

namespace shmcomm::sched {

class Kernel {
 public:
  Kernel(Scheduler& scheduler, Memory& memory) : scheduler_(scheduler), memory_(memory) {}

  void Reset();

  /// An open file description (each open gives a new one) may hold a byte; another one then may not.
  bool TryLock(int file, std::uint64_t byte, unsigned thread);
  void Unlock(int file, std::uint64_t byte);
  bool IsLockedByAnother(int file, std::uint64_t byte) const;
  /// The kernel lets go of what the dead held.
  void ReleaseLocksOf(unsigned thread);

  /// False makes membarrier fail, as on a kernel without it.
  void set_has_barrier(bool has_barrier) { has_barrier_ = has_barrier; }
  bool has_barrier() const { return has_barrier_; }

 private:
  struct Lock {
    std::uint64_t byte;
    int file = -1;        // -1: free
    unsigned thread = 0;
    View view;            // what its former holders had seen
  };

  Lock& Find(std::uint64_t byte);

  Scheduler& scheduler_;
  Memory& memory_;
  std::vector<Lock> locks_;
  bool has_barrier_ = true;
};

}  // namespace shmcomm::sched
