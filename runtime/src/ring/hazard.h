// SPDX-License-Identifier: Apache-2.0
// Hazards: a reader writes the whole entry it is about to read into its own line; a publisher that wants a slot back
// scans them. One of the two always sees the other (E2).
#pragma once

#include <cstdint>

#include "ring/view.h"

namespace shmcomm::ring {

/// Marks `entry` in `hazard` and checks that the ring still names it. True: the slot stays as it is until Unprotect (I3).
bool Protect(base::Atomic<std::uint64_t>& hazard, const base::Atomic<std::uint64_t>& where, Entry entry);

/// Ends a mark. Callable from any thread of the owner, and by a cleaner that holds the owner's lock (I4).
void Unprotect(base::Atomic<std::uint64_t>& hazard);

/// Calls `held(Entry)` for every hazard of every active line, each loaded once, after one fence (I13). What is not
/// reported is held by nobody, provided that its entry had left the ring before the call.
template <class Held>
void ScanHazards(const ReadersView& readers, Held&& held) {
  // E2 overwrite or retract, then this fence, then the scan -> Protect: hazard store, fence, entry re-read.
  base::FenceSeqCst();
  const std::uint32_t words = layout::BitmapWords(readers.count);
  for (std::uint32_t word = 0; word < words; ++word) {
    // The fence above orders it: a bit set later belongs to a reader that cannot validate what has left the ring. E3
    // acquire <- ClearReaderLine's fetch_and: a reader whose bit is gone has left, and its hazards, which would have
    // ordered its last read before our next write, are not looked at.
    std::uint64_t bits = readers.active[word].load(std::memory_order_acquire);
    while (bits != 0) {
      const std::uint32_t line = word * 64 + static_cast<std::uint32_t>(__builtin_ctzll(bits));
      bits &= bits - 1;
      if (line >= readers.count) break;  // I9: a hostile bitmap must not lead outside the file
      for (base::Atomic<std::uint64_t>& hazard : readers.lines[line].hazards) {
        // E3 acquire <- Unprotect release: the reader's last read precedes our next write to the slot.
        const Entry entry{hazard.load(std::memory_order_acquire)};
        if (entry.bits != 0) held(entry);
      }
    }
  }
}

}  // namespace shmcomm::ring
