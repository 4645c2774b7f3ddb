// SPDX-License-Identifier: Apache-2.0
// Tables of another message copied into one that is being built, without passing through Python values.
#pragma once

#include <optional>

#include "flatbuffers/flatbuffers.h"
#include "path.h"
#include "record.h"

namespace shmcomm::python {

/// Copies the fields the schema knows. Nothing, with SHMCorruptionError or SHMMessageTooLargeError set, if the source does
/// not make sense or does not fit.
std::optional<flatbuffers::uoffset_t> CopyTable(flatbuffers::FlatBufferBuilder& builder, const RecordObject& record,
                                                const Path& path);

}  // namespace shmcomm::python
