// SPDX-License-Identifier: Apache-2.0
#include "channel/directory.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/crash_point.h"
#include "registry/membership.h"
#include "registry/reply_directory.h"
#include "registry/site.h"

namespace shmcomm::channel {
namespace {

// How long an open tries while others create or remove the same channel. Each of their steps takes microseconds; only a
// process stopped in the middle of one lasts longer.
constexpr std::int64_t kPatienceNs = 5'000'000'000;

/// True while `directory` is what its name leads to: it may have been removed between open and lock.
bool IsCurrent(int domain, const std::string& component, int directory) {
  const absl::StatusOr<platform::FileIdentity> open = platform::Identify(directory);
  const absl::StatusOr<platform::FileIdentity> named = platform::IdentifyAt(domain, component);
  return open.ok() && named.ok() && open->links > 0 && open->inode == named->inode && open->device == named->device;
}

/// True for the names that a channel's directory can hold.
bool IsOurs(const std::string& name) {
  return name == kMetaFile || registry::IsSharedFile(name) || registry::ParseReplyDirectoryName(name).has_value();
}

/// The first name in the directory that no channel has; somebody else's directory is never touched.
absl::StatusOr<std::optional<std::string>> FindForeignName(int directory) {
  const absl::StatusOr<std::vector<std::string>> names = platform::ListDirectory(directory);
  if (!names.ok()) return names.status();
  const auto foreign = std::find_if_not(names->begin(), names->end(), IsOurs);
  return foreign == names->end() ? std::optional<std::string>() : *foreign;
}

/// The exclusive lock is held and all names are ours. Meta goes first: what has no meta does not exist.
void RemoveFiles(int directory) {
  platform::UnlinkAt(directory, kMetaFile).IgnoreError();
  SHMCOMM_CRASH_POINT("channel.remove.after_meta");
  absl::StatusOr<std::vector<std::string>> names = platform::ListDirectory(directory);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    if (!IsOurs(name)) continue;
    if (registry::ParseReplyDirectoryName(name).has_value()) {
      registry::RemoveReplyDirectory(directory, name);
    } else {
      platform::UnlinkAt(directory, name).IgnoreError();
    }
    SHMCOMM_CRASH_POINT("channel.remove.after_file");
  }
}

/// Removes a channel's directory if nobody is attached to it.
void RemoveIfUnused(int domain, const std::string& component) {
  absl::StatusOr<platform::Descriptor> directory = platform::OpenDirectoryAt(domain, component);
  if (!directory.ok()) return;
  absl::StatusOr<bool> locked = platform::TryLockDirectory(directory->get(), platform::Sharing::kExclusive);
  if (!locked.ok() || !*locked) return;  // somebody is attached: they, or the next, will remove it
  if (!IsCurrent(domain, component, directory->get())) return;
  const absl::StatusOr<std::optional<std::string>> foreign = FindForeignName(directory->get());
  if (!foreign.ok() || foreign->has_value()) return;
  RemoveFiles(directory->get());
  platform::RemoveDirectoryAt(domain, component).IgnoreError();
}

/// What processes left behind that all died at once: nobody attached, nobody to clean.
void SweepDomain(int domain, const std::string& except) {
  absl::StatusOr<std::vector<std::string>> names = platform::ListDirectory(domain);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    if (name != except) RemoveIfUnused(domain, name);
  }
}

enum class Entered : std::uint8_t { kAttached, kTryAgain };

/// The exclusive lock is held, so nobody else is attached: whatever lies here was left by the dead. Makes the channel
/// anew and stays attached to it.
absl::StatusOr<Entered> CreateAndAttach(int domain, const Place& place, int directory,
                                        absl::FunctionRef<absl::Status(int)> create) {
  if (!IsCurrent(domain, place.component, directory)) return Entered::kTryAgain;
  const absl::StatusOr<std::optional<std::string>> foreign = FindForeignName(directory);
  if (!foreign.ok()) return foreign.status();
  if (foreign->has_value()) {
    return absl::FailedPreconditionError(absl::StrCat("the directory ", place.root, "/", place.domain, "/", place.component,
                                                      " holds '", **foreign, "', which is no channel's; choose another root"));
  }
  RemoveFiles(directory);
  if (absl::Status created = create(directory); !created.ok()) {
    RemoveFiles(directory);
    platform::RemoveDirectoryAt(domain, place.component).IgnoreError();
    if (absl::IsNotFound(created)) return Entered::kTryAgain;  // a sweeper took the empty directory away
    return created;
  }
  SweepDomain(domain, place.component);
  // The kernel converts a lock by releasing it first: what may slip in is checked for by the caller.
  absl::StatusOr<bool> shared = platform::TryLockDirectory(directory, platform::Sharing::kShared);
  if (!shared.ok()) return shared.status();
  return *shared ? Entered::kAttached : Entered::kTryAgain;
}

