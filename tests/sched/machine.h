// SPDX-License-Identifier: Apache-2.0
// The computer a model runs on: memory, scheduler, kernel, race detector, and the trace of what they did. One at a time
// is running; the functions of checked_atomic.h and checked_platform.cc are its instructions.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "sched/checked_atomic.h"
#include "sched/choices.h"
#include "sched/kernel.h"
#include "sched/memory.h"
#include "sched/race_detector.h"
#include "sched/scheduler.h"
#include "sched/trace.h"

namespace shmcomm::sched {

class Machine;

std::uint64_t Updated(Update update, std::uint64_t old, std::uint64_t operand);

/// A small program to be explored. Its objects live in it, not on the threads' stacks, and are set up anew each time: an
/// abandoned execution unwinds nothing. Their addresses must not change from one execution to the next.
class Scenario {
 public:
  virtual ~Scenario() = default;
  /// Puts all memory into its initial state and spawns the threads.
  virtual void Start(Machine& machine) = 0;
  /// No thread can go on without time passing. Reports sleepers that should not sleep.
  virtual void Rest(Machine&) {}
  /// Every thread is done, dead, or asleep for good. Reports what should not be.
  virtual void Finish(Machine&) {}
  /// The running thread has just changed a watched word. Reports a change that nobody may make.
  virtual void Changed(Machine&, const void* /*word*/, std::uint64_t /*old*/, std::uint64_t /*now*/) {}
  /// The running thread passes a named place. True: SIGKILL ends it there.
  virtual bool DiesAt(Machine&, const char* /*crash_point*/) { return false; }
  /// The running thread has just removed a name from a directory inside the one there is, or such a directory.
  virtual void Unlinked(Machine&, const std::string& /*path*/) {}
  virtual void Describe(Names&) const {}
};

class Machine {
 public:
  /// As a descriptor: the one directory.
  static constexpr int kDirectory = 1;

  explicit Machine(Scenario& scenario);

  /// One execution. Returns what went wrong, or an empty text.
  const std::string& Execute();

  // For scenarios, anywhere.
  unsigned Spawn(const char* name, std::function<void()> body) { return scheduler_.Spawn(name, std::move(body), false); }
  /// SIGKILL may end this one at any step, as often as the bounds allow altogether.
  unsigned SpawnMortal(const char* name, std::function<void()> body) { return scheduler_.Spawn(name, std::move(body), true); }
  /// The first failure counts. Does not return; from Start, Rest and Finish it throws.
  [[noreturn]] void Fail(const std::string& what);
  void Check(bool holds, const char* what) {
    if (!holds) Fail(what);
  }
  /// From Start: Changed is to be told of this word.
  void Watch(const void* word);
  ThreadState StateOf(unsigned thread) const { return scheduler_.thread(thread).state; }
  /// From Start: false, and only the values say whether plain memory was read while it was written. For this execution.
  void set_detects_races(bool detects) { detects_races_ = detects; }
  unsigned kills() const { return scheduler_.kills(); }
  /// In Changed: the thread that did it.
  unsigned current() const { return scheduler_.current(); }
  void Say(const std::string& text);

