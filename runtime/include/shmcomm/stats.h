// SPDX-License-Identifier: Apache-2.0
// Counters of one endpoint since it was opened.
#pragma once

#include <cstdint>

namespace shmcomm {

struct PublisherStats {
  std::uint64_t sent = 0;       ///< messages published
  std::uint64_t bytes = 0;      ///< their bytes
  std::uint64_t errors = 0;     ///< publishes and loans refused
  std::uint64_t deadlines_missed = 0;  ///< promised periods in which this publisher published nothing, from its first message on
};

struct SubscriberStats {
  std::uint64_t received = 0;      ///< messages taken
  std::uint64_t bytes = 0;         ///< their bytes
  std::uint64_t lost = 0;          ///< sequences overwritten before they were taken
  std::uint64_t expired = 0;       ///< messages skipped because they were older than the channel's lifespan
  std::uint64_t deadlines_missed = 0;  ///< promised periods without a message from anybody, from the first one on
  std::uint64_t demotions = 0;     ///< times a publisher stopped waiting for this subscriber
  std::uint64_t incompatible = 0;  ///< messages skipped because their publisher's schema does not fit
  std::uint64_t corrupt = 0;       ///< messages refused because the shared memory did not make sense
};

struct PusherStats {
  std::uint64_t sent = 0;          ///< jobs pushed
  std::uint64_t bytes = 0;         ///< their bytes
  std::uint64_t errors = 0;        ///< pushes and loans refused
  std::uint64_t dead_letters = 0;  ///< jobs of the channel, anybody's, given up since this was opened
};

struct PullerStats {
  std::uint64_t received = 0;      ///< jobs taken
  std::uint64_t bytes = 0;         ///< their bytes
  std::uint64_t expired = 0;       ///< jobs skipped because they were older than the channel's lifespan
  std::uint64_t incompatible = 0;  ///< pushers whose schema does not fit; their jobs are left to others
  std::uint64_t corrupt = 0;       ///< jobs given up because the shared memory did not make sense
  std::uint64_t dead_letters = 0;  ///< as in PusherStats
};

struct RequesterStats {
  std::uint64_t sent = 0;          ///< requests
  std::uint64_t received = 0;      ///< replies received, errors that the replier answered among them
  std::uint64_t timed_out = 0;     ///< calls that were not answered in time
  std::uint64_t late = 0;          ///< replies dropped because nobody waited for them any more
  std::uint64_t died = 0;          ///< calls whose replier died, or left without an answer
  std::uint64_t errors = 0;        ///< sends and loans refused
};

struct ReplierStats {
  std::uint64_t received = 0;      ///< requests taken
  std::uint64_t replied = 0;       ///< answers published, errors among them
  std::uint64_t late = 0;          ///< answers dropped because the requester no longer waited, or was gone
  std::uint64_t refused = 0;       ///< requests that could not be read; their callers were told
  std::uint64_t errors = 0;        ///< answers that could not be published
};

/// How far a subscriber is behind.
struct Backlog {
  std::uint64_t unread = 0;        ///< messages published and not yet taken
  std::uint64_t limit = 0;         ///< how many may wait; 0 when closed
};

}  // namespace shmcomm
