// SPDX-License-Identifier: Apache-2.0
// Sleeping until something is published, and waking who sleeps. Knows words, not rings: what "available" means is told
// by the caller. Protocol: runtime/doc/ring_protocol.md, "Ring and wait".
#pragma once

#include <cstdint>

#include "base/atomic.h"
#include "base/compiler.h"
#include "segment/layout.h"
#include "wake/fencing.h"
#include "wake/wake_file.h"

namespace shmcomm::wake {

/// How the ringing side orders its commit before its look at `armed`. `kFence`: by its own fence. `kFenceAfterRmw`: the
/// same after a commit by compare-and-swap, which costs nothing more on some processors. `kAsymmetric`: by its own fence
/// while sleepers ask for it (wake/fencing.h), else the sleeper's membarrier does it and publishing costs no fence; only for
/// processes that registered for it.
enum class Ordering : std::uint8_t { kFence, kFenceAfterRmw, kAsymmetric };

/// What a sleeper listens with, as a bit of `armed`: the bell, or the wake file behind a descriptor (wake/wake_file.h).
enum class Ear : std::uint32_t { kBell = 1, kDescriptor = 2 };

/// The longest sleep without a second look (I8): what a publisher that dies between commit and wake may cost.
inline constexpr std::int64_t kMaxSleepNs = 100'000'000;

/// kMaxSleepNs less up to a fifth, so that many sleepers do not wake in step. `state` is the caller's own.
std::int64_t JitteredSleepNs(std::uint32_t& state);

/// The publisher's end.
class Ringer {
 public:
  /// `files` reaches readers that are watched through a descriptor; it outlives the ringer.
  /// `most_quiet`: the fences for nobody after which an asymmetric ringer leaves them out.
  Ringer(layout::WakeLine& line, Ordering ordering, WakeFileRinger* files = nullptr, std::uint32_t most_quiet = kMostQuiet)
      : line_(&line), files_(files), most_quiet_(most_quiet), ordering_(ordering) {}

  /// Called after every commit. A system call only if somebody has armed the bell since the last ring.
  void Ring() {
    if (ordering_ == Ordering::kAsymmetric) {
      // E4, E17: the sleeper's membarrier is this side's fence; the compiler must hoist neither load above the commit.
      base::CompilerBarrier();
      if ((line_->fenced.load(std::memory_order_relaxed) & FenceBits::kAny) != 0) return RingFenced();
    } else if (ordering_ == Ordering::kFenceAfterRmw) {
      base::FenceAfterRmw();  // E4, as below
    } else {
      // E4 commit, this fence, armed read -> Sleeper: armed store, fence, re-check (H8).
      base::FenceSeqCst();
    }
    if (line_->armed.load(std::memory_order_relaxed) != 0) WakeArmed();
  }

 private:
  // A membarrier for as many messages is nothing; more would leave the fence to channels that no longer sleep.
  static constexpr std::uint32_t kMostQuiet = 1024;

  SHMCOMM_COLD void RingFenced();
  void Withdraw();
  SHMCOMM_COLD void WakeArmed();

  layout::WakeLine* line_;
  WakeFileRinger* files_;
  std::uint32_t most_quiet_;
  std::uint32_t quiet_ = 0;  // fences since the last sleeper
  Ordering ordering_;
};

/// Wakes every sleeper without asking whether one has armed: a process that died may have taken the arming before its
/// wake (K10, I16).
void RingUnconditionally(base::Atomic<std::uint32_t>& word);
/// The same with both ears: those who sleep on the line's bell, and every wake file.
void RingAllUnconditionally(layout::WakeLine& line, const WakeFileTable& files);

/// The subscriber's end.
class Sleeper {
 public:
  /// `is_asymmetric`: publishers of this channel may ring without a fence unless this side asks for it.
  Sleeper(layout::WakeLine& line, bool is_asymmetric) : line_(&line), fences_(line, is_asymmetric) {}

  /// Sleeps until the bell rings, `timeout_ns` (at most kMaxSleepNs, jittered) passes, or a signal arrives, unless
  /// `is_available()` says true once the bell is armed. Returns what the last call of it said before sleeping.
  template <class IsAvailable>
  bool SleepUnless(IsAvailable&& is_available, std::int64_t timeout_ns) {
    // The order is the protocol: word, arm, fence, look, sleep (H19: never arm before reading the word).
    const std::uint32_t seen = line_->bell.load(std::memory_order_acquire);
    Arm();
    if (is_available()) return true;
    Sleep(seen, timeout_ns);
    return false;
  }

  // The same in steps, for who sleeps on several bells or through a descriptor: ArmAll in wake/several.h.
  const base::Atomic<std::uint32_t>& word() const { return line_->bell; }
  void Arm(Ear ear) {
    // E15 release -> Ringer::WakeArmed acquire: who takes the arming finds the wake file's bit, though its own fence was before.
    line_->armed.fetch_or(static_cast<std::uint32_t>(ear), std::memory_order_release);
  }
  FenceRequest* fences() { return &fences_; }

 private:
  void Arm();
  void Sleep(std::uint32_t seen, std::int64_t timeout_ns);

  layout::WakeLine* line_;
  FenceRequest fences_;
  std::uint32_t jitter_ = 0;
};

}  // namespace shmcomm::wake
