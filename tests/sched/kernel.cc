// SPDX-License-Identifier: Apache-2.0
#include "sched/kernel.h"

#include <algorithm>

namespace shmcomm::sched {

void Kernel::Reset() {
  for (Lock& lock : locks_) {
    lock.file = -1;
    lock.view = View{};
  }
  names_.clear();
  folders_.Reset();
  pipes_.clear();
  opened_pipes_.clear();
  polls_.clear();
  lost_.clear();
  can_issue_barrier_ = true;
  can_sleep_on_many_ = true;
}

void Kernel::CloseLocksOf(unsigned thread, unsigned closer) {
  for (Lock& lock : locks_) {
    if (lock.file == -1 || lock.thread != thread) continue;
    lost_.push_back(lock.file);
    lock.file = -1;
    memory_.ReleaseTo(lock.view, closer);  // not what `thread` has seen: it does not take part
  }
}

bool Kernel::IsLost(int file) const { return std::find(lost_.begin(), lost_.end(), file) != lost_.end(); }

bool Kernel::HoldsAny(int file) const {
  return std::any_of(locks_.begin(), locks_.end(), [file](const Lock& lock) { return lock.file == file; });
}

void Kernel::Close(int file) {
  for (Lock& lock : locks_) {
    if (lock.file == file) Unlock(file, lock.byte);
  }
}

bool Kernel::MakePipe(const std::string& name) {
  if (std::find(names_.begin(), names_.end(), name) != names_.end()) return false;
  names_.push_back(name);
  pipes_.push_back(Pipe{name});
  return true;
}

int Kernel::OpenPipe(const std::string& name) {
  for (Pipe& pipe : pipes_) {
    if (!pipe.is_linked || pipe.name != name) continue;
    opened_pipes_.emplace_back(Open(), &pipe);
    return opened_pipes_.back().first;
  }
  return -1;
}

Kernel::Pipe* Kernel::PipeOf(int file) {
  for (const auto& [opened, pipe] : opened_pipes_) {
    if (opened == file) return pipe;
  }
  return nullptr;
}

int Kernel::MakeEvent() {
  pipes_.push_back(Pipe{"event", false});
  opened_pipes_.emplace_back(Open(), &pipes_.back());
  return opened_pipes_.back().first;
}

int Kernel::MakePoll() {
  const int poll = Open();
  polls_[poll];
  return poll;
}

void Kernel::PollAdd(int poll, int file, std::uint64_t tag) {
  if (Pipe* pipe = PipeOf(file)) polls_[poll].push_back({pipe, tag});
}

void Kernel::RemoveName(const std::string& name) {
  for (Pipe& pipe : pipes_) pipe.is_linked = pipe.is_linked && pipe.name != name;
  names_.erase(std::remove(names_.begin(), names_.end(), name), names_.end());
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

int Kernel::HolderOf(std::uint64_t byte) const {
  for (const Lock& lock : locks_) {
    if (lock.byte == byte) return lock.file != -1 ? static_cast<int>(lock.thread) : -1;
  }
  return -1;
}

void Kernel::ReleaseLocksOf(unsigned thread) {
  for (Lock& lock : locks_) {
    if (lock.file == -1 || lock.thread != thread) continue;
    lock.file = -1;
    memory_.ReleaseTo(lock.view, thread);
  }
}

}  // namespace shmcomm::sched
