// SPDX-License-Identifier: Apache-2.0
// What a reader knows of each publisher's data file, and the checks between a protected entry and its message.
#pragma once

#include <cstdint>

#include "ring/reader.h"
#include "segment/slots.h"

namespace shmcomm::ring {

/// One publisher as mapped: the counts are those validated at map time, never re-read (I9).
struct MappedPublisher {
  std::uint32_t generation = 0;      // 0 = not mapped
  bool is_compatible = true;
  Sequence start_sequence = 0;
  std::uint64_t max_message_bytes = 0;
  segment::SlotTable slots;
};

enum class Resolution : std::uint8_t {
  kMessage,       // the slot is this entry's message
  kNotMapped,     // the publisher's file of this generation is not mapped yet
  kStale,         // the entry belongs to an earlier owner of the id, whose file is gone (H5)
  kCorrupt,       // the slot or its header does not make sense
};

struct Resolved {
  Resolution resolution;
  const layout::SlotHeader* header = nullptr;
  const std::byte* message = nullptr;
  std::uint32_t bytes = 0;
};

/// Follows a held entry into the mapped data of `publisher`, whose table generation is `generation`.
inline Resolved Resolve(const MappedPublisher& publisher, std::uint32_t generation, const Held& held) {
  if (publisher.generation != generation || generation == 0) return {Resolution::kNotMapped};
  if (Distance(publisher.start_sequence, held.sequence) < 0) return {Resolution::kStale};
  if (static_cast<std::uint16_t>(held.entry.slot()) >= publisher.slots.count) return {Resolution::kCorrupt};
  const layout::SlotHeader* header = publisher.slots.Header(held.entry.slot());
  const std::uint32_t bytes = base::LoadPlain(header->message_bytes);
  if (bytes > publisher.max_message_bytes) return {Resolution::kCorrupt};
  if (base::LoadPlain(header->sequence) != held.sequence) return {Resolution::kCorrupt};
  return {Resolution::kMessage, header, publisher.slots.MessageEnd(held.entry.slot()) - bytes, bytes};
}

}  // namespace shmcomm::ring
