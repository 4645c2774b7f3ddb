// SPDX-License-Identifier: Apache-2.0
#include "faults/failing_allocations.h"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace shmcomm::faults {
namespace {

thread_local std::uint64_t left = 0;      // 0: nothing fails
thread_local bool has_failed = false;

void* Allocate(std::size_t bytes, std::size_t alignment) {
  if (left != 0 && --left == 0) {
    has_failed = true;
    throw std::bad_alloc();
  }
  const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  void* place = alignment <= alignof(std::max_align_t) ? std::malloc(bytes) : std::aligned_alloc(alignment, rounded);
  if (place == nullptr) throw std::bad_alloc();
  return place;
}

}  // namespace

void FailAllocation(std::uint64_t n) {
  has_failed = false;
  left = n;
}

bool StopFailing() {
  left = 0;
  return has_failed;
}

static void* NewOrNull(std::size_t bytes) noexcept {
  try {
    return Allocate(bytes, alignof(std::max_align_t));
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

}  // namespace shmcomm::faults

// The variants that do not throw, too: a sanitizer's own would not go through the others, and not fit what frees here.
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return shmcomm::faults::NewOrNull(bytes); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept { return shmcomm::faults::NewOrNull(bytes); }
void* operator new(std::size_t bytes) { return shmcomm::faults::Allocate(bytes, alignof(std::max_align_t)); }
void* operator new[](std::size_t bytes) { return shmcomm::faults::Allocate(bytes, alignof(std::max_align_t)); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return shmcomm::faults::Allocate(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* place) noexcept { std::free(place); }
void operator delete[](void* place) noexcept { std::free(place); }
void operator delete(void* place, std::size_t) noexcept { std::free(place); }
void operator delete[](void* place, std::size_t) noexcept { std::free(place); }
void operator delete(void* place, std::align_val_t) noexcept { std::free(place); }
void operator delete(void* place, std::size_t, std::align_val_t) noexcept { std::free(place); }
