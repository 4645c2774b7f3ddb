// SPDX-License-Identifier: Apache-2.0
// What the model knows of an operating system: byte locks that die with their holder, one directory with directories and named pipes in it, polls, and
// whether there is a membarrier and a futex_waitv. Futexes are the scheduler's sleepers.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sched/folders.h"
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
  /// The thread that holds the byte, -1 when nobody does.
  int HolderOf(std::uint64_t byte) const;
  /// The kernel lets go of what the dead held.
  void ReleaseLocksOf(unsigned thread);
  /// `closer` closes all descriptors that hold a lock of the living `thread`: their locks fall free, and their numbers are lost.
  void CloseLocksOf(unsigned thread, unsigned closer);
  /// That happened to `file`.
  bool IsLost(int file) const;

  /// A new open file description, and its end: its locks fall free.
  int Open() { return next_file_++; }
  bool HoldsAny(int file) const;
  void Close(int file);

  /// The names in the one directory there is.
  const std::vector<std::string>& names() const { return names_; }
  void AddName(const std::string& name) { names_.push_back(name); }
  void RemoveName(const std::string& name);
  /// The directories in it.
  Folders& folders() { return folders_; }

  /// A named pipe is full or empty: one byte says all. An unlinked one lives on for who has it open, and another may have its
  /// name. It orders nothing: what its writer did before is seen only by the orders of the words.
  bool MakePipe(const std::string& name);
  /// A new open file description of the pipe that has the name now; -1 where there is none.
  int OpenPipe(const std::string& name);
  struct Pipe {
    std::string name;
    bool is_linked = true;
    bool is_full = false;
  };
  Pipe* PipeOf(int file);
  /// An event is a pipe without a name.
  int MakeEvent();

  /// A poll watches pipes; whatever else is added to it is never readable.
  struct Watched {
    Pipe* pipe;
    std::uint64_t tag;
  };
  int MakePoll();
  void PollAdd(int poll, int file, std::uint64_t tag);
  const std::vector<Watched>& WatchedBy(int poll) { return polls_[poll]; }

  /// False makes every membarrier fail, though processes could register for it.
  void set_can_issue_barrier(bool can) { can_issue_barrier_ = can; }
  bool can_issue_barrier() const { return can_issue_barrier_; }
  /// False makes sleeping on several words fail, as on an older system.
  void set_can_sleep_on_many(bool can) { can_sleep_on_many_ = can; }
  bool can_sleep_on_many() const { return can_sleep_on_many_; }

 private:
  static constexpr int kFirstFile = 100;

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
  std::vector<std::string> names_;
  Folders folders_;
  std::deque<Pipe> pipes_;           // in place: their addresses are what readers sleep on
  std::vector<std::pair<int, Pipe*>> opened_pipes_;
  std::map<int, std::vector<Watched>> polls_;
  std::vector<int> lost_;
  // Goes on from one execution to the next: what a scenario's objects keep of the last, and close in this, is no file of this.
  int next_file_ = kFirstFile;
  bool can_issue_barrier_ = true;
  bool can_sleep_on_many_ = true;
};

}  // namespace shmcomm::sched
