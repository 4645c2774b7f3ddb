// SPDX-License-Identifier: Apache-2.0
// Memory that is refused once: the n-th operator new of this thread throws.
#pragma once

#include <cstdint>

namespace shmcomm::faults {

/// From now on the `n`-th allocation of this thread (1: the next) throws std::bad_alloc, once.
void FailAllocation(std::uint64_t n);

/// Nothing fails any more. True if something has.
bool StopFailing();

}  // namespace shmcomm::faults
