// SPDX-License-Identifier: Apache-2.0
// What a channel is, as its creator wrote it down, against what a joiner was built with.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "segment/validate.h"
#include "shmcomm/channel_spec.h"

namespace shmcomm::channel {

/// Sizes and names of a new channel.
segment::Meta MakeMeta(const ChannelSpec& spec);

/// The channel of the replies to one requester, which lies inside a reqrep channel described by `requests`: reliable, so that
/// no reply is overwritten, one reader, room for two replies to each call.
segment::Meta ReplyMeta(const segment::Meta& requests);

/// The same as the endpoints of a program built with `spec` see it.
ChannelSpec ReplySpec(const ChannelSpec& spec);

/// A message type together with who has it, for comparing and for naming both in an error.
struct TypeOwner {
  std::string role;                  // "publisher", "you"
  std::uint32_t pid = 0;
  std::string program;
  std::string declared_at;
  std::uint64_t fingerprint = 0;
  std::string type_name;
  absl::Span<const std::uint8_t> schema;
};

TypeOwner OwnerOf(const segment::Meta& meta);
TypeOwner ReplyOwnerOf(const segment::Meta& meta);
TypeOwner OwnerOf(const segment::DataInfo& data);
TypeOwner ThisProgram(const ChannelSpec& spec);

/// Ok when every message of `writer` can be read as `reader`'s type (FlatBuffers' evolution rules); otherwise
/// kFailedPrecondition with both owners, the differing fields and the fix.
absl::Status CheckTypes(absl::string_view channel, const TypeOwner& writer, const TypeOwner& reader);

enum class Role : std::uint8_t { kWriter, kReader };

/// Ok when a joiner built with `spec` fits the running channel. Options whose qos_option bit is in `adopted` may differ.
/// kFailedPrecondition names both programs and every differing option or field.
absl::Status CheckJoiner(absl::string_view channel, const ChannelSpec& spec, const segment::Meta& meta, Role role,
                         std::uint32_t adopted = 0);

}  // namespace shmcomm::channel
