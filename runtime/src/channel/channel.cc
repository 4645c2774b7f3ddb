// SPDX-License-Identifier: Apache-2.0
#include "channel/channel.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "channel/creation.h"
#include "channel/start.h"
#include "registry/cleaner.h"
#include "registry/membership.h"
#include "registry/reply_directory.h"
#include "segment/plan.h"

namespace shmcomm::channel {
namespace {

absl::Status Missing(const char* name) {
  return absl::DataLossError(
      absl::StrCat("the channel's file '", name, "' is missing; close all ends of the channel, and it is made anew"));
}

absl::StatusOr<std::shared_ptr<segment::Mapping>> MapNamed(int directory, const char* name, platform::Access access,
                                                           std::size_t least_bytes) {
  absl::StatusOr<platform::Descriptor> file = platform::OpenFileAt(directory, name, segment::AccessToOpen(access));
  if (!file.ok()) {
    return absl::IsNotFound(file.status()) ? Missing(name) : file.status();
  }
  return segment::MapFile(*file, access, least_bytes);
}

absl::Span<const std::byte> BytesOf(const segment::Mapping& mapping) {
  return absl::MakeConstSpan(mapping.data(), mapping.size());
}

absl::StatusOr<segment::Meta> ReadMeta(int directory) {
  absl::StatusOr<std::shared_ptr<segment::Mapping>> file = MapNamed(directory, kMetaFile, platform::Access::kRead, 1);
  if (!file.ok()) return file.status();
  return segment::ValidateMeta(BytesOf(**file));
}

absl::Status WithName(absl::string_view channel, const absl::Status& status) {
  if (status.ok() || absl::StartsWith(status.message(), "channel '")) return status;
  return absl::Status(status.code(), absl::StrCat("channel '", channel, "': ", status.message()));
}

std::string Size(std::uint64_t bytes) {
  if (bytes < 10'000) return absl::StrCat(bytes, " B");
  if (bytes < (std::uint64_t{1} << 20)) return absl::StrFormat("%.1f KiB", static_cast<double>(bytes) / 1024);
  return absl::StrFormat("%.1f MiB", static_cast<double>(bytes) / (1 << 20));
}

}  // namespace

absl::StatusOr<Channel> Channel::Open(const ChannelSpec& spec, const EndpointOptions& options, Role role) {
  absl::StatusOr<Place> place = FindPlace(spec.name, options);
  if (!place.ok()) return place.status();
  if (absl::Status qos = segment::CheckQos(spec); !qos.ok()) return WithName(place->channel, qos);
  segment::Meta wanted = MakeMeta(spec);
  const Start start = StartOf(wanted.header.entries);
  wanted.header.first = start.first;
  absl::StatusOr<Directory> directory = Attach(
      *place, [&](int fd) { return ExplainSpace(CreateFiles(fd, wanted, start.words), fd, *place, BytesOfFiles(wanted)); });
  if (!directory.ok()) return WithName(place->channel, directory.status());
  absl::StatusOr<segment::Meta> meta = ReadMeta(directory->fd());
  if (!meta.ok()) return WithName(place->channel, meta.status());
  if (absl::Status fits = CheckJoiner(place->channel, spec, *meta, role, options.adopted); !fits.ok()) {
    return WithName(place->channel, fits);
  }
  Channel channel(*std::move(directory), *std::move(meta));
  if (absl::Status mapped = channel.MapFiles(role); !mapped.ok()) return WithName(place->channel, mapped);
  if (absl::Status cleaned = channel.CleanUp(); !cleaned.ok()) {
    return WithName(place->channel, absl::IsNotFound(cleaned) ? Missing(registry::kLockFile) : cleaned);
  }
  return channel;
}

absl::Status Channel::CleanUp() const {
  if (absl::Status s = registry::CleanDeadReaders(site_); !s.ok()) return s;
  if (site_.has_replies) {
    if (absl::Status s = registry::CleanDeadRequesters(site_); !s.ok()) return s;
  }
  return registry::CleanDeadPublishers(site_);
}

absl::StatusOr<Channel> Channel::CreateReplies(std::uint32_t id, std::uint32_t generation) const {
  registry::RemoveReplyDirectoriesOf(directory(), id);
  segment::Meta meta = ReplyMeta(meta_);
  const std::string name = registry::ReplyDirectoryName(id, generation);
  absl::StatusOr<platform::LockDescriptor> opened = OpenForLocks(directory(), name);
  if (!opened.ok()) return opened.status();
  if (absl::Status created = CreateSharedFiles(opened->get(), meta.header, StartOf(meta.header.entries).words); !created.ok()) {
    registry::RemoveReplyDirectory(directory(), name);
    return ExplainSpace(created, directory(), place(), BytesOfFiles(meta));
  }
  Channel channel(Directory(*std::move(opened), place(), Directory::Owner::kOther), std::move(meta));
  // Writable, though it is the reader: it rings itself when it is cancelled.
  if (absl::Status mapped = channel.MapFiles(Role::kWriter); !mapped.ok()) return mapped;
  channel.site_.roles.message = "reply";
  return channel;
}

absl::StatusOr<Channel> Channel::OpenReplies(std::uint32_t id, std::uint32_t generation) const {
  absl::StatusOr<platform::LockDescriptor> opened =
      OpenForLocks(directory(), registry::ReplyDirectoryName(id, generation), IfAbsent::kFail);
  if (!opened.ok()) return opened.status();
  Channel channel(Directory(*std::move(opened), place(), Directory::Owner::kOther), ReplyMeta(meta_));
  if (absl::Status mapped = channel.MapFiles(Role::kWriter); !mapped.ok()) {
    // All files were there before the requester announced itself: one that is missing tells that they are being removed.
    for (const char* file : {registry::kRingFile, registry::kReadersFile}) {
      absl::Status there = platform::IdentifyAt(channel.directory_.fd(), file).status();
      if (absl::IsNotFound(there)) return there;
    }
    return mapped;
  }
  channel.site_.roles.message = "reply";
  return channel;
}

absl::Status Channel::MapFiles(Role role) {
  const platform::Access ring_access = role == Role::kWriter ? platform::Access::kReadWrite : platform::Access::kRead;
  auto ring = MapNamed(directory_.fd(), registry::kRingFile, ring_access, sizeof(layout::RingHeader));
  if (!ring.ok()) return ring.status();
  auto readers = MapNamed(directory_.fd(), registry::kReadersFile, platform::Access::kReadWrite, sizeof(layout::ReadersHeader));
  if (!readers.ok()) return readers.status();
  if (absl::Status s = segment::ValidateRing(BytesOf(**ring), meta_.header); !s.ok()) return s;
  if (absl::Status s = segment::ValidateReaders(BytesOf(**readers), meta_.header); !s.ok()) return s;
  ring_ = *std::move(ring);
  readers_ = *std::move(readers);
  platform::Populate(ring_->data(), ring_->size(), ring_access);
  platform::Populate(readers_->data(), readers_->size(), platform::Access::kReadWrite);
  site_.directory = directory_.fd();
  site_.ring = ring::ViewRing(ring_->data(), meta_.header.entries, meta_.header.max_publishers, meta_.header.first);
  site_.readers =
      ring::ViewReaders(readers_->data(), meta_.header.max_subscribers, layout::ClaimCount(meta_.header));
  site_.history = meta_.header.history;
  site_.is_reliable = meta_.header.reliability == static_cast<std::uint8_t>(Reliability::kReliable);
  site_.is_ring_writable = role == Role::kWriter;
  site_.max_attempts = meta_.header.max_attempts;
  site_.has_replies = meta_.header.pattern == static_cast<std::uint8_t>(Pattern::kReqRep);
  site_.roles = segment::RolesOf(Pattern{meta_.header.pattern});
  return absl::OkStatus();
}

absl::Status ExplainSpace(const absl::Status& status, int file, const Place& place, std::uint64_t needed_bytes) {
  if (!absl::IsResourceExhausted(status)) return status;
  const platform::Space space = platform::FreeSpace(file);
  if (space.free_bytes >= needed_bytes) return status;  // something else ran out: descriptors, a file size limit
  return absl::ResourceExhaustedError(absl::StrCat(
      place.is_default_root ? "/dev/shm" : place.root, " is full: need ", Size(needed_bytes), ", ", Size(space.free_bytes),
      " free (", Size(space.total_bytes), " in all; in a container: --shm-size or --ipc=host)"));
}

}  // namespace shmcomm::channel
