// SPDX-License-Identifier: Apache-2.0
// The shared files of one channel as the registry sees them.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "ring/view.h"

namespace shmcomm::registry {

struct Site {
  int directory = -1;
  ring::RingView ring;            // only loads are made through it unless is_ring_writable
  ring::ReadersView readers;
  std::uint32_t history = 0;
  bool is_reliable = false;
  bool is_ring_writable = false;
};

/// `pub.<id>.<generation>`
inline std::string DataFileName(std::uint32_t publisher, std::uint32_t generation) {
  return absl::StrCat("pub.", publisher, ".", generation);
}

}  // namespace shmcomm::registry
