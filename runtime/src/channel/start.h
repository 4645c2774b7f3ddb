// SPDX-License-Identifier: Apache-2.0
// Where the counters of a new channel begin.
#pragma once

#include <cstdint>

#include "ring/entry.h"

namespace shmcomm::channel {

struct Start {
  ring::Sequence first = 0;    // of the channel's messages, on which head, laps and cursors follow
  std::uint32_t words = 0;     // bells, turn, generations; a counter of fewer bits begins at as many of its low ones
};

/// Zero. Only tests begin elsewhere, shortly before each wrap: they link tests/support/start.cc in place of start.cc, which
/// therefore holds nothing else.
Start StartOf(std::uint32_t entries);

}  // namespace shmcomm::channel
