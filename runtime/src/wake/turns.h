// SPDX-License-Identifier: Apache-2.0
// Waking one sleeper for each job, in turn, where any one of them may take it. A sleeper sets its bit and sleeps on a word
// of its own line; whoever wakes takes one bit. One bit a sleeper and not one flag: a bit is spent by one wake, says who is
// woken, and leaks nothing when its owner dies. Protocol: runtime/doc/ring_protocol.md, "Wake one".
#pragma once

#include <cstdint>

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
  bool WakeOneOf(std::uint32_t begin, std::uint32_t end);
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
    // The order is the protocol: word, bit, fence, look, sleep (H19: never the bit before reading the word).
    const std::uint32_t seen = word().load(std::memory_order_acquire);
    Arm();
    // E10 idle bit set, this fence, look -> TurnRinger: job ready, fence, idle read.
    base::FenceAfterRmw();
    const bool is_there = is_available();
    if (!is_there) Sleep(seen, timeout_ns);
    Disarm();
    return is_there;
  }

  // The same in steps, for who sleeps on several bells or through a descriptor: ArmAll in wake/several.h.
  const base::Atomic<std::uint32_t>& word() const { return words_.lines[line_].bell; }
  void Arm();
  void Disarm();

 private:
  void Sleep(std::uint32_t seen, std::int64_t timeout_ns);

  TurnWords words_;
  std::uint32_t line_;
  std::uint32_t jitter_;
};

}  // namespace shmcomm::wake
