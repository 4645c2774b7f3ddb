// SPDX-License-Identifier: Apache-2.0
// How much a test does: a little in every run, much when SHMCOMM_SCALE says so.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace shmcomm::faults {

/// `count` times SHMCOMM_SCALE, which is 1 unless set.
inline std::uint64_t Scaled(std::uint64_t count) {
  const char* text = std::getenv("SHMCOMM_SCALE");
  return text == nullptr ? count : count * std::strtoull(text, nullptr, 10);
}

}  // namespace shmcomm::faults
