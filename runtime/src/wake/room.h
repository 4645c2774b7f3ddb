// SPDX-License-Identifier: Apache-2.0
// Waiting for room. A publisher of a reliable channel waits for the reader that holds the gate, and only for that one: it
// sleeps on a word of the reader's own line, so a reader rings only when somebody waits for it. Where messages are claimed,
// any reader makes room, and publishers wait on a word for all. Protocol: runtime/doc/ring_protocol.md, "Reliable", "Claim".
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/atomic.h"
#include "base/compiler.h"
#include "platform/os.h"
#include "segment/layout.h"
#include "wake/bell.h"

namespace shmcomm::wake {

/// No longer without a look at whether the reader has died: what a dead reader may cost its publishers.
inline constexpr std::int64_t kMaxRoomSleepNs = 20'000'000;

class RoomBell {
 public:
  explicit RoomBell(layout::ReaderLine& line) : arm_(&line.arm), bell_(&line.bell) {}
  explicit RoomBell(layout::WakeLine& line) : arm_(&line.space_armed), bell_(&line.space_bell) {}

  /// The reader's end: after it moved its cursor.
  void RingIfArmed() {
    // E8 cursor stored, this fence, arm read -> SleepUnless: arm stored, fence, cursor re-read.
    base::FenceSeqCst();
    if (arm_->load(std::memory_order_relaxed) != 0) RingArmed();
  }

  /// The same after it moved its cursor, or ended a claim, by a compare-and-swap.
  void RingIfArmedAfterRmw() {
    base::FenceAfterRmw();  // E8 claim ended, this fence, arm read
    if (arm_->load(std::memory_order_relaxed) != 0) RingArmed();
  }

  /// By whoever demotes, sweeps, leaves or cleans: the reader that would have rung may be gone (K10).
  void RingAlways() { RingUnconditionally(*bell_); }

  /// The publisher's end: sleeps at most `timeout_ns` and kMaxRoomSleepNs unless `has_changed()` says true once the bell
  /// is armed. A signal may end it early: whoever measures looks at the clock.
  template <class HasChanged>
  void SleepUnless(HasChanged&& has_changed, std::int64_t timeout_ns) {
    const std::uint32_t seen = bell_->load(std::memory_order_acquire);  // word first, then arm (H19)
    arm_->store(1, std::memory_order_relaxed);
    base::FenceSeqCst();  // E8
    if (has_changed()) return;
    platform::FutexWait(*bell_, seen, std::min(timeout_ns, kMaxRoomSleepNs));
  }

 private:
  SHMCOMM_COLD void RingArmed();

  base::Atomic<std::uint32_t>* arm_;
  base::Atomic<std::uint32_t>* bell_;
};

}  // namespace shmcomm::wake
