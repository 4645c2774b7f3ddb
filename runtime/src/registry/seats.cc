// SPDX-License-Identifier: Apache-2.0
#include "registry/seats.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/crash_point.h"
#include "registry/cleaner.h"
#include "ring/gate.h"
#include "ring/repair.h"
#include "wake/room.h"

namespace shmcomm::registry {
namespace {

// A byte may be held for a moment by a cleaner, or by a process that was killed and whose memory the kernel is still
// taking down; a reliable reader may be about to take what a dead publisher left. "Taken" is believed only when it stays
// so for this long.
constexpr std::int64_t kPatienceNs = 1'000'000'000;

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
    SweepLine(site, line);
    if (StateOf(site, line) != ring::ReaderState::kFree) ring::ClearReaderLine(site.readers, line);
    return ReaderSeat{Membership(*std::move(lock), layout::ReaderLockByte(line)), line};
  }
  return std::nullopt;
}

/// The oldest message that a reader of a reliable channel has still to take, `head` if there is none.
ring::Sequence OldestUnread(const Site& site, ring::Sequence head) {
  return site.is_reliable ? ring::LeastCursor(site.readers, head, nullptr) : head;
}

/// The oldest message that somebody was promised: of the history, and on a reliable channel the first that its slowest
/// reader has not taken (K9).
ring::Sequence OldestPromised(const Site& site) {
  const ring::Sequence head = site.ring.head().load(std::memory_order_acquire);
  const ring::Sequence history = ring::Distance(site.ring.first, head) < static_cast<std::int64_t>(site.history)
                                     ? site.ring.first
                                     : head - site.history;
  const ring::Sequence unread = OldestUnread(site, head);
  return ring::Distance(unread, history) > 0 ? unread : history;
}

/// Best an id that no entry names, else one whose messages nobody was promised. Where all are promised, the history of a
/// publisher that has gone is given up, lest its successor be refused for as long as anybody listens; but on a reliable
/// channel nothing that is unread.
enum class Choice : std::uint8_t { kUnnamed, kUnpromised, kUnread };

bool IsAcceptable(const Site& site, std::uint32_t id, Choice choice) {
  if (site.readers.has_claims()) return !ring::HasOpenJob(site.ring, site.readers, id);  // K13
  switch (choice) {
    case Choice::kUnnamed:
      return !ring::IsPublisherNamed(site.ring, id) && !ring::IsPublisherPromised(site.ring, id, OldestPromised(site));
    case Choice::kUnpromised:
      return !ring::IsPublisherPromised(site.ring, id, OldestPromised(site));
    case Choice::kUnread:
      return !site.is_reliable ||
             !ring::IsPublisherPromised(site.ring, id, OldestUnread(site, site.ring.head().load(std::memory_order_acquire)));
  }
  return false;
}

absl::StatusOr<std::optional<PublisherSeat>> TryTakePublisherId(const Site& site, Choice choice) {
  absl::StatusOr<LockFile> lock = LockFile::Open(site.directory);
  if (!lock.ok()) return lock.status();
  for (std::uint32_t id = 1; id <= site.ring.max_publishers; ++id) {
    absl::StatusOr<bool> locked = lock->TryLock(layout::PublisherLockByte(id));
    if (!locked.ok()) return locked.status();
    if (!*locked) continue;
    // The earlier owner may have died between its entry and head; its message counts as published before us (H6).
    ring::HelpHead(site.ring);
    // E17, for an earlier owner that died before its own fence: its withdrawal, this fence, our later armed reads ->
    // FenceRequest: armed store, fence, read of the grant.
    base::FenceSeqCst();
    if (!IsAcceptable(site, id, choice)) {
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

/// How to get a place where all are taken. Ends without a schema have no option to raise.
std::string HowToGetIn(absl::string_view option, std::uint32_t has, std::uint32_t most) {
  if (has >= most) return "; close one";
  return absl::StrCat("; close one, or raise ", option, " where a channel file declares the channel");
}

}  // namespace

absl::StatusOr<ReaderSeat> TakeReaderLine(const Site& site) {
  const std::int64_t give_up_ns = platform::NowNs() + kPatienceNs;
  do {
    absl::StatusOr<std::optional<ReaderSeat>> seat = TryTakeReaderLine(site);
    if (!seat.ok()) return seat.status();
    if (seat->has_value()) return **std::move(seat);
    if (absl::Status cleaned = CleanDeadReaders(site); !cleaned.ok()) return cleaned;
    platform::Yield();
  } while (platform::NowNs() < give_up_ns);
  const std::uint32_t most = site.readers.has_claims() ? layout::kMaxPullers : layout::kMaxSubscribers;
  return absl::ResourceExhaustedError(absl::StrCat("all ", site.readers.count, " ", site.roles.reader,
                                                   " places are taken by living processes",
                                                   HowToGetIn(site.roles.max_readers, site.readers.count, most)));
}

void DescribeReader(const Site& site, const ReaderSeat& seat) {
  layout::ReaderLine& line = site.readers.lines[seat.line];
  line.pid = platform::ProcessId();
  const std::string program = platform::ProgramName();
  std::memset(line.program, 0, sizeof(line.program));
  std::memcpy(line.program, program.data(), std::min(program.size(), sizeof(line.program) - 1));
  for (auto* counter : {&line.received, &line.bytes, &line.lost, &line.incompatible}) {
    counter->store(0, std::memory_order_relaxed);
  }
}

void LeaveReaderLine(const Site& site, const ReaderSeat& seat) {
  if (!seat.membership.IsStillHeld()) return;  // closed under us: by now the line and its claims may be another's
  SweepLine(site, seat.line);
  wake::RemoveWakeFileIfAny(site.wake_files(), seat.line);  // before the line is FREE: its cleaner goes on from here
  ring::ClearReaderLine(site.readers, seat.line);
  if (site.is_reliable) wake::RoomBell(site.readers.lines[seat.line]).RingAlways();  // a publisher may wait for us
}

absl::StatusOr<PublisherSeat> TakePublisherId(const Site& site) {
  const std::int64_t give_up_ns = platform::NowNs() + kPatienceNs;
  do {
    for (const Choice choice : {Choice::kUnnamed, Choice::kUnpromised, Choice::kUnread}) {
      absl::StatusOr<std::optional<PublisherSeat>> seat = TryTakePublisherId(site, choice);
      if (!seat.ok()) return seat.status();
      if (seat->has_value()) return **std::move(seat);
    }
    platform::Yield();
  } while (platform::NowNs() < give_up_ns);
  const bool keeps_messages = site.is_reliable || site.readers.has_claims();
  return absl::ResourceExhaustedError(absl::StrCat(
      "all ", site.ring.max_publishers, " ", site.roles.writer, " places are taken by living processes",
      keeps_messages ? absl::StrCat(", or by messages of dead ones that no ", site.roles.reader, " has taken") : "",
      HowToGetIn(site.roles.max_writers, site.ring.max_publishers, layout::kMaxPublishers)));
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
  if (!seat.membership.IsStillHeld()) return;  // without descriptors the directory's number may be another channel's
  if (IsDataFileNeeded(site, seat.id)) return;
  platform::UnlinkAt(site.directory, DataFileName(seat.id, seat.generation)).IgnoreError();
}

}  // namespace shmcomm::registry
