// SPDX-License-Identifier: Apache-2.0
// Waking one sleeper for each job, in turn, where any one of them may take it. A sleeper sets its bit and sleeps on a word
// of its own line; whoever wakes takes one bit. One bit a sleeper and not one flag: a bit is spent by one wake, says who is
// woken, and leaks nothing when its owner dies. Who is woken is marked as called until it has looked: who is awake anyway
// gives way to it. Protocol: runtime/doc/ring_protocol.md, "Wake one".
#pragma once

#include <cstdint>
#include <type_traits>

#include "base/atomic.h"
#include "base/compiler.h"
#include "segment/layout.h"
#include "wake/wake_file.h"

namespace shmcomm::wake {

/// The words in the readers file.
struct TurnWords {
  base::Atomic<std::uint64_t>* idle = nullptr;   // a bit a line
  layout::ReaderLine* lines = nullptr;
  layout::WakeLine* wake = nullptr;
  std::uint32_t count = 0;                       // lines
};

class TurnRinger {
 public:
  /// `files` reaches sleepers that are watched through a descriptor; it outlives the ringer.
  explicit TurnRinger(const TurnWords& words, WakeFileRinger* files = nullptr) : words_(words), files_(files) {}

  /// After a job was published: wakes one sleeper if there is any. The commit was a compare-and-swap.
  void RingOne() {
    base::FenceAfterRmw();  // E10 job ready, this fence, idle read -> TurnSleeper: idle bit, fence, look (H8)
    if (IsAnyIdle()) WakeOne();
  }

  /// Without a fence: by somebody whose own taking of a job tells that more lie there, to pass the wake on.
  bool IsAnyIdle() const {
    for (std::uint32_t word = 0; word < layout::BitmapWords(words_.count); ++word) {
      if (words_.idle[word].load(std::memory_order_relaxed) != 0) return true;
    }
    return false;
  }

  /// Wakes the next sleeper in turn.
  SHMCOMM_COLD void WakeOne();

 private:
  enum class Woken : std::uint8_t { kOne, kNobody, kLostOne };
  Woken WakeOneOf(std::uint32_t begin, std::uint32_t end);
  bool TakeBit(std::uint32_t line);

  TurnWords words_;
  WakeFileRinger* files_;
};

class TurnSleeper {
 public:
  /// `line` is the sleeper's own.
  TurnSleeper(const TurnWords& words, std::uint32_t line) : words_(words), line_(line), jitter_(line) {}

  /// Sleeps until it is this sleeper's turn, `timeout_ns` (at most kMaxSleepNs, jittered) passes, or a signal arrives, unless
  /// `is_available()` says true once the bit is set. Returns what that call said. Afterwards nobody spends a wake on us; one
  /// may have been, so look before going away (I17).
  template <class IsAvailable>
  bool SleepUnless(IsAvailable&& is_available, std::int64_t timeout_ns) {
    return SleepUnless(is_available, [timeout_ns] { return timeout_ns; });
  }
  /// The same where only the look tells how long the sleep may be: `timeout_ns()` is asked after it.
  template <class IsAvailable, class TimeoutNs, std::enable_if_t<std::is_invocable_v<TimeoutNs>, int> = 0>
  bool SleepUnless(IsAvailable&& is_available, TimeoutNs&& timeout_ns) {
    // The order is the protocol: word, bit, fence, look, sleep (H19: never the bit before reading the word).
    const std::uint32_t seen = word().load(std::memory_order_acquire);
    Arm();
    // E10 idle bit set, this fence, look -> TurnRinger: job ready, fence, idle read.
    base::FenceAfterRmw();
    const bool is_there = is_available();
    if (!is_there) Sleep(seen, timeout_ns());
    Disarm();
    return is_there;
  }

  /// How many others were woken and have not looked yet; none where we were. So many jobs are theirs for a while.
  std::uint32_t CalledBeforeUs() const {
    std::uint32_t called = 0;
    for (std::uint32_t word = 0; word < layout::BitmapWords(words_.count); ++word) {
      // E16 relaxed: idle bit set, fence, this read, where we are about to sleep. Elsewhere a hint.
      const std::uint64_t bits = words_.wake->called[word].load(std::memory_order_relaxed);
      if (bits == 0) continue;
      if (word == line_ / 64 && (bits & bit()) != 0) return 0;
      called += static_cast<std::uint32_t>(__builtin_popcountll(bits));
    }
    return called;
  }
  /// After a look for a job: our turn, if it was ours, is over. True if it was: whoever gave way to us may sleep beside
  /// another job, so the caller wakes one if there is any.
  bool HaveCome() {
    // relaxed: set by whoever woke us, before the wake.
    if ((called().load(std::memory_order_relaxed) & bit()) == 0) return false;
    called().fetch_and(~bit(), std::memory_order_relaxed);
    // E16 called bit cleared, this fence, idle read -> CalledBeforeUs: idle bit set, fence, called read.
    base::FenceAfterRmw();
    return true;
  }
  /// Those who were woken and did not come have lost their turns.
  SHMCOMM_COLD void EndTurnsOfOthers();

  // The same in steps, for who sleeps on several bells or through a descriptor: ArmAll in wake/several.h.
  const base::Atomic<std::uint32_t>& word() const { return words_.lines[line_].bell; }
  void Arm();
  void Disarm();

 private:
  void Sleep(std::uint32_t seen, std::int64_t timeout_ns);
  std::uint64_t bit() const { return std::uint64_t{1} << (line_ % 64); }
  base::Atomic<std::uint64_t>& called() const { return words_.wake->called[line_ / 64]; }

  TurnWords words_;
  std::uint32_t line_;
  std::uint32_t jitter_;
};

}  // namespace shmcomm::wake
