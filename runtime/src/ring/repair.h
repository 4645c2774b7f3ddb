// SPDX-License-Identifier: Apache-2.0
// What is done in the ring and the readers file on behalf of the dead. Every function is idempotent and may be killed
// anywhere; each says whose lock its caller holds.
#pragma once

#include <cstdint>

#include "ring/view.h"

namespace shmcomm::ring {

/// Advances head past an entry that is published but not counted (H6). Any time, by anyone who may write the ring.
void HelpHead(const RingView& ring);

/// What a sweep did with the jobs that a dead reader had claimed.
struct Swept {
  std::uint32_t given_back = 0;
  std::uint32_t failed = 0;          // their attempts were used up
  bool any() const { return given_back + failed != 0; }
};

/// Takes the open claims of reader line `line` from it: ready again with `attempt` raised, or failed once they were given
/// out `max_attempts` times (I7). Its lock is held, and nothing else was done with the line before (I15). Afterwards the
/// caller wakes one reader and rings for room.
Swept SweepClaims(const ReadersView& readers, std::uint32_t line, std::uint32_t max_attempts);

/// Empties reader line `line`: hazards, active and idle bits, then the state FREE. Its lock is held (I4, H3). Used to leave, too.
void ClearReaderLine(const ReadersView& readers, std::uint32_t line);

/// True when an entry that a reader may still take names `publisher`: the data file must stay. Its lock is held.
bool IsPublisherNamed(const RingView& ring, std::uint32_t publisher);

/// True when an entry from `oldest` on names `publisher`: somebody was promised its message (K9). `oldest` was found before
/// the call; head is loaded here, so that nothing published meanwhile is missed.
bool IsPublisherPromised(const RingView& ring, std::uint32_t publisher, Sequence oldest);

/// True when a job of `publisher` is not over yet (K13): its data file must stay, and the id may not be given out again.
bool HasOpenJob(const RingView& ring, const ReadersView& readers, std::uint32_t publisher);

}  // namespace shmcomm::ring
