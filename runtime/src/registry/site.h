// SPDX-License-Identifier: Apache-2.0
// The shared files of one channel as the registry sees them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/role_names.h"
#include "ring/view.h"
#include "wake/turns.h"
#include "wake/wake_file.h"

namespace shmcomm::registry {

struct Site {
  int directory = -1;
  ring::RingView ring;            // only loads are made through it unless is_ring_writable
  ring::ReadersView readers;
  std::uint32_t history = 0;
  bool is_reliable = false;
  bool is_ring_writable = false;
  bool has_replies = false;         // reqrep: requesters have directories of their own in this one
  std::uint32_t max_attempts = 0;   // where messages are claimed
  base::RoleNames roles = base::kPubSubRoles;

  wake::TurnWords turns() const { return {readers.idle, readers.lines, readers.wake, readers.count}; }
  wake::WakeFileTable wake_files() const { return {directory, readers.descriptors, readers.lines, readers.count}; }
};

inline constexpr char kRingFile[] = "ring";
inline constexpr char kReadersFile[] = "readers";

/// `pub.<id>.<generation>`
std::string DataFileName(std::uint32_t publisher, std::uint32_t generation);

struct DataFileNumbers {
  std::uint32_t publisher = 0;
  std::uint32_t generation = 0;
};
/// The inverse; empty for every other name.
std::optional<DataFileNumbers> ParseDataFileName(const std::string& name);

/// True for a name of what participants share: ring, readers, lock and data files.
bool IsSharedFile(const std::string& name);

}  // namespace shmcomm::registry
