// SPDX-License-Identifier: Apache-2.0
// A publisher of a reliable channel waits for the reader that holds the gate, and only for that one: it sleeps on a word
// of the reader's own line, so a reader rings only when somebody waits for it. Protocol: runtime/doc/ring_protocol.md,
// "Blocked publisher".
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
  explicit RoomBell(layout::ReaderLine& line) : line_(&line) {}

  /// The reader's end: after it moved its cursor.
  void RingIfArmed() {
    // E8 cursor stored, this fence, arm read -> SleepUnless: arm stored, fence, cursor re-read.
    base::FenceSeqCst();
    if (line_->arm.load(std::memory_order_relaxed) != 0) RingArmed();
  }

  /// By whoever demotes, leaves or cleans: the reader that would have rung may be gone (K10).
  void RingAlways() { RingUnconditionally(line_->bell); }

  /// The publisher's end: sleeps at most `timeout_ns` and kMaxRoomSleepNs unless `has_changed()` says true once the bell
  /// is armed. A signal may end it early: whoever measures looks at the clock.
  template <class HasChanged>
  void SleepUnless(HasChanged&& has_changed, std::int64_t timeout_ns) {
    const std::uint32_t seen = line_->bell.load(std::memory_order_acquire);  // word first, then arm (H19)
    line_->arm.store(1, std::memory_order_relaxed);
    base::FenceSeqCst();  // E8
    if (has_changed()) return;
    platform::FutexWait(line_->bell, seen, std::min(timeout_ns, kMaxRoomSleepNs));
  }

 private:
  SHMCOMM_COLD void RingArmed();

  layout::ReaderLine* line_;
};

}  // namespace shmcomm::wake
