// SPDX-License-Identifier: Apache-2.0
// Taking part: a reader line or a publisher id, each under its lock.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "registry/membership.h"
#include "registry/site.h"

namespace shmcomm::registry {

struct ReaderSeat {
  Membership membership;
  std::uint32_t line = 0;
};

/// An empty reader line, locked; lines of the dead are cleaned first where none is free. The caller joins the ring.
/// Errors: kResourceExhausted all lines belong to living subscribers.
absl::StatusOr<ReaderSeat> TakeReaderLine(const Site& site);

/// Writes this program's name and zeroed counters into the line.
void DescribeReader(const Site& site, const ReaderSeat& seat);

/// Empties the line; the lock falls with the seat.
void LeaveReaderLine(const Site& site, const ReaderSeat& seat);

struct PublisherSeat {
  Membership membership;
  std::uint32_t id = 0;
  std::uint32_t generation = 0;      // of the data file to be built
  std::uint64_t start_sequence = 0;
};

/// A publisher id, locked, whose earlier owner's messages nobody is still promised; head has been helped past them.
/// The caller builds and links the data file, then announces it. Errors: kResourceExhausted all ids are in use.
absl::StatusOr<PublisherSeat> TakePublisherId(const Site& site);

/// Names the linked data file in the publisher table and removes the file of the id's earlier owner.
void AnnouncePublisher(const Site& site, const PublisherSeat& seat);

/// Removes the data file unless a reader may still take one of its messages (then a later open or close does).
void LeavePublisherId(const Site& site, const PublisherSeat& seat);

}  // namespace shmcomm::registry
