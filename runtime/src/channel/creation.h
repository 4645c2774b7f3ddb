// SPDX-License-Identifier: Apache-2.0
// Making a channel's files. Bytes: runtime/doc/segment_format.md.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "channel/start.h"
#include "segment/validate.h"

namespace shmcomm::channel {

/// Makes ring, readers, lock and meta in `directory`, each whole, the meta last: a channel that has one has everything. Its
/// first sequence is that of `meta`. Errors: kResourceExhausted, kPermissionDenied.
absl::Status CreateFiles(int directory, const segment::Meta& meta, std::uint32_t words);

/// The files that all write. A reply channel has these alone: the meta of its channel describes it.
absl::Status CreateSharedFiles(int directory, const layout::MetaHeader& meta, std::uint32_t words);

/// What CreateFiles takes of the file system.
std::uint64_t BytesOfFiles(const segment::Meta& meta);

}  // namespace shmcomm::channel
