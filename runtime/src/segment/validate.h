// SPDX-License-Identifier: Apache-2.0
// Is this file what it says it is? Everything read from shared memory is loaded once, checked, and returned by value;
// nobody looks at the file's own copy again (I9).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "segment/layout.h"
#include "segment/slots.h"

namespace shmcomm::segment {

/// A copy of the meta file whose every field is in range.
struct Meta {
  layout::MetaHeader header;
  std::string type_name;
  std::vector<std::uint8_t> schema;
  std::string reply_type_name;             // reqrep
  std::vector<std::uint8_t> reply_schema;  // reqrep; never empty where the request has one
};

/// What a reader needs of a publisher's data file.
struct DataInfo {
  std::uint32_t publisher = 0;
  std::uint32_t generation = 0;
  std::uint64_t start_sequence = 0;
  std::uint64_t max_message_bytes = 0;
  std::uint64_t fingerprint = 0;
  SlotTable slots;
  std::uint32_t pid = 0;
  std::string program;
  std::string type_name;
  std::vector<std::uint8_t> schema;
};

/// Errors of all: kDataLoss not this kind of file, truncated, or a field out of range; kFailedPrecondition written by a
/// newer release of shmcomm (its layout version and ours are named).
absl::StatusOr<Meta> ValidateMeta(absl::Span<const std::byte> file);
absl::Status ValidateRing(absl::Span<const std::byte> file, const layout::MetaHeader& meta);
absl::Status ValidateReaders(absl::Span<const std::byte> file, const layout::MetaHeader& meta);
absl::StatusOr<DataInfo> ValidateData(absl::Span<std::byte> file);

}  // namespace shmcomm::segment
