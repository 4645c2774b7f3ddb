// SPDX-License-Identifier: Apache-2.0
// What is done in the ring and the readers file on behalf of the dead. Every function is idempotent and may be killed
// anywhere; each says whose lock its caller holds.
#pragma once

#include <cstdint>

#include "ring/view.h"

namespace shmcomm::ring {

/// Advances head past an entry that is published but not counted (H6). Any time, by anyone who may write the ring.
void HelpHead(const RingView& ring);

/// Empties reader line `line`: hazards, active bit, then the state FREE. Its lock is held (I4, H3). Used to leave, too.
void ClearReaderLine(const ReadersView& readers, std::uint32_t line);

/// True when an entry that a reader may still take names `publisher`: the data file must stay. Its lock is held.
bool IsPublisherNamed(const RingView& ring, std::uint32_t publisher);

/// True when an entry from `oldest` on names `publisher`: somebody was promised its message (K9). `oldest` was found before
/// the call; head is loaded here, so that nothing published meanwhile is missed.
bool IsPublisherPromised(const RingView& ring, std::uint32_t publisher, Sequence oldest);

}  // namespace shmcomm::ring
