// SPDX-License-Identifier: Apache-2.0
#include "wake/turns.h"

#include <algorithm>

#include "base/crash_point.h"
#include "platform/os.h"
#include "wake/bell.h"

namespace shmcomm::wake {

void TurnRinger::WakeOne() {
  // relaxed: a hint who is next. Whatever it says, every line is asked once.
  const std::uint32_t turn = words_.wake->turn.load(std::memory_order_relaxed) % words_.count;
  if (!WakeOneOf(turn, words_.count)) WakeOneOf(0, turn);
}

bool TurnRinger::WakeOneOf(std::uint32_t begin, std::uint32_t end) {
  for (std::uint32_t line = begin; line < end; ++line) {
    const std::uint64_t idle = words_.idle[line / 64].load(std::memory_order_relaxed) >> (line % 64);
    if (idle == 0) {
      line |= 63;  // nobody in the rest of this word
    } else if ((idle & 1) != 0 && TakeBit(line)) {
      return true;
    }
  }
  return false;
}

bool TurnRinger::TakeBit(std::uint32_t line) {
  const std::uint64_t bit = std::uint64_t{1} << (line % 64);
  // acq_rel: one of several takes the bit, and no two wake the same sleeper for two jobs.
  if ((words_.idle[line / 64].fetch_and(~bit, std::memory_order_acq_rel) & bit) == 0) return false;
  SHMCOMM_CRASH_POINT("wake.turn.after_bit");
  words_.wake->turn.store(line + 1, std::memory_order_relaxed);
  RingUnconditionally(words_.lines[line].bell);
  if (files_ != nullptr) files_->Ring(line);
  return true;
}

void TurnSleeper::Arm() {
  const std::uint64_t bit = std::uint64_t{1} << (line_ % 64);
  words_.idle[line_ / 64].fetch_or(bit, std::memory_order_acq_rel);
  SHMCOMM_CRASH_POINT("wake.turn.after_arm");
}

void TurnSleeper::Disarm() {
  const std::uint64_t bit = std::uint64_t{1} << (line_ % 64);
  // acq_rel: whoever took the bit before us had made its job ready; the look after this sees it.
  words_.idle[line_ / 64].fetch_and(~bit, std::memory_order_acq_rel);
}

void TurnSleeper::Sleep(std::uint32_t seen, std::int64_t timeout_ns) {
  // E10 the word, acquire above <- RingUnconditionally release.
  platform::FutexWait(word(), seen, std::min(timeout_ns, JitteredSleepNs(jitter_)));
}

}  // namespace shmcomm::wake