absl::StatusOr<Entered> Enter(int domain, const Place& place, int directory, absl::FunctionRef<absl::Status(int)> create) {
  absl::StatusOr<bool> alone = platform::TryLockDirectory(directory, platform::Sharing::kExclusive);
  if (!alone.ok()) return alone.status();
  if (*alone) return CreateAndAttach(domain, place, directory, create);
  absl::StatusOr<bool> shared = platform::TryLockDirectory(directory, platform::Sharing::kShared);
  if (!shared.ok()) return shared.status();
  return *shared ? Entered::kAttached : Entered::kTryAgain;  // not shared: somebody is creating or removing it
}

/// Without a directory the channel changed under us: try again.
struct Attempt {
  std::optional<platform::LockDescriptor> directory;
  bool is_half = false;  // others are attached, but it has no meta file
};

absl::StatusOr<Attempt> TryAttach(const Place& place, absl::FunctionRef<absl::Status(int)> create) {
  absl::StatusOr<platform::Descriptor> domain = OpenDomain(place);
  if (absl::IsNotFound(domain.status())) return Attempt{};  // a leaver removed an empty parent in between
  if (!domain.ok()) return domain.status();
  absl::StatusOr<platform::LockDescriptor> opened = OpenForLocks(domain->get(), place.component);
  if (absl::IsNotFound(opened.status())) return Attempt{};
  if (!opened.ok()) return opened.status();
  platform::LockDescriptor directory = *std::move(opened);
  absl::StatusOr<Entered> entered = Enter(domain->get(), place, directory.get(), create);
  if (!entered.ok()) return entered.status();
  if (*entered == Entered::kTryAgain || !IsCurrent(domain->get(), place.component, directory.get())) return Attempt{};
  // From here on the shared lock keeps creators and removers out.
  if (!platform::IdentifyAt(directory.get(), kMetaFile).ok()) return Attempt{std::nullopt, true};
  return Attempt{std::move(directory), false};
}

absl::Status NotAttached(const Place& place, bool is_half) {
  if (is_half) {
    return absl::DataLossError(absl::StrCat("channel '", place.channel, "': the channel's file '", kMetaFile,
                                            "' is missing; close all ends of the channel, and it is made anew"));
  }
  return absl::UnavailableError(absl::StrCat("channel '", place.channel,
                                             "': another process has been creating or removing it for 5 s; is one "
                                             "stopped (SIGSTOP) in the middle? Let it go on, or end it"));
}

}  // namespace

absl::StatusOr<platform::LockDescriptor> OpenForLocks(int parent, const std::string& name, IfAbsent if_absent) {
  const platform::NoFork guard;
  absl::StatusOr<platform::Descriptor> opened = if_absent == IfAbsent::kMake
                                                    ? platform::OpenOrMakeDirectoryAt(parent, name)
                                                    : platform::OpenDirectoryAt(parent, name);
  if (!opened.ok()) return opened.status();
  return platform::LockDescriptor(*std::move(opened));
}

Directory::~Directory() {
  if (!fd_.valid() || !fd_.IsThisProcess() || owner_ == Owner::kOther) return;
  fd_.Close();
  try {
    RemoveWhatIsUnused();
  } catch (const std::bad_alloc&) {
    // What is left, the next open in the domain removes.
  }
}

void Directory::RemoveWhatIsUnused() const {
  {
    absl::StatusOr<platform::Descriptor> root = platform::OpenDirectory(place_.root);
    if (!root.ok()) return;
    absl::StatusOr<platform::Descriptor> domain = platform::OpenDirectoryAt(root->get(), place_.domain);
    if (!domain.ok()) return;
    RemoveIfUnused(domain->get(), place_.component);
  }
  RemoveEmptyParents(place_);
}

absl::StatusOr<Directory> Attach(const Place& place, absl::FunctionRef<absl::Status(int directory)> create) {
  const std::int64_t give_up_ns = platform::NowNs() + kPatienceNs;
  bool is_half = false;
  do {
    absl::StatusOr<Attempt> attempt = TryAttach(place, create);
    if (!attempt.ok()) {
      RemoveEmptyParents(place);
      return attempt.status();
    }
    if (attempt->directory.has_value()) return Directory(*std::move(attempt->directory), place);
    is_half = attempt->is_half;
    platform::Yield();
  } while (platform::NowNs() < give_up_ns);
  return NotAttached(place, is_half);
}

}  // namespace shmcomm::channel
