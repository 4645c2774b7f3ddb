// SPDX-License-Identifier: Apache-2.0
#include "endpoint/copied_message.h"

#include <cstring>
#include <new>

#include "segment/layout.h"

namespace shmcomm::endpoint {
namespace {

std::size_t BlockBytes(std::size_t bytes) { return (bytes + layout::kCacheLine - 1) / layout::kCacheLine * layout::kCacheLine; }

}  // namespace

const std::uint8_t* CopyOf(const std::byte* message, std::size_t bytes) {
  auto* block = static_cast<std::uint8_t*>(::operator new(BlockBytes(bytes), std::align_val_t{layout::kCacheLine}));
  std::uint8_t* copy = block + BlockBytes(bytes) - bytes;
  std::memcpy(copy, message, bytes);
  return copy;
}

void DropCopy(const std::uint8_t* copy, std::size_t bytes) {
  ::operator delete(const_cast<std::uint8_t*>(copy) + bytes - BlockBytes(bytes), std::align_val_t{layout::kCacheLine});
}

}  // namespace shmcomm::endpoint
