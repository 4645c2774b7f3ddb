// SPDX-License-Identifier: Apache-2.0
#include "wake/bell.h"

#include <algorithm>

#include "base/crash_point.h"
#include "platform/os.h"

namespace shmcomm::wake {
namespace {

constexpr auto kSleepersArmed = static_cast<std::uint32_t>(Ear::kBell);
constexpr auto kDescriptorsArmed = static_cast<std::uint32_t>(Ear::kDescriptor);

}  // namespace

std::int64_t JitteredSleepNs(std::uint32_t& state) {
  state = state * 1664525u + 1013904223u;
  return kMaxSleepNs - static_cast<std::int64_t>(state >> 8) % (kMaxSleepNs / 5);
}

void Ringer::WakeArmed() {
  // acq_rel: taking the arming is one step among all ringers; a flag, not a count, so a dead sleeper leaks nothing (H9).
  const std::uint32_t armed = line_->armed.exchange(0, std::memory_order_acq_rel);
  SHMCOMM_CRASH_POINT("wake.ring.after_disarm");
  if ((armed & kSleepersArmed) != 0) RingUnconditionally(*word_);
  if ((armed & kDescriptorsArmed) != 0 && files_ != nullptr) files_->RingAll();
}

void RingUnconditionally(base::Atomic<std::uint32_t>& word) {
  // E4 release -> Sleeper's acquire of the word: whoever sees the new value sees the message.
  word.fetch_add(1, std::memory_order_release);
  SHMCOMM_CRASH_POINT("wake.ring.after_word");
  platform::FutexWakeAll(word);
}

void Sleeper::Arm() {
  line_->armed.fetch_or(kSleepersArmed, std::memory_order_relaxed);  // ordered by what follows
  if (asymmetric_) {
    // E4 armed store, membarrier, re-check -> Ringer: commit, compiler barrier, armed read.
    if (platform::BarrierAll()) return;
    // From now on publishers must fence for us; a wake lost before they see it costs one bounded sleep.
    line_->fenced.store(1, std::memory_order_relaxed);
  }
  // E4 armed store, this fence, re-check -> Ringer: commit, fence, armed read.
  base::FenceSeqCst();
}

void Sleeper::Sleep(std::uint32_t seen, std::int64_t timeout_ns) {
  platform::FutexWait(*word_, seen, std::min(timeout_ns, JitteredSleepNs(jitter_)));
}

}  // namespace shmcomm::wake
