// SPDX-License-Identifier: Apache-2.0
// Can a program that knows schema R read every message of a program that writes schema W? FlatBuffers' evolution rules,
// in one direction, because compatibility is neither symmetric nor transitive.
//
//   breaking                                              fine, but named
//   the root has another name                             a table's field added or removed
//   a field's type differs                                a field, an enum value or a type has another name
//   a table's field has another id                        an enum where the other has its plain number
//   a field is required, and the writer may leave it out  another default, or null as default
//   a struct's layout differs in any way                  an enum value or union member that only the reader knows
//   an enum value or union member the reader lacks        a field deprecated (its type no longer matters)
//   an enum value or union member with another number
//   a union member of another type
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace shmcomm::channel {

/// `text` reads from the writer to the reader: `struct robot.Imu: field 'cov' [float:6] -> [float:9] (56 -> 72 bytes)`.
struct Difference {
  std::string text;
  bool breaking = false;
};

/// Everything in which the two message types differ, root first, then the types it contains as they are met, fields by
/// id. The bytes are .bfbs files that nobody has checked yet; they are copied before they are read. At most 1,000
/// differences are listed; past a million steps the schemas count as hostile. Reentrant.
/// Errors: kDataLoss a schema does not verify or makes no sense · kNotFound a root is not in its schema.
absl::StatusOr<std::vector<Difference>> CompareSchemas(absl::Span<const std::uint8_t> writer_schema, std::string_view writer_root,
                                                       absl::Span<const std::uint8_t> reader_schema, std::string_view reader_root);

/// True if none of `differences` is breaking.
bool IsCompatible(const std::vector<Difference>& differences);

}  // namespace shmcomm::channel
