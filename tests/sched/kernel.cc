// SPDX-License-Identifier: Apache-2.0
#include "sched/kernel.h"

namespace shmcomm::sched {

void Kernel::Reset() {
  for (Lock& lock : locks_) {
    lock.file = -1;
    lock.view = View{};
  }
  has_barrier_ = true;
}

Kernel::Lock& Kernel::Find(std::uint64_t byte) {
  for (Lock& lock : locks_) {
    if (lock.byte == byte) return lock;
  }
  locks_.push_back(Lock{byte, -1, 0, {}});
  return locks_.back();
}

bool Kernel::TryLock(int file, std::uint64_t byte, unsigned thread) {
  Lock& lock = Find(byte);
  if (lock.file != -1) return lock.file == file;  // by its own description the lock is simply had again
  lock.file = file;
  lock.thread = thread;
  memory_.AcquireFrom(lock.view, thread);
  return true;
}

void Kernel::Unlock(int file, std::uint64_t byte) {
  Lock& lock = Find(byte);
  if (lock.file != file) return;
  lock.file = -1;
  if (scheduler_.is_in_thread()) memory_.ReleaseTo(lock.view, scheduler_.current());
}

bool Kernel::IsLockedByAnother(int file, std::uint64_t byte) const {
  for (const Lock& lock : locks_) {
    if (lock.byte == byte) return lock.file != -1 && lock.file != file;
  }
  return false;
}

void Kernel::ReleaseLocksOf(unsigned thread) {
  for (Lock& lock : locks_) {
    if (lock.file == -1 || lock.thread != thread) continue;
    lock.file = -1;
    memory_.ReleaseTo(lock.view, thread);
  }
}

}  // namespace shmcomm::sched
