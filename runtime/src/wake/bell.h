// SPDX-License-Identifier: Apache-2.0
// Sleeping until something is published, and waking who sleeps. Knows words, not rings: what "available" means is told
// by the caller. Protocol: runtime/doc/ring_protocol.md, "Wait".
#pragma once

#include <cstdint>

#include "base/atomic.h"
#include "base/compiler.h"
#include "segment/layout.h"
#include "wake/wake_file.h"

namespace shmcomm::wake {

/// How the ringing side orders its commit before its look at `armed`. `kFence`: by its own fence. `kFenceAfterRmw`: the
/// same after a commit by compare-and-swap, which costs nothing more on some processors. `kAsymmetric`: the sleeper's
/// membarrier does it, and publishing costs no fence; only for processes that registered for it.
enum class Ordering : std::uint8_t { kFence, kFenceAfterRmw, kAsymmetric };

/// What a sleeper listens with, as a bit of `armed`: the bell, or the wake file behind a descriptor (wake/wake_file.h).
enum class Ear : std::uint32_t { kBell = 1, kDescriptor = 2 };

/// The longest sleep without a second look (I8): what a publisher that dies between commit and wake may cost.
inline constexpr std::int64_t kMaxSleepNs = 100'000'000;

/// kMaxSleepNs less up to a fifth, so that many sleepers do not wake in step. `state` is the caller's own.
std::int64_t JitteredSleepNs(std::uint32_t& state);

/// The publisher's end. `word` lies in the ring file, `line` in the readers file.
class Ringer {
 public:
  /// `files` reaches readers that are watched through a descriptor; it outlives the ringer.
  Ringer(base::Atomic<std::uint32_t>& word, layout::WakeLine& line, Ordering ordering, WakeFileRinger* files = nullptr)
      : word_(&word), line_(&line), files_(files), ordering_(ordering) {}

  /// Called after every commit. A system call only if somebody has armed the bell since the last ring.
  void Ring() {
    if (ordering_ == Ordering::kAsymmetric && line_->fenced.load(std::memory_order_relaxed) == 0) {
      // E4: the sleeper's membarrier is this side's fence; the compiler must not hoist the load above the commit.
      base::CompilerBarrier();
    } else if (ordering_ == Ordering::kFenceAfterRmw) {
      base::FenceAfterRmw();  // E4, as below
    } else {
      // E4 commit, this fence, armed read -> Sleeper: armed store, fence, re-check (H8).
      base::FenceSeqCst();
    }
    if (line_->armed.load(std::memory_order_relaxed) != 0) WakeArmed();
  }

 private:
  SHMCOMM_COLD void WakeArmed();

  base::Atomic<std::uint32_t>* word_;
  layout::WakeLine* line_;
  WakeFileRinger* files_;
  Ordering ordering_;
};

/// Wakes every sleeper without asking whether one has armed: a process that died may have taken the arming before its
/// wake (K10, I16).
void RingUnconditionally(base::Atomic<std::uint32_t>& word);

/// The subscriber's end. `word` may be mapped read-only.
class Sleeper {
 public:
  /// `asymmetric`: publishers of this channel may ring without a fence, so this side must issue a membarrier.
  Sleeper(const base::Atomic<std::uint32_t>& word, layout::WakeLine& line, bool asymmetric)
      : word_(&word), line_(&line), asymmetric_(asymmetric) {}

  /// Sleeps until the bell rings, `timeout_ns` (at most kMaxSleepNs, jittered) passes, or a signal arrives, unless
  /// `is_available()` says true once the bell is armed. Returns what the last call of it said before sleeping.
  template <class IsAvailable>
  bool SleepUnless(IsAvailable&& is_available, std::int64_t timeout_ns) {
    // The order is the protocol: word, arm, fence, look, sleep (H19: never arm before reading the word).
    const std::uint32_t seen = word_->load(std::memory_order_acquire);
    Arm();
    if (is_available()) return true;
    Sleep(seen, timeout_ns);
    return false;
  }

  // The same in steps, for who sleeps on several bells or through a descriptor: ArmAll in wake/several.h.
  const base::Atomic<std::uint32_t>& word() const { return *word_; }
  bool is_asymmetric() const { return asymmetric_; }
  void Arm(Ear ear) { line_->armed.fetch_or(static_cast<std::uint32_t>(ear), std::memory_order_relaxed); }
  void DemandFences() { line_->fenced.store(1, std::memory_order_relaxed); }

 private:
  void Arm();
  void Sleep(std::uint32_t seen, std::int64_t timeout_ns);

  const base::Atomic<std::uint32_t>* word_;
  layout::WakeLine* line_;
  bool asymmetric_;
  std::uint32_t jitter_ = 0;
};

}  // namespace shmcomm::wake
