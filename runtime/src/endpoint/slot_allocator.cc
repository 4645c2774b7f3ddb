// SPDX-License-Identifier: Apache-2.0
#include "endpoint/slot_allocator.h"

#include <cstring>

namespace shmcomm::endpoint {

std::uint8_t* SlotAllocator::allocate(std::size_t size) {
  absl::Status committed = memory_->Ensure(slot_, size);
  if (committed.ok()) return end_ - size;
  spill_reason_ = std::move(committed);
  return new std::uint8_t[size];
}

void SlotAllocator::deallocate(std::uint8_t* p, std::size_t size) {
  if (!IsInSlot(p, size)) delete[] p;
}

std::uint8_t* SlotAllocator::reallocate_downward(std::uint8_t* old_p, std::size_t old_size, std::size_t new_size,
                                                 std::size_t in_use_back, std::size_t in_use_front) {
  const bool was_in_slot = IsInSlot(old_p, old_size);
  if (was_in_slot && memory_->Ensure(slot_, new_size).ok()) {
    // The back, the message itself, stays where it is; the front is the builder's scratch at the low end.
    std::uint8_t* new_p = end_ - new_size;
    std::memmove(new_p, old_p, in_use_front);
    return new_p;
  }
  if (was_in_slot) spill_reason_ = memory_->Ensure(slot_, new_size);
  auto* new_p = new std::uint8_t[new_size];
  std::memcpy(new_p + new_size - in_use_back, old_p + old_size - in_use_back, in_use_back);
  std::memcpy(new_p, old_p, in_use_front);
  deallocate(old_p, old_size);
  return new_p;
}

}  // namespace shmcomm::endpoint
