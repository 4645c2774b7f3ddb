// SPDX-License-Identifier: Apache-2.0
// Building a publisher's data file: header, schema, slots; complete before it has a name.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "channel/channel.h"
#include "endpoint/slot_memory.h"
#include "registry/seats.h"
#include "segment/plan.h"
#include "shmcomm/channel_spec.h"

namespace shmcomm::endpoint {

struct DataFile {
  SlotMemory memory;
  layout::DataHeader* header;
  segment::DataPlan plan;
};

/// Creates and links `pub.<id>.<generation>` of the seat, for messages up to `max_message_bytes`. The publisher is
/// announced by the caller. Errors: kResourceExhausted shared memory is full, kInvalidArgument too many slots.
absl::StatusOr<DataFile> CreateDataFile(const channel::Channel& channel, const registry::PublisherSeat& seat,
                                        const ChannelSpec& spec, std::uint64_t max_message_bytes);

}  // namespace shmcomm::endpoint
