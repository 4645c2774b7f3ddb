// SPDX-License-Identifier: Apache-2.0
// Undoing the dead. Whoever finds a lock free takes it, cleans under it, and rings, because the dead may have taken a
// wake with them. Idempotent; a cleaner may die anywhere and another finishes.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "registry/site.h"

namespace shmcomm::registry {

/// Empties the lines of dead subscribers, and gives back what was claimed for a line that is free.
absl::Status CleanDeadReaders(const Site& site);

/// The same for one line. For a publisher that waits for it.
absl::Status CleanReaderIfDead(const Site& site, std::uint32_t line);

/// Empties the lines of the dead that have claimed a message. No system call where nobody has.
absl::Status CleanDeadClaimers(const Site& site);

/// Gives back what the line's dead owner had claimed, and wakes whoever can use it. Its lock is held (I7, I15).
void SweepLine(const Site& site, std::uint32_t line);

/// True while a reader may still take a message of `publisher`: its data file must stay. Its lock is held.
bool IsDataFileNeeded(const Site& site, std::uint32_t publisher);

/// Removes the data files of dead publishers that no reader can still need, and files that never were announced.
absl::Status CleanDeadPublishers(const Site& site);

}  // namespace shmcomm::registry
