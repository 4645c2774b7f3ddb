// SPDX-License-Identifier: Apache-2.0
#include "registry/seats.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/crash_point.h"
#include "registry/cleaner.h"
#include "ring/gate.h"
#include "ring/repair.h"
#include "wake/room.h"

namespace shmcomm::registry {
namespace {

// A cleaner may hold the byte of a dead participant for the moment it takes to clean it: "taken" is believed only when
// it stays so for this many looks, with a yield between them.
constexpr int kLooks = 64;

ring::ReaderState StateOf(const Site& site, std::uint32_t line) {
  // acquire <- ring::ClearReaderLine release: a FREE line is an empty line.
  return ring::CursorWord{site.readers.lines[line].cursor.load(std::memory_order_acquire)}.state();
}

/// Looks for a FREE line and locks it. Trying the bytes in turn would cost milliseconds where a thousand are held.
absl::StatusOr<std::optional<ReaderSeat>> TryTakeReaderLine(const Site& site) {
  absl::StatusOr<LockFile> lock = LockFile::Open(site.directory);
  if (!lock.ok()) return lock.status();
  for (std::uint32_t line = 0; line < site.readers.count; ++line) {
    if (StateOf(site, line) != ring::ReaderState::kFree) continue;
    absl::StatusOr<bool> locked = lock->TryLock(layout::ReaderLockByte(line));
    if (!locked.ok()) return locked.status();
    if (!*locked) continue;
    // Whoever joined here after our look and died has left its marks; they are ours to clear now (H3, I15).
    if (StateOf(site, line) != ring::ReaderState::kFree) ring::ClearReaderLine(site.readers, line);
    return ReaderSeat{Membership(*std::move(lock), layout::ReaderLockByte(line)), line};
  }
  return std::nullopt;
}

/// How many of the newest messages somebody may still count on: the promised history, and on a reliable channel what its
/// slowest reader has not read (K9).
std::uint32_t PromisedMessages(const Site& site) {
  if (!site.is_reliable) return site.history;
  const ring::Sequence head = site.ring.head().load(std::memory_order_acquire);
  const std::int64_t unread = ring::Distance(ring::LeastCursor(site.readers, head, nullptr), head);
  return std::max(site.history, static_cast<std::uint32_t>(std::clamp<std::int64_t>(unread, 0, site.ring.size)));
}

enum class Choice : std::uint8_t { kUnnamedOnly, kAnyUnpromised };

absl::StatusOr<std::optional<PublisherSeat>> TryTakePublisherId(const Site& site, Choice choice) {
  absl::StatusOr<LockFile> lock = LockFile::Open(site.directory);
  if (!lock.ok()) return lock.status();
  for (std::uint32_t id = 1; id <= site.ring.max_publishers; ++id) {
    absl::StatusOr<bool> locked = lock->TryLock(layout::PublisherLockByte(id));
    if (!locked.ok()) return locked.status();
    if (!*locked) continue;
    // The earlier owner may have died between its entry and head; its message counts as published before us (H6).
    ring::HelpHead(site.ring);
    base::FenceSeqCst();
    const bool is_taken = ring::IsPublisherPromised(site.ring, id, PromisedMessages(site)) ||
                          (choice == Choice::kUnnamedOnly && ring::IsPublisherNamed(site.ring, id));
    if (is_taken) {
      lock->Unlock(layout::PublisherLockByte(id));
      continue;
    }
    // relaxed: only the holder of this byte writes the row, and the lock orders holders.
    const std::uint32_t last = site.ring.publishers[id].generation.load(std::memory_order_relaxed);
    const std::uint32_t generation = last + 1 == 0 ? 1 : last + 1;
    return PublisherSeat{Membership(*std::move(lock), layout::PublisherLockByte(id)), id, generation,
                         site.ring.head().load(std::memory_order_acquire)};
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<ReaderSeat> TakeReaderLine(const Site& site) {
  for (int look = 0; look < kLooks; ++look) {
    absl::StatusOr<std::optional<ReaderSeat>> seat = TryTakeReaderLine(site);
    if (!seat.ok()) return seat.status();
    if (seat->has_value()) return **std::move(seat);
    if (absl::Status cleaned = CleanDeadReaders(site); !cleaned.ok()) return cleaned;
    if (look > 0) platform::Yield();
  }
  return absl::ResourceExhaustedError(absl::StrCat("all ", site.readers.count,
                                                   " subscriber places are taken by living processes; raise "
                                                   "max_subscribers in the channel file"));
}

void LeaveReaderLine(const Site& site, const ReaderSeat& seat) {
  ring::ClearReaderLine(site.readers, seat.line);
  if (site.is_reliable) wake::RoomBell(site.readers.lines[seat.line]).RingAlways();  // a publisher may wait for us
}

absl::StatusOr<PublisherSeat> TakePublisherId(const Site& site) {
  for (int look = 0; look < kLooks; ++look) {
    for (const Choice choice : {Choice::kUnnamedOnly, Choice::kAnyUnpromised}) {
      absl::StatusOr<std::optional<PublisherSeat>> seat = TryTakePublisherId(site, choice);
      if (!seat.ok()) return seat.status();
      if (seat->has_value()) return **std::move(seat);
    }
    platform::Yield();
  }
  return absl::ResourceExhaustedError(absl::StrCat("all ", site.ring.max_publishers,
                                                   " publisher places are taken by living processes; raise "
                                                   "max_publishers in the channel file"));
}

void AnnouncePublisher(const Site& site, const PublisherSeat& seat) {
  base::Atomic<std::uint32_t>& row = site.ring.publishers[seat.id].generation;
  const std::uint32_t previous = row.load(std::memory_order_relaxed);  // ours alone to write, under the lock
  // E5 release -> SubscriberCore's acquire: whoever sees the generation finds the file complete and linked.
  row.store(seat.generation, std::memory_order_release);
  SHMCOMM_CRASH_POINT("registry.announce.after_row");
  // Its entries resolve as stale from here on; a failure leaves it to the cleaner.
  if (previous != 0) platform::UnlinkAt(site.directory, DataFileName(seat.id, previous)).IgnoreError();
}

void LeavePublisherId(const Site& site, const PublisherSeat& seat) {
  if (ring::IsPublisherNamed(site.ring, seat.id)) return;
  platform::UnlinkAt(site.directory, DataFileName(seat.id, seat.generation)).IgnoreError();
}

}  // namespace shmcomm::registry
