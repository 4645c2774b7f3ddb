// SPDX-License-Identifier: Apache-2.0
// Reliable channels: no entry is overwritten before every reliable reader has passed it. A publisher asks the gate
// before each commit; the gate scans the readers' cursors only when its last answer no longer suffices, once in a ring
// while readers keep up. Protocol: runtime/doc/ring_protocol.md, "Reliable".
#pragma once

#include <cstdint>

#include "base/compiler.h"
#include "ring/view.h"

namespace shmcomm::ring {

/// The reader that held the gate when it was last found shut.
struct SlowestReader {
  std::uint32_t line = 0;
  CursorWord seen;                 // its whole word: whoever compares with it sees any change
  Sequence cursor = 0;
};

/// Whose cursors are looked at: those of the readers that hold publishers back, or of LOSSY ones as well.
enum class Counted : std::uint8_t { kActive, kActiveAndLossy };

/// The least cursor among the counted readers, and `head` where there is none further back (I10).
Sequence LeastCursor(const ReadersView& readers, Sequence head, SlowestReader* slowest, Counted counted = Counted::kActive);

class Gate {
 public:
  /// `capacity` unread messages are allowed, 1 to N; 0 makes a gate that is always open (best_effort).
  Gate(const RingView& ring, const ReadersView& readers, std::uint32_t capacity)
      : readers_(readers), capacity_(capacity), least_(ring.first - ring.size) {}

  bool is_always_open() const { return capacity_ == 0; }

  /// True when `head` may be published: it overwrites what every reliable reader has passed.
  bool HasRoom(Sequence head) {
    return capacity_ == 0 || Distance(least_, head) < static_cast<std::int64_t>(capacity_) || ScanForRoom(head);
  }

  /// Valid after HasRoom said false.
  const SlowestReader& slowest() const { return slowest_; }

 private:
  SHMCOMM_COLD bool ScanForRoom(Sequence head);

  ReadersView readers_;
  std::uint32_t capacity_;
  Sequence least_;                 // below or at every cursor that counts, as of the last scan (I10)
  SlowestReader slowest_;
};

/// Takes the cursor, never the hazards, from a reader found stuck at exactly `seen` (I11). False when it moved after all.
bool Demote(const ReadersView& readers, std::uint32_t line, CursorWord seen);

}  // namespace shmcomm::ring
