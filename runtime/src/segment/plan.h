// SPDX-License-Identifier: Apache-2.0
// How big things are: from a channel's options to the sizes of its files. Arithmetic only.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "base/role_names.h"
#include "shmcomm/channel_spec.h"

namespace shmcomm::segment {

/// Entries of the ring: the next power of two of max(16, capacity, history + 1).
std::uint32_t EntriesFor(const Qos& qos);

base::RoleNames RolesOf(Pattern pattern);

/// kInvalidArgument when an option is outside the format's range, naming the option, the value and the range.
absl::Status CheckQos(const ChannelSpec& spec);

/// From here on a message's own memory costs more than reclaiming.
inline constexpr std::uint64_t kLargeBytes = 64u << 10;

/// The data file of one publisher.
struct DataPlan {
  std::uint32_t slots = 0;
  std::uint64_t stride = 0;
  std::uint32_t stagger = 0;
  std::uint64_t slots_offset = 0;
  std::uint64_t file_bytes = 0;
  // Unused slots to take before used ones are reclaimed: twice the ring where messages are small, because every reclaim
  // takes a line from each reader's cache; one and a half times once a message of kLargeBytes was sent.
  std::uint32_t fresh_first = 0;
  std::uint32_t fresh_first_large = 0;
  bool is_dense = false;           // all slots are committed at open
};

struct DataRequest {
  std::uint32_t entries = 0;           // N
  std::uint32_t max_subscribers = 0;   // R
  std::uint32_t max_borrowed = 0;      // H; 0 where messages are claimed: a job's slot stays in the ring until it is over
  std::uint32_t max_loans = 0;
  std::uint64_t max_message_bytes = 0;
  bool is_struct = false;              // every message has exactly max_message_bytes
  std::uint64_t descriptor_bytes = 0;  // type name and schema, between header and slots
  std::uint64_t page_bytes = 4096;
};

/// N + R * H + loans + 1 slots (I6, I14). Structs lie densely; other messages get a slot of address space each, of which
/// only the pages a message needs are ever committed. kInvalidArgument above 65,535 slots.
absl::StatusOr<DataPlan> PlanData(const DataRequest& request);

}  // namespace shmcomm::segment
