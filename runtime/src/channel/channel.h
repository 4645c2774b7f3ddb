// SPDX-License-Identifier: Apache-2.0
// One opened channel: its directory, its validated description, and the ring and readers files in memory.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "channel/descriptor.h"
#include "channel/directory.h"
#include "registry/site.h"
#include "segment/mapping.h"
#include "shmcomm/channel_spec.h"
#include "shmcomm/options.h"

namespace shmcomm::channel {

/// The participant's own lock is given up before this goes: the last one out then removes the channel.
class Channel {
 public:
  /// Opens or creates the channel, checks it against `spec`, maps its files (the ring read-only for a reader) and cleans
  /// up after the dead. Errors as Publisher::Open.
  static absl::StatusOr<Channel> Open(const ChannelSpec& spec, const EndpointOptions& options, Role role);

  /// The channel of the replies to requester `id`, whose lock is held, made anew inside this one. Whatever an earlier owner
  /// of the id left is removed. The caller reads it, and removes it with registry::RemoveReplyDirectoriesOf.
  absl::StatusOr<Channel> CreateReplies(std::uint32_t id, std::uint32_t generation) const;

  /// The same for a replier, which writes it. kNotFound: the requester has left.
  absl::StatusOr<Channel> OpenReplies(std::uint32_t id, std::uint32_t generation) const;

  Channel(Channel&&) noexcept = default;
  ~Channel() = default;

  const std::string& name() const { return directory_.place().channel; }
  const registry::Site& site() const { return site_; }
  const layout::MetaHeader& meta() const { return meta_.header; }
  int directory() const { return directory_.fd(); }

  const Place& place() const { return directory_.place(); }

 private:
  Channel(Directory directory, segment::Meta meta) : directory_(std::move(directory)), meta_(std::move(meta)) {}
  absl::Status MapFiles(Role role);
  absl::Status CleanUp() const;

  Directory directory_;
  segment::Meta meta_;
  std::shared_ptr<segment::Mapping> ring_;
  std::shared_ptr<segment::Mapping> readers_;
  registry::Site site_;
};

/// A kResourceExhausted that came from a full file system, said with its numbers; any other status as it is. `file` is
/// open on that file system.
absl::Status ExplainSpace(const absl::Status& status, int file, const Place& place, std::uint64_t needed_bytes);

}  // namespace shmcomm::channel
