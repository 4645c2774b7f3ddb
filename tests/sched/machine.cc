// SPDX-License-Identifier: Apache-2.0
#include "sched/machine.h"

#include <utility>

namespace shmcomm::sched {

std::uint64_t Updated(Update update, std::uint64_t old, std::uint64_t operand) {
  switch (update) {
    case Update::kExchange: return operand;
    case Update::kAdd: return old + operand;
    case Update::kSubtract: return old - operand;
    case Update::kOr: return old | operand;
    case Update::kAnd: return old & operand;
  }
  return old;
}

namespace {

struct Stopped {};

// A sleep that may last longer than this is one that the protocol must not rely on to end (I8).
constexpr std::int64_t kLongestBoundedSleepNs = 100'000'000;

// What passes while others go first: whoever is patient for a second looks fifty times.
constexpr std::int64_t kYieldNs = 20'000'000;

const char* UpdateName(Update update) {
  switch (update) {
    case Update::kExchange: return "exchange";
    case Update::kAdd: return "fetch_add";
    case Update::kSubtract: return "fetch_sub";
    case Update::kOr: return "fetch_or";
    case Update::kAnd: return "fetch_and";
  }
  return "?";
}

std::uint64_t Truncated(std::uint64_t value, unsigned bytes) {
  return bytes == 8 ? value : value & ((std::uint64_t{1} << (8 * bytes)) - 1);
}

}  // namespace

Machine* Machine::running_ = nullptr;

Machine::Machine(Scenario& scenario)
    : scenario_(scenario),
      scheduler_(choices_, [this](unsigned thread) { Died(thread); }, [this] { Rested(); }),
      kernel_(scheduler_, memory_) {}

const std::string& Machine::Execute() {
  failure_.clear();
  choices_.BeginExecution();
  scheduler_.Reset();
  kernel_.Reset();
  memory_.Reset();
  races_.Reset();
  now_ns_ = 0;
  detects_races_ = true;
  try {
    scenario_.Start(*this);
    running_ = this;
    scheduler_.Run();
    running_ = nullptr;
    if (scheduler_.ran_out_of_steps() && failure_.empty()) failure_ = "no progress: the threads run for ever";
    if (failure_.empty()) scenario_.Finish(*this);
  } catch (const Stopped&) {
    running_ = nullptr;
  }
  return failure_;
}

bool Machine::TakeNews() { return std::exchange(has_news_, false); }

void Machine::Fail(const std::string& what) {
  if (failure_.empty()) failure_ = what;
  scheduler_.Stop();
  throw Stopped{};  // only where no thread runs: a stopped thread has not come back
}

void Machine::Say(const std::string& text) {
  if (!trace_.is_on()) return;
  const bool in_thread = scheduler_.is_in_thread();
  trace_.Note(in_thread ? scheduler_.thread(me()).name : "", in_thread ? scheduler_.thread(me()).steps : 0, text);
}

void Machine::Note(const void* word, const char* what, std::memory_order order, const std::string& values) {
  Say(trace_.names().NameOf(word) + '.' + what + ' ' + OrderName(order) + "  " + values);
}

void Machine::Died(unsigned thread) {
  if (trace_.is_on()) trace_.Note(scheduler_.thread(thread).name, scheduler_.thread(thread).steps, "is killed");
  kernel_.ReleaseLocksOf(thread);
}

void Machine::Rested() {
  // The hook looks at memory as it is, not through the eyes of a thread.
  running_ = nullptr;
  Say("-- at rest: nothing happens until a sleeper's time is up --");
  scenario_.Rest(*this);
  running_ = this;
}

Location& Machine::Access(const void* word, unsigned bytes, bool writes) {
  Location* location = memory_.Find(word, bytes);
  if (location == nullptr) Fail("the model has too many locations");
  has_news_ |= memory_.NoteAccess(*location, me(), writes);
  scheduler_.Step(location->is_shared());
  return *location;
}

void Machine::Watch(const void* word) {
  if (!memory_.Watch(word)) Fail("the model has too many locations");
}

void Machine::Tell(const Location& location, std::uint64_t old) {
  if (!location.is_watched) return;
  running_ = nullptr;  // as in Rested
  scenario_.Changed(*this, location.address, old, RawLoad(location.address, location.bytes));
  running_ = this;
}

std::uint64_t Machine::Load(const void* word, unsigned bytes, std::memory_order order) {
  Location& location = Access(word, bytes, false);
  unsigned back = 0;
  if (choices_.may_read_older()) {
    const unsigned older = memory_.OlderReadable(location, me(), order, choices_.bounds().depth);
    if (older > 0) {
      Option options[kKept];
      for (unsigned i = 0; i <= older; ++i) options[i] = {Action::kOlder, static_cast<std::uint8_t>(i)};
      back = choices_.Choose(me(), scheduler_.thread(me()).steps, options, older + 1).argument;
    }
  }
  const std::uint64_t value = memory_.Read(location, me(), back, order);
  if (trace_.is_on()) {
    Note(word, "load", order,
         "= " + Value(word, value) + (back > 0 ? "   (old: the newest is " + Value(word, location.newest().value) + ")" : ""));
  }
  return value;
}

void Machine::Store(void* word, unsigned bytes, std::uint64_t value, std::memory_order order) {
  Location& location = Access(word, bytes, true);
  if (trace_.is_on()) Note(word, "store", order, Value(word, value));
  const std::uint64_t old = location.newest().value;
  if (!memory_.Write(location, me(), value, order)) Fail("the model stores too often to one location");
  Tell(location, old);
}

std::uint64_t Machine::Change(void* word, unsigned bytes, Update update, std::uint64_t operand, std::memory_order order) {
  Location& location = Access(word, bytes, true);
  const std::uint64_t old = location.newest().value;
  const std::uint64_t changed = Truncated(Updated(update, old, operand), bytes);
  if (trace_.is_on()) Note(word, UpdateName(update), order, Value(word, old) + " -> " + Value(word, changed));
  if (!memory_.ReadAndWrite(location, me(), changed, order)) Fail("the model stores too often to one location");
  Tell(location, old);
  return old;
}

bool Machine::CompareExchange(void* word, unsigned bytes, std::uint64_t& expected, std::uint64_t desired,
                              std::memory_order success, std::memory_order failure) {
  Location& location = Access(word, bytes, true);
  const std::uint64_t old = location.newest().value;
  const bool is_equal = old == expected;
  if (trace_.is_on()) {
    Note(word, "cas", is_equal ? success : failure,
         Value(word, expected) + " -> " + Value(word, desired) + (is_equal ? "  done" : "  fails, it is " + Value(word, old)));
  }
  if (is_equal) {
    if (!memory_.ReadAndWrite(location, me(), desired, success)) Fail("the model stores too often to one location");
    Tell(location, old);
  } else {
    memory_.Read(location, me(), 0, failure);
  }
  expected = old;
  return is_equal;
}

void Machine::Fence() {
  scheduler_.Step(true);
  if (trace_.is_on()) Say("fence seq_cst");
  memory_.Fence(me());
}

void Machine::Raced(RaceDetector::Verdict verdict, const void* where, const char* what) {
  if (verdict == RaceDetector::Verdict::kOrdered || !detects_races_) return;
  if (verdict == RaceDetector::Verdict::kFull) Fail("the model touches too much plain memory");
  Fail(std::string("data race: ") + scheduler_.thread(me()).name + ' ' + what + ' ' + trace_.names().NameOf(where));
}

void Machine::PlainRead(const void* where, std::size_t bytes) {
  if (trace_.is_on()) Say("reads " + trace_.names().NameOf(where));
  Raced(races_.Read(where, bytes, me(), memory_.current(me()).clocks), where, "reads");
}

void Machine::PlainWrite(const void* where, std::size_t bytes) {
  if (trace_.is_on()) Say("writes " + trace_.names().NameOf(where));
  Raced(races_.Write(where, bytes, me(), memory_.current(me()).clocks), where, "writes");
}

void Machine::Yield() {
  now_ns_ += kYieldNs;
  scheduler_.Yield();
}

WakeReason Machine::FutexWait(const void* word, std::uint32_t expected, std::int64_t timeout_ns) {
  // The kernel compares under the lock that a waker takes, after the waker's store: it sees the newest value.
  Location& location = Access(word, 4, false);
  if (location.newest().value != expected) {
    if (trace_.is_on()) Say("futex wait on " + trace_.names().NameOf(word) + ": the word has changed");
    return WakeReason::kWoken;
  }
  return SleepOn(word, timeout_ns);
}

bool Machine::FutexWaitMany(const Term* terms, unsigned count, std::int64_t timeout_ns) {
  if (!kernel_.can_sleep_on_many()) return false;
  Check(count <= kMaxSleepKeys, "more words are slept on than the machine has room for");
  const void* words[kMaxSleepKeys] = {};
  Location* locations[kMaxSleepKeys] = {};
  for (unsigned i = 0; i < count; ++i) {
    words[i] = terms[i].word;
    locations[i] = &Access(terms[i].word, 4, false);
  }
  // The kernel compares and queues word by word. A change of one that is queued already is followed by its wake, which ends
  // the sleep as a comparison at the last one would: so all are compared there.
  for (unsigned i = 0; i < count; ++i) {
    if (locations[i]->newest().value == terms[i].expected) continue;
    if (trace_.is_on()) Say("futex wait on several: " + trace_.names().NameOf(terms[i].word) + " has changed");
    return true;
  }
  SleepOn(words, count, timeout_ns);
  return true;
}

WakeReason Machine::SleepOn(const void* const* keys, unsigned count, std::int64_t timeout_ns) {
  const bool is_bounded = timeout_ns <= kLongestBoundedSleepNs;
  if (trace_.is_on()) {
    std::string names;
    for (unsigned i = 0; i < count; ++i) names += (i == 0 ? "" : ", ") + trace_.names().NameOf(keys[i]);
    Say("sleeps on " + names + (is_bounded ? "" : " for ever"));
  }
  const WakeReason reason = scheduler_.Sleep(keys, count, is_bounded);
  if (reason == WakeReason::kTimedOut) {
    now_ns_ += timeout_ns;
    for (unsigned thread = 0; thread < scheduler_.count(); ++thread) memory_.SeeEverything(thread);
  }
  if (trace_.is_on()) Say(reason == WakeReason::kTimedOut ? "its time is up" : "is woken");
  return reason;
}

void Machine::FutexWake(const void* word, unsigned most) {
  scheduler_.Step(true);
  const unsigned woken = scheduler_.Wake(word, most);
  if (trace_.is_on()) Say("futex wake on " + trace_.names().NameOf(word) + ": " + std::to_string(woken) + " woken");
}

void Machine::PassCrashPoint(const char* name) {
  if (trace_.is_on()) Say(std::string("passes ") + name);
  if (scenario_.DiesAt(*this, name)) scheduler_.Kill(me());
}

void Machine::RegisterForBarrier() {
  if (scheduler_.thread(me()).is_registered_for_barrier) return;  // nor does the kernel do anything then
  // The kernel fences before it answers: a barrier that did not reach this thread came before all that it does from here.
  Fence();
  scheduler_.thread(me()).is_registered_for_barrier = true;
}

bool Machine::BarrierAll() {
  if (!kernel_.can_issue_barrier()) return false;
  Fence();
  // Each processor is interrupted at a moment of its own.
  for (unsigned other = 0; other < scheduler_.count(); ++other) {
    if (other == me() || !scheduler_.thread(other).is_registered_for_barrier) continue;
    scheduler_.Step(true);
    if (scheduler_.thread(other).state == ThreadState::kKilled) continue;
    if (trace_.is_on()) Say("membarrier: fence in " + scheduler_.thread(other).name);
    memory_.Fence(other);
  }
  Fence();
  return true;
}

bool Machine::TryLock(int file, std::uint64_t byte) {
  scheduler_.Step(true, true);
  const bool is_mine = kernel_.TryLock(file, byte, me());
  if (trace_.is_on()) Say("locks byte " + std::to_string(byte) + (is_mine ? "" : ": held by another"));
  return is_mine;
}

void Machine::Unlock(int file, std::uint64_t byte) {
  scheduler_.Step(true);
  if (trace_.is_on()) Say("unlocks byte " + std::to_string(byte));
  kernel_.Unlock(file, byte);
}

bool Machine::IsLockedByAnother(int file, std::uint64_t byte) {
  scheduler_.Step(true, true);
  const bool is_locked = kernel_.IsLockedByAnother(file, byte);
  if (trace_.is_on()) Say("byte " + std::to_string(byte) + (is_locked ? " is locked" : " is free"));
  return is_locked;
}

void Machine::CloseLocksOf(unsigned thread) {
  scheduler_.Step(true, true);
  if (trace_.is_on()) Say("the locks of " + scheduler_.thread(thread).name + " fall, though it lives");
  kernel_.CloseLocksOf(thread, me());
}

std::int64_t Machine::NowNs() { return now_ns_ += 1000; }

}  // namespace shmcomm::sched
