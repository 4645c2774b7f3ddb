// SPDX-License-Identifier: Apache-2.0
// `reply.<requester>.<generation>`: where the replies to one requester of a reqrep channel lie, a folder of the channel's own.
// The requester makes it before it announces itself and removes it when it leaves; whoever holds a dead requester's lock
// removes it instead.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "registry/site.h"

namespace shmcomm::registry {

/// `reply.<requester>.<generation>`
std::string ReplyDirectoryName(std::uint32_t requester, std::uint32_t generation);
/// The inverse; empty for every other name.
std::optional<DataFileNumbers> ParseReplyDirectoryName(const std::string& name);

/// Removes one reply directory and the files that such a directory holds. Absent is fine; one into which repliers keep
/// linking files, or that holds what is nobody's, is left to the next who tries.
void RemoveReplyDirectory(int channel_directory, const std::string& name);

/// Removes every reply directory of `requester`, whose lock is held.
void RemoveReplyDirectoriesOf(int channel_directory, std::uint32_t requester);

/// For requesters that died: takes back what nobody has begun, and removes their reply directories.
absl::Status CleanDeadRequesters(const Site& site);

/// Wakes every requester, asleep or not: some of their requests are over without a reply (K10).
void RingRequesters(const Site& site);

}  // namespace shmcomm::registry
