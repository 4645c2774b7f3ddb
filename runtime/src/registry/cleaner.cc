// SPDX-License-Identifier: Apache-2.0
#include "registry/cleaner.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/crash_point.h"
#include "platform/os.h"
#include "registry/membership.h"
#include "ring/repair.h"
#include "wake/bell.h"
#include "wake/room.h"

namespace shmcomm::registry {
namespace {

void Ring(const Site& site) {
  if (site.is_ring_writable) {
    wake::RingUnconditionally(site.ring.header->bell);
  } else {
    platform::FutexWakeAll(site.ring.header->bell);  // no bump: a sleeper missed so costs one bounded sleep
  }
}

/// Empties the line if it is taken by nobody alive. True when it did.
absl::StatusOr<bool> CleanLine(const Site& site, LockFile& lock, std::uint32_t line) {
  const ring::CursorWord word{site.readers.lines[line].cursor.load(std::memory_order_acquire)};
  if (word.state() == ring::ReaderState::kFree) return false;
  absl::StatusOr<bool> dead = lock.TryLock(layout::ReaderLockByte(line));
  if (!dead.ok() || !*dead) return dead;
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
  if (is_current && ring::IsPublisherNamed(site.ring, file.publisher)) return;
  platform::UnlinkAt(site.directory, name).IgnoreError();
  SHMCOMM_CRASH_POINT("registry.clean.after_unlink");
}

}  // namespace

absl::Status CleanDeadReaders(const Site& site) {
  absl::StatusOr<LockFile> lock = LockFile::Open(site.directory);
  if (!lock.ok()) return lock.status();
  bool any = false;
  for (std::uint32_t line = 0; line < site.readers.count; ++line) {
    absl::StatusOr<bool> cleaned = CleanLine(site, *lock, line);
    if (!cleaned.ok()) return cleaned.status();
    any = any || *cleaned;
  }
  if (any) Ring(site);
  return absl::OkStatus();
}

absl::Status CleanReaderIfDead(const Site& site, std::uint32_t line) {
  absl::StatusOr<LockFile> lock = LockFile::Open(site.directory);
  if (!lock.ok()) return lock.status();
  return CleanLine(site, *lock, line).status();
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
