// SPDX-License-Identifier: Apache-2.0
// Undoing the dead. Whoever finds a lock free takes it, cleans under it, and rings, because the dead may have taken a
// wake with them. Idempotent; a cleaner may die anywhere and another finishes.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "registry/site.h"

namespace shmcomm::registry {

/// Empties the lines of dead subscribers.
absl::Status CleanDeadReaders(const Site& site);

/// Empties one line if its subscriber is dead. For a publisher that waits for it.
absl::Status CleanReaderIfDead(const Site& site, std::uint32_t line);

/// Removes the data files of dead publishers that no reader can still need, and files that never were announced.
absl::Status CleanDeadPublishers(const Site& site);

}  // namespace shmcomm::registry
