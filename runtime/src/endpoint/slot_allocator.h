// SPDX-License-Identifier: Apache-2.0
// Lets a FlatBufferBuilder write into a slot. The builder grows downward from the end of its buffer and the slot's
// header lies at the slot's end, so growing means using more of the slot: the message never moves.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "endpoint/slot_memory.h"
#include "flatbuffers/flatbuffers.h"
#include "segment/slots.h"

namespace shmcomm::endpoint {

/// An allocator cannot say no: what does not fit the slot, or cannot be committed, goes to the heap, and the reason is
/// kept for Publish.
class SlotAllocator final : public flatbuffers::Allocator {
 public:
  explicit SlotAllocator(SlotMemory* memory) : memory_(memory) {}

  /// Allocations from now on end at the message end of `slot`. No buffer is out.
  void Aim(segment::SlotIndex slot) {
    slot_ = slot;
    end_ = reinterpret_cast<std::uint8_t*>(memory_->slots().MessageEnd(slot));
    spill_reason_ = absl::OkStatus();
  }

  /// Why the message left the slot; ok while it has not.
  const absl::Status& spill_reason() const { return spill_reason_; }

  std::uint8_t* allocate(std::size_t size) override;
  void deallocate(std::uint8_t* p, std::size_t size) override;
  std::uint8_t* reallocate_downward(std::uint8_t* old_p, std::size_t old_size, std::size_t new_size,
                                    std::size_t in_use_back, std::size_t in_use_front) override;

 private:
  bool IsInSlot(const std::uint8_t* p, std::size_t size) const { return p + size == end_; }

  SlotMemory* memory_;
  segment::SlotIndex slot_ = segment::kNoSlot;
  std::uint8_t* end_ = nullptr;
  absl::Status spill_reason_;
};

}  // namespace shmcomm::endpoint