  // The instructions of the running thread.
  static Machine* running() { return running_; }
  std::uint64_t Load(const void* word, unsigned bytes, std::memory_order order);
  void Store(void* word, unsigned bytes, std::uint64_t value, std::memory_order order);
  std::uint64_t Change(void* word, unsigned bytes, Update update, std::uint64_t operand, std::memory_order order);
  bool CompareExchange(void* word, unsigned bytes, std::uint64_t& expected, std::uint64_t desired, std::memory_order success,
                       std::memory_order failure);
  void Fence();
  void PlainRead(const void* where, std::size_t bytes);
  void PlainWrite(const void* where, std::size_t bytes);
  void Yield();
  /// A sleep of more than 100 ms never times out; a shorter one when nothing else can happen.
  WakeReason FutexWait(const void* word, std::uint32_t expected, std::int64_t timeout_ns);
  /// A word to sleep on, and the value it was seen with.
  struct Term {
    const void* word;
    std::uint32_t expected;
  };
  /// The same until any of several words changes. False where the system has no such sleep.
  bool FutexWaitMany(const Term* terms, unsigned count, std::int64_t timeout_ns);
  void FutexWake(const void* word, unsigned most);
  void RegisterForBarrier();
  bool BarrierAll();
  void PassCrashPoint(const char* name);
  bool TryLock(int file, std::uint64_t byte);
  void Unlock(int file, std::uint64_t byte);
  bool IsLockedByAnother(int file, std::uint64_t byte);
  /// The process of `thread` closes all descriptors of its locks while it lives, as a daemon does.
  void CloseLocksOf(unsigned thread);
  int OpenFile() { return kernel_.Open(); }
  void CloseFile(int file);
  // In the one directory, or in one of its own that is open as `directory`.
  std::vector<std::string> ListNames(int directory = kDirectory);
  /// False where that directory has been removed.
  bool AddName(const std::string& name, int directory = kDirectory);
  void RemoveName(const std::string& name, int directory = kDirectory);
  bool MakeFolder(const std::string& name);
  /// -1 where there is none.
  int OpenFolder(const std::string& name);
  bool HasFolder(const std::string& name);
  /// Nothing where it is not empty.
  void RemoveFolder(const std::string& name);
  bool MakePipe(const std::string& name);
  int OpenPipe(const std::string& name);
  void WritePipe(int file);
  void DrainPipe(int file);
  /// Sleeps until the pipe is full; as FutexWait.
  WakeReason WaitForPipe(int file, std::int64_t timeout_ns);
  int MakeEvent();
  int MakePoll() { return kernel_.MakePoll(); }
  void PollAdd(int poll, int file, std::uint64_t tag);
  /// Sleeps until one of the watched pipes is full; as FutexWait. Stores the tags of up to `most`, returns how many.
  std::size_t PollWait(int poll, std::uint64_t* tags, std::size_t most, std::int64_t timeout_ns);
  std::int64_t NowNs();
  /// The same without an instruction.
  std::int64_t now_ns() const { return now_ns_; }

  /// Before the threads run: `thread` holds the byte through `file`.
  void GiveLock(unsigned thread, int file, std::uint64_t byte) { kernel_.TryLock(file, byte, thread); }
  Kernel& kernel() { return kernel_; }
  const Kernel& kernel() const { return kernel_; }
  Choices& choices() { return choices_; }
  Trace& trace() { return trace_; }
  /// True once after an execution in which a location turned out to be shared.
  bool TakeNews();

 private:
  std::string PathOf(const std::string& name, int directory);
  void TellUnlinked(const std::string& path);
  WakeReason SleepOn(const void* key, std::int64_t timeout_ns) { return SleepOn(&key, 1, timeout_ns); }
  WakeReason SleepOn(const void* const* keys, unsigned count, std::int64_t timeout_ns);
  Location& Access(const void* word, unsigned bytes, bool writes);
  void Tell(const Location& location, std::uint64_t old);
  unsigned me() const { return scheduler_.current(); }
  void Note(const void* word, const char* what, std::memory_order order, const std::string& values);
  std::string Value(const void* word, std::uint64_t value) const { return trace_.names().ValueAt(word, value); }
  void Died(unsigned thread);
  void Rested();
  void Raced(RaceDetector::Verdict verdict, const void* where, const char* what);

  static Machine* running_;

  Scenario& scenario_;
  Choices choices_;
  Memory memory_;
  Scheduler scheduler_;
  Kernel kernel_;
  RaceDetector races_;
  Trace trace_;
  std::string failure_;
  std::int64_t now_ns_ = 0;
  bool has_news_ = false;
  bool detects_races_ = true;
};

}  // namespace shmcomm::sched
