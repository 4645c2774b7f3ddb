// SPDX-License-Identifier: Apache-2.0
#include "endpoint/publisher_maps.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "channel/descriptor.h"
#include "registry/site.h"
#include "segment/validate.h"

namespace shmcomm::endpoint {

absl::Status PublisherMaps::Map(const channel::Channel& channel, std::uint32_t publisher, std::uint32_t generation) {
  const std::string name = registry::DataFileName(publisher, generation);
  absl::StatusOr<platform::Descriptor> file =
      platform::OpenFileAt(channel.directory(), name, segment::AccessToOpen(platform::Access::kRead));
  if (!file.ok()) return file.status();
  const absl::StatusOr<platform::FileIdentity> identity = platform::Identify(file->get());
  if (!identity.ok()) return identity.status();
  auto mapping = segment::MapFile(*file, platform::Access::kRead, sizeof(layout::DataHeader));
  if (!mapping.ok()) return mapping.status();
  absl::StatusOr<segment::DataInfo> info =
      segment::ValidateData(absl::MakeSpan((*mapping)->data(), (*mapping)->size()));
  if (!info.ok()) return info.status();
  if (info->publisher != publisher || info->generation != generation) {
    return absl::DataLossError(absl::StrCat("the channel's file '", name, "' belongs to publisher ", info->publisher));
  }
  // A dense file is small and wholly in use. Touching a sparse one would commit pages that no message needs.
  if (info->slots.stagger == 0) platform::Populate((*mapping)->data(), (*mapping)->size(), platform::Access::kRead);
  const absl::Status fits =
      channel::CheckTypes(channel.name(), channel::OwnerOf(*info), channel::ThisProgram(spec_));

  if (mappings_[publisher] != nullptr) retired_.push_back(std::move(mappings_[publisher]));
  mappings_[publisher] = *std::move(mapping);
  is_ours_[publisher] = identity->owner == platform::UserId();
  ring::MappedPublisher& row = rows_[publisher];
  row.generation = generation;
  row.is_compatible = fits.ok();
  row.start_sequence = info->start_sequence;
  row.max_message_bytes = info->max_message_bytes;
  row.slots = info->slots;
  return fits;
}

}  // namespace shmcomm::endpoint
