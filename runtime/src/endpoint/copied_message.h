// SPDX-License-Identifier: Apache-2.0
// A message copied out of shared memory. It ends on a 64-byte line as one in a slot does, or what it holds would lose its
// alignment.
#pragma once

#include <cstddef>
#include <cstdint>

namespace shmcomm::endpoint {

const std::uint8_t* CopyOf(const std::byte* message, std::size_t bytes);
void DropCopy(const std::uint8_t* copy, std::size_t bytes);

}  // namespace shmcomm::endpoint
