// SPDX-License-Identifier: Apache-2.0
#include "registry/reply_directory.h"

#include <memory>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/crash_point.h"
#include "platform/os.h"
#include "registry/membership.h"
#include "ring/claim.h"
#include "ring/repair.h"
#include "segment/mapping.h"
#include "wake/bell.h"
#include "wake/room.h"

namespace shmcomm::registry {
namespace {

// Each replier may link one file while the directory is being removed.
constexpr int kRemovalRounds = 16;

bool IsGone(int channel_directory, const std::string& name) {
  return absl::IsNotFound(platform::IdentifyAt(channel_directory, name).status());
}

/// True when the generation is no longer the requester's: a successor has announced itself.
bool IsOutdated(const Site& site, const DataFileNumbers& numbers) {
  const std::uint32_t current = site.ring.publishers[numbers.publisher].generation.load(std::memory_order_acquire);
  return static_cast<std::int32_t>(current - numbers.generation) > 0;
}

/// Maps one of the files that all write; null where it is absent or too short.
std::shared_ptr<segment::Mapping> MapShared(int channel_directory, const std::string& name, const char* file,
                                            std::size_t least_bytes) {
  absl::StatusOr<platform::Descriptor> directory = platform::OpenDirectoryAt(channel_directory, name);
  if (!directory.ok()) return nullptr;
  absl::StatusOr<platform::Descriptor> opened = platform::OpenFileAt(directory->get(), file, platform::Access::kReadWrite);
  if (!opened.ok()) return nullptr;
  auto mapping = segment::MapFile(*opened, platform::Access::kReadWrite, least_bytes);
  return mapping.ok() ? *std::move(mapping) : nullptr;
}

/// Empties the dead requester's line: repliers that still have the ring mapped see that nobody reads it any more.
void ClearLine(const Site& site, const std::string& name) {
  const auto readers = MapShared(site.directory, name, kReadersFile, layout::ReadersFileBytes(1, 0));
  if (readers != nullptr) ring::ClearReaderLine(ring::ViewReaders(readers->data(), 1, 0), 0);
}

/// The requester's lock is held.
void CleanRequester(const Site& site, std::uint32_t requester, const std::string& name) {
  if (ring::CancelJobsOf(site.ring, site.readers, requester)) wake::RoomBell(*site.readers.wake).RingAlways();
  SHMCOMM_CRASH_POINT("registry.clean_requester.after_cancel");
  ClearLine(site, name);
  RemoveReplyDirectory(site.directory, name);
}

}  // namespace

std::string ReplyDirectoryName(std::uint32_t requester, std::uint32_t generation) {
  return absl::StrCat("reply.", requester, ".", generation);
}

std::optional<DataFileNumbers> ParseReplyDirectoryName(const std::string& name) {
  constexpr char kPrefix[] = "reply.";
  if (!absl::StartsWith(name, kPrefix)) return std::nullopt;
  return ParseDataFileName(absl::StrCat("pub.", name.substr(sizeof(kPrefix) - 1)));
}

void RemoveReplyDirectory(int channel_directory, const std::string& name) {
  absl::StatusOr<platform::Descriptor> directory = platform::OpenDirectoryAt(channel_directory, name);
  if (!directory.ok()) return;
  for (int round = 0; round < kRemovalRounds && !IsGone(channel_directory, name); ++round) {
    absl::StatusOr<std::vector<std::string>> files = platform::ListDirectory(directory->get());
    if (!files.ok()) return;
    for (const std::string& file : *files) {
      if (!IsSharedFile(file)) return;
      platform::UnlinkAt(directory->get(), file).IgnoreError();
      SHMCOMM_CRASH_POINT("registry.remove_replies.after_file");
    }
    platform::RemoveDirectoryAt(channel_directory, name).IgnoreError();
  }
}

void RemoveReplyDirectoriesOf(int channel_directory, std::uint32_t requester) {
  absl::StatusOr<std::vector<std::string>> names = platform::ListDirectory(channel_directory);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    const std::optional<DataFileNumbers> numbers = ParseReplyDirectoryName(name);
    if (numbers.has_value() && numbers->publisher == requester) RemoveReplyDirectory(channel_directory, name);
  }
}

absl::Status CleanDeadRequesters(const Site& site) {
  absl::StatusOr<LockFile> lock = LockFile::Open(site.directory);
  if (!lock.ok()) return lock.status();
  absl::StatusOr<std::vector<std::string>> names = platform::ListDirectory(site.directory);
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    const std::optional<DataFileNumbers> numbers = ParseReplyDirectoryName(name);
    if (!numbers.has_value()) continue;
    absl::StatusOr<bool> dead = lock->TryLock(layout::PublisherLockByte(numbers->publisher));
    if (!dead.ok()) return dead.status();
    if (*dead) {
      CleanRequester(site, numbers->publisher, name);
      lock->Unlock(layout::PublisherLockByte(numbers->publisher));
    } else if (IsOutdated(site, *numbers)) {
      RemoveReplyDirectory(site.directory, name);
    }
  }
  return absl::OkStatus();
}

void RingRequesters(const Site& site) {
  absl::StatusOr<std::vector<std::string>> names = platform::ListDirectory(site.directory);
  if (!names.ok()) return;  // a requester not woken looks again by itself, at least every 20 ms
  for (const std::string& name : *names) {
    if (!ParseReplyDirectoryName(name).has_value()) continue;
    const auto readers = MapShared(site.directory, name, kReadersFile, sizeof(layout::ReadersHeader));
    if (readers != nullptr) wake::RingUnconditionally(reinterpret_cast<layout::ReadersHeader*>(readers->data())->wake.bell);
  }
}

}  // namespace shmcomm::registry
