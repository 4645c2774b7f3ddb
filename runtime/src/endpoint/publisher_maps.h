// SPDX-License-Identifier: Apache-2.0
// The publishers' data files as one subscriber has mapped them, each checked when it is first met.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "channel/channel.h"
#include "ring/segments.h"
#include "segment/mapping.h"
#include "shmcomm/channel_spec.h"

namespace shmcomm::endpoint {

class PublisherMaps {
 public:
  explicit PublisherMaps(const ChannelSpec& spec) : spec_(spec) {}

  const ring::MappedPublisher& operator[](std::uint32_t publisher) const { return rows_[publisher]; }

  /// Maps the file of `generation`, in place of an earlier one. Errors: kNotFound its publisher has gone and taken the
  /// file with it; kDataLoss the file does not make sense; kFailedPrecondition its messages cannot be read as our type
  /// (the row is then mapped and marked, so this is said once).
  absl::Status Map(const channel::Channel& channel, std::uint32_t publisher, std::uint32_t generation);

  /// Whether the mapped file of `publisher` belongs to this process's user.
  bool IsOurs(std::uint32_t publisher) const { return is_ours_[publisher]; }

  /// Unmaps what earlier generations left. Only while no sample is held.
  void DropRetired() { retired_.clear(); }
  bool HasRetired() const { return !retired_.empty(); }

 private:
  ChannelSpec spec_;
  std::array<ring::MappedPublisher, layout::kPublisherRows> rows_;
  std::array<std::shared_ptr<segment::Mapping>, layout::kPublisherRows> mappings_;
  std::array<bool, layout::kPublisherRows> is_ours_ = {};
  std::vector<std::shared_ptr<segment::Mapping>> retired_;   // samples may still point into them
};

}  // namespace shmcomm::endpoint
