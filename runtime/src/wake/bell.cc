// SPDX-License-Identifier: Apache-2.0
#include "wake/bell.h"

#include <algorithm>

#include "base/crash_point.h"
#include "platform/os.h"
#include "wake/several.h"

namespace shmcomm::wake {
namespace {

constexpr auto kSleepersArmed = static_cast<std::uint32_t>(Ear::kBell);
constexpr auto kDescriptorsArmed = static_cast<std::uint32_t>(Ear::kDescriptor);

}  // namespace

std::int64_t JitteredSleepNs(std::uint32_t& state) {
  state = state * 1664525u + 1013904223u;
  return kMaxSleepNs - static_cast<std::int64_t>(state >> 8) % (kMaxSleepNs / 5);
}

void Ringer::RingFenced() {
  // E4 commit, this fence, armed read -> Sleeper: armed store, fence, re-check (H8).
  base::FenceSeqCst();
  if (line_->armed.load(std::memory_order_relaxed) != 0) {
    quiet_ = 0;
    WakeArmed();
  } else if (++quiet_ >= most_quiet_) {
    Withdraw();
  }
}

void Ringer::Withdraw() {
  quiet_ = 0;
  std::uint32_t fenced = line_->fenced.load(std::memory_order_relaxed);
  if ((fenced & FenceBits::kForEver) != 0) return;
  const std::uint32_t withdrawn = (fenced & ~FenceBits::kAny) + FenceBits::kWithdrawal;
  if (!line_->fenced.compare_exchange_strong(fenced, withdrawn, std::memory_order_relaxed, std::memory_order_relaxed)) return;
  SHMCOMM_CRASH_POINT("wake.ring.after_withdrawal");
  // E17 withdrawal, this fence, later armed reads -> FenceRequest: armed store, fence, read of the grant. Whoever still relied
  // on the grant is seen armed from here on.
  base::FenceSeqCst();
}

void Ringer::WakeArmed() {
  // acq_rel: taking the arming is one step among all ringers; a flag, not a count, so a dead sleeper leaks nothing (H9).
  // E15 acquire <- Sleeper::Arm release.
  const std::uint32_t armed = line_->armed.exchange(0, std::memory_order_acq_rel);
  SHMCOMM_CRASH_POINT("wake.ring.after_disarm");
  if ((armed & kSleepersArmed) != 0) RingUnconditionally(line_->bell);
  if ((armed & kDescriptorsArmed) != 0 && files_ != nullptr) files_->RingAll();
}

void RingUnconditionally(base::Atomic<std::uint32_t>& word) {
  // E4 release -> Sleeper's acquire of the word: whoever sees the new value sees the message.
  word.fetch_add(1, std::memory_order_release);
  SHMCOMM_CRASH_POINT("wake.ring.after_word");
  platform::FutexWakeAll(word);
}

void RingAllUnconditionally(layout::WakeLine& line, const WakeFileTable& files) {
  RingUnconditionally(line.bell);
  // E4 what is told of, this fence, the bits read -> Polled: bit and armed stored, fence, look. Without it one that is just
  // making its wake file is passed by.
  base::FenceSeqCst();
  WakeFileRinger(files).RingAll();
}

void Sleeper::Arm() {
  Sleeper* const one[] = {this};
  ArmAll(one, one + 1, Ear::kBell);
}

void Sleeper::Sleep(std::uint32_t seen, std::int64_t timeout_ns) {
  platform::FutexWait(line_->bell, seen, std::min(timeout_ns, JitteredSleepNs(jitter_)));
}

}  // namespace shmcomm::wake
