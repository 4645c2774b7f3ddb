// SPDX-License-Identifier: Apache-2.0
#include "ring/gate.h"

namespace shmcomm::ring {
namespace {

/// A cursor has 48 bits; it is within half of that of any head it can be compared with.
Sequence Widen(std::uint64_t cursor, Sequence near) {
  constexpr std::uint32_t kShift = 16;
  const auto difference = static_cast<std::int64_t>((cursor - near) << kShift) >> kShift;
  return near + static_cast<std::uint64_t>(difference);
}

}  // namespace

Sequence LeastCursor(const ReadersView& readers, Sequence head, SlowestReader* slowest, Counted counted) {
  // E6 head loaded by the caller, this fence, active and cursors -> Reader::Join and Reader::Rejoin: state stored, fence,
  // head loaded again. A reader this scan does not see has a floor at or above `head` (K2, K3, I10).
  base::FenceSeqCst();
  Sequence least = head;
  for (std::uint32_t word = 0; word < layout::BitmapWords(readers.count); ++word) {
    std::uint64_t bits = readers.active[word].load(std::memory_order_relaxed);  // relaxed: ordered by the fence (E6)
    while (bits != 0) {
      const std::uint32_t line = word * 64 + static_cast<std::uint32_t>(__builtin_ctzll(bits));
      bits &= bits - 1;
      if (line >= readers.count) break;  // I9
      // E7 acquire <- Reader::Advance release: the reader's look at the entry precedes our overwriting it.
      const CursorWord seen{readers.lines[line].cursor.load(std::memory_order_acquire)};
      const bool counts = seen.state() == ReaderState::kActive ||
                          (seen.state() == ReaderState::kLossy && counted == Counted::kActiveAndLossy);
      if (!counts) continue;
      const Sequence cursor = Widen(seen.cursor(), head);
      if (Distance(cursor, least) <= 0) continue;
      least = cursor;
      if (slowest != nullptr) *slowest = SlowestReader{line, seen, cursor};
    }
  }
  return least;
}

bool Gate::ScanForRoom(Sequence head) {
  least_ = LeastCursor(readers_, head, &slowest_);
  return Distance(least_, head) < static_cast<std::int64_t>(capacity_);
}

bool Demote(const ReadersView& readers, std::uint32_t line, CursorWord seen) {
  std::uint64_t expected = seen.bits;
  const CursorWord demoted = CursorWord::Make(seen.cursor(), seen.generation(), ReaderState::kDemoted);
  // Exactly the word found stuck: a reader that moved meanwhile is not stuck (K4).
  const bool is_done = readers.lines[line].cursor.compare_exchange_strong(expected, demoted.bits, std::memory_order_acq_rel,
                                                                          std::memory_order_relaxed);
  if (is_done) base::FenceSeqCst();  // before the caller rings the line (E8)
  return is_done;
}

}  // namespace shmcomm::ring
