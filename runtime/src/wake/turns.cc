// SPDX-License-Identifier: Apache-2.0
#include "wake/turns.h"

#include <algorithm>

#include "base/crash_point.h"
#include "platform/os.h"
#include "wake/bell.h"

namespace shmcomm::wake {

void TurnRinger::WakeOne() {
  // Ends: a round more for each sleeper that woke by itself while we took its bit. Whoever gave way to it meanwhile sleeps
  // and has its bit set by now (E16).
  for (std::uint32_t round = 0; round <= words_.count; ++round) {
    // relaxed: a hint who is next. Whatever it says, every line is asked once.
    const std::uint32_t turn = words_.wake->turn.load(std::memory_order_relaxed) % words_.count;
    const Woken later = WakeOneOf(turn, words_.count);
    if (later == Woken::kOne) return;
    const Woken earlier = WakeOneOf(0, turn);
    if (earlier == Woken::kOne || (earlier == Woken::kNobody && later == Woken::kNobody)) return;
  }
}

TurnRinger::Woken TurnRinger::WakeOneOf(std::uint32_t begin, std::uint32_t end) {
  Woken woken = Woken::kNobody;
  for (std::uint32_t line = begin; line < end; ++line) {
    const std::uint64_t idle = words_.idle[line / 64].load(std::memory_order_relaxed) >> (line % 64);
    if (idle == 0) {
      line |= 63;  // nobody in the rest of this word
    } else if ((idle & 1) != 0) {
      if (TakeBit(line)) return Woken::kOne;
      woken = Woken::kLostOne;
    }
  }
  return woken;
}

bool TurnRinger::TakeBit(std::uint32_t line) {
  const std::uint64_t bit = std::uint64_t{1} << (line % 64);
  // Called before the idle bit goes, so that there is no moment in which a job seems to be nobody's. relaxed: the swap
  // of the idle bit orders it before the sleeper's own clearing, which follows the sleeper's swap of that bit.
  base::Atomic<std::uint64_t>& called = words_.wake->called[line / 64];
  called.fetch_or(bit, std::memory_order_relaxed);
  // acq_rel: one of several takes the bit, and no two wake the same sleeper for two jobs.
  if ((words_.idle[line / 64].fetch_and(~bit, std::memory_order_acq_rel) & bit) == 0) {
    called.fetch_and(~bit, std::memory_order_relaxed);  // another's call may go with it: that one only loses its turn
    base::FenceAfterRmw();  // E16 called bit cleared, this fence, idle read again
    return false;
  }
  SHMCOMM_CRASH_POINT("wake.turn.after_bit");
  words_.wake->turn.store(line + 1, std::memory_order_relaxed);
  RingUnconditionally(words_.lines[line].bell);
  if (files_ != nullptr) files_->Ring(line);
  return true;
}

void TurnSleeper::Arm() {
  HaveCome();  // who stands in the queue again has used its turn or found nothing
  words_.idle[line_ / 64].fetch_or(bit(), std::memory_order_acq_rel);
  SHMCOMM_CRASH_POINT("wake.turn.after_arm");
}

void TurnSleeper::Disarm() {
  // acq_rel: whoever took the bit before us had made its job ready; the look after this sees it.
  words_.idle[line_ / 64].fetch_and(~bit(), std::memory_order_acq_rel);
}

void TurnSleeper::EndTurnsOfOthers() {
  for (std::uint32_t word = 0; word < layout::BitmapWords(words_.count); ++word) {
    const std::uint64_t ours = word == line_ / 64 ? bit() : 0;
    words_.wake->called[word].fetch_and(ours, std::memory_order_relaxed);  // relaxed: a hint
  }
}

void TurnSleeper::Sleep(std::uint32_t seen, std::int64_t timeout_ns) {
  // E10 the word, acquire above <- RingUnconditionally release.
  platform::FutexWait(word(), seen, std::min(timeout_ns, JitteredSleepNs(jitter_)));
}

}  // namespace shmcomm::wake
