// SPDX-License-Identifier: Apache-2.0
// Mapped files, shared by all endpoints of a process: one mapping per file and access, however many look at it.
#pragma once

#include <cstddef>
#include <memory>

#include "absl/status/statusor.h"
#include "platform/os.h"

namespace shmcomm::segment {

/// One mapping; unmapped when its last owner goes. Thread-safe to share.
class Mapping {
 public:
  Mapping(void* address, std::size_t bytes) : address_(address), bytes_(bytes) {}
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() { platform::Unmap(address_, bytes_); }

  std::byte* data() const { return static_cast<std::byte*>(address_); }
  std::size_t size() const { return bytes_; }

 private:
  void* address_;
  std::size_t bytes_;
};

/// How a file has to be opened that MapFile is to map with `access`.
platform::Access AccessToOpen(platform::Access access);

/// Maps the whole of an open file, at its size now. A file that cannot be written through this mapping when `access` is
/// kRead: the kernel enforces it. Errors: kDataLoss empty or smaller than `least_bytes`, those of platform::Map.
absl::StatusOr<std::shared_ptr<Mapping>> MapFile(const platform::Descriptor& file, platform::Access access,
                                                 std::size_t least_bytes);

}  // namespace shmcomm::segment
