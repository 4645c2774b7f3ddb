// SPDX-License-Identifier: Apache-2.0
// Where the slots of one publisher's data file lie. Plain arithmetic over bytes that somebody else has mapped.
#pragma once

#include <cstddef>
#include <cstdint>

#include "segment/layout.h"

namespace shmcomm::segment {

enum class SlotIndex : std::uint16_t {};
inline constexpr SlotIndex kNoSlot{layout::kNoSlot};

/// A message ends where its slot's header begins; the header closes the slot.
struct SlotTable {
  std::byte* slots = nullptr;   // first byte of slot 0
  std::uint64_t stride = 0;
  std::uint32_t count = 0;
  std::uint32_t stagger = 0;

  std::uint64_t EndOffset(SlotIndex slot) const {
    const std::uint64_t s = static_cast<std::uint16_t>(slot);
    return (s + 1) * stride - std::uint64_t{stagger} * (s % 8);
  }
  layout::SlotHeader* Header(SlotIndex slot) const {
    return reinterpret_cast<layout::SlotHeader*>(slots + EndOffset(slot) - sizeof(layout::SlotHeader));
  }
  /// First byte after the message, which is the first byte of the header.
  std::byte* MessageEnd(SlotIndex slot) const { return reinterpret_cast<std::byte*>(Header(slot)); }
  /// Bytes below the header that belong to the slot.
  std::uint64_t Room() const { return stride - sizeof(layout::SlotHeader) - std::uint64_t{stagger} * 7; }
};

}  // namespace shmcomm::segment
