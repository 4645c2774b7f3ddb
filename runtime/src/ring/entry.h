// SPDX-License-Identifier: Apache-2.0
// The words of the ring: an entry names a message, a cursor word a reader's place. Both are compared and swapped whole.
#pragma once

#include <cstdint>

#include "segment/slots.h"

// Model builds shrink the lap so that its wrap is within reach.
#if !defined(SHMCOMM_LAP_BITS)
#define SHMCOMM_LAP_BITS 40
#endif

namespace shmcomm::ring {

using segment::SlotIndex;

/// A message's number in its channel. Positions are compared by signed difference: a cursor may be ahead of a stale head.
using Sequence = std::uint64_t;
constexpr std::int64_t Distance(Sequence from, Sequence to) { return static_cast<std::int64_t>(to - from); }

inline constexpr std::uint32_t kLapBits = SHMCOMM_LAP_BITS;
inline constexpr std::uint64_t kLapMask = (std::uint64_t{1} << kLapBits) - 1;
inline constexpr SlotIndex kTombstone{layout::kNoSlot};

/// lap:40 | publisher:8 | slot:16. A zeroed ring is at lap 0 with publisher 0, which is nobody. A lap, not a sequence:
/// an equal word at a later time needs 2^40 laps, however long a process slept.
struct Entry {
  std::uint64_t bits = 0;

  static constexpr Entry Make(std::uint64_t lap, std::uint32_t publisher, SlotIndex slot) {
    return Entry{((lap & kLapMask) << 24) | (std::uint64_t{publisher & 0xFF} << 16) | static_cast<std::uint16_t>(slot)};
  }
  constexpr std::uint64_t lap() const { return (bits >> 24) & kLapMask; }
  constexpr std::uint32_t publisher() const { return static_cast<std::uint32_t>(bits >> 16) & 0xFF; }
  constexpr SlotIndex slot() const { return SlotIndex{static_cast<std::uint16_t>(bits)}; }
  constexpr Entry Tombstone() const { return Entry{bits | layout::kNoSlot}; }
  constexpr bool operator==(const Entry& other) const { return bits == other.bits; }
  constexpr bool operator!=(const Entry& other) const { return bits != other.bits; }
};

/// How far lap `to` is ahead of lap `from`, modulo 2^40, sign-extended.
constexpr std::int64_t LapDistance(std::uint64_t from, std::uint64_t to) {
  constexpr std::uint32_t kShift = 64 - kLapBits;
  return static_cast<std::int64_t>((to - from) << kShift) >> kShift;
}

enum class ReaderState : std::uint8_t { kFree = 0, kActive = 1, kDemoted = 2, kLossy = 3 };

/// cursor:48 | generation:14 | state:2 of one reader line.
struct CursorWord {
  std::uint64_t bits = 0;

  static constexpr CursorWord Make(Sequence cursor, std::uint32_t generation, ReaderState state) {
    return CursorWord{(cursor << 16) | (std::uint64_t{generation & 0x3FFF} << 2) | static_cast<std::uint8_t>(state)};
  }
  constexpr std::uint64_t cursor() const { return bits >> 16; }  // modulo 2^48
  constexpr std::uint32_t generation() const { return static_cast<std::uint32_t>(bits >> 2) & 0x3FFF; }
  constexpr ReaderState state() const { return static_cast<ReaderState>(bits & 3); }
};

}  // namespace shmcomm::ring
