// SPDX-License-Identifier: Apache-2.0
#include "registry/cleaner.h"

#include <bitset>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/crash_point.h"
#include "platform/os.h"
#include "registry/membership.h"
#include "registry/reply_directory.h"
#include "ring/claim.h"
#include "ring/repair.h"
#include "wake/bell.h"
#include "wake/room.h"

namespace shmcomm::registry {
namespace {

void Ring(const Site& site) { wake::RingAllUnconditionally(*site.readers.wake, site.wake_files()); }

using LineSet = std::bitset<layout::kMaxSubscribers>;

/// The lines that have claimed something.
LineSet FindClaimers(const ring::ReadersView& readers) {
  LineSet lines;
  for (std::uint32_t i = 0; i < readers.claim_count; ++i) {
    // acquire: nothing is read behind it; whoever sweeps loads it again under the lock.
    const ring::ClaimWord claim{readers.claims[i].load(std::memory_order_acquire)};
    const bool is_owned = claim.owner() != ring::kNobody && claim.owner() <= readers.count;  // I9
    if (claim.state() == ring::ClaimState::kClaimed && is_owned) lines.set(claim.owner() - 1);
  }
  return lines;
}

/// Empties the line if it is taken by nobody alive. True when it did. A free line is empty but for the claims of one whose
/// lock fell while it lived, and who claimed after its line was cleaned.
absl::StatusOr<bool> CleanLine(const Site& site, LockFile& lock, std::uint32_t line, const LineSet& claimers) {
  const ring::CursorWord word{site.readers.lines[line].cursor.load(std::memory_order_acquire)};
  if (word.state() == ring::ReaderState::kFree && !claimers.test(line)) return false;
  absl::StatusOr<bool> dead = lock.TryLock(layout::ReaderLockByte(line));
  if (!dead.ok() || !*dead) return dead;
  SweepLine(site, line);
  wake::RemoveWakeFile(site.wake_files(), line);  // asked or not: it may have died before it told of the file
  ring::ClearReaderLine(site.readers, line);  // under the lock, never merely because it was seen free (H3)
  wake::RoomBell(site.readers.lines[line]).RingAlways();
  lock.Unlock(layout::ReaderLockByte(line));
  return true;
}

/// The lock of the file's publisher is held.
void CleanDataFile(const Site& site, const std::string& name, const DataFileNumbers& file) {
  if (site.is_ring_writable) ring::HelpHead(site.ring);
  const std::uint32_t current = site.ring.publishers[file.publisher].generation.load(std::memory_order_acquire);
  const bool is_current = file.generation == current;
  if (is_current && IsDataFileNeeded(site, file.publisher)) return;
  platform::UnlinkAt(site.directory, name).IgnoreError();
  SHMCOMM_CRASH_POINT("registry.clean.after_unlink");
}

}  // namespace

void SweepLine(const Site& site, std::uint32_t line) {
  if (!site.readers.has_claims()) return;
  if (!ring::SweepClaims(site.readers, line, site.max_attempts).any()) return;
  SHMCOMM_CRASH_POINT("registry.sweep.before_wake");
  wake::WakeFileRinger files(site.wake_files());
  wake::TurnRinger(site.turns(), &files).RingOne();
  wake::RoomBell(*site.readers.wake).RingAlways();
  if (site.has_replies) RingRequesters(site);
}

bool IsDataFileNeeded(const Site& site, std::uint32_t publisher) {
  if (site.readers.has_claims()) return ring::HasOpenJob(site.ring, site.readers, publisher);
  return ring::IsPublisherNamed(site.ring, publisher);
}

absl::Status CleanDeadReaders(const Site& site) {
  absl::StatusOr<LockFile> lock = LockFile::Open(site.directory);
  if (!lock.ok()) return lock.status();
  const LineSet claimers = FindClaimers(site.readers);
  bool any = false;
  for (std::uint32_t line = 0; line < site.readers.count; ++line) {
    absl::StatusOr<bool> cleaned = CleanLine(site, *lock, line, claimers);
    if (!cleaned.ok()) return cleaned.status();
    any = any || *cleaned;
  }
  if (any) Ring(site);
  return absl::OkStatus();
}

absl::Status CleanReaderIfDead(const Site& site, std::uint32_t line) {
  absl::StatusOr<LockFile> lock = LockFile::Open(site.directory);
  if (!lock.ok()) return lock.status();
  return CleanLine(site, *lock, line, FindClaimers(site.readers)).status();
}

absl::Status CleanDeadClaimers(const Site& site) {
  const LineSet claimers = FindClaimers(site.readers);
  if (claimers.none()) return absl::OkStatus();
  absl::StatusOr<LockFile> lock = LockFile::Open(site.directory);
  if (!lock.ok()) return lock.status();
  for (std::uint32_t line = 0; line < claimers.size(); ++line) {
    if (!claimers.test(line)) continue;
    if (absl::StatusOr<bool> cleaned = CleanLine(site, *lock, line, claimers); !cleaned.ok()) return cleaned.status();
  }
  return absl::OkStatus();
}

absl::Status CleanDeadPublishers(const Site& site) {
  absl::StatusOr<LockFile> lock = LockFile::Open(site.directory);
  if (!lock.ok()) return lock.status();
  absl::StatusOr<std::vector<std::string>> names = platform::ListDirectory(site.directory);
  if (!names.ok()) return names.status();
  bool any = false;
  for (const std::string& name : *names) {
    const std::optional<DataFileNumbers> file = ParseDataFileName(name);
    if (!file.has_value()) continue;
    absl::StatusOr<bool> dead = lock->TryLock(layout::PublisherLockByte(file->publisher));
    if (!dead.ok()) return dead.status();
    if (!*dead) continue;
    CleanDataFile(site, name, *file);
    lock->Unlock(layout::PublisherLockByte(file->publisher));
    any = true;
  }
  if (any) Ring(site);  // unconditionally: the dead may have published without waking (H7, K10)
  return absl::OkStatus();
}

}  // namespace shmcomm::registry
