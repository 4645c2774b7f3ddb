// SPDX-License-Identifier: Apache-2.0
#include "sched/scenarios/publishing_process.h"

#include <utility>

#include "platform/os.h"

namespace shmcomm::sched {

bool PublishingProcess::Open(Machine& machine, ChannelModel& channel) {
  channel_ = &channel;
  absl::StatusOr<registry::PublisherSeat> seat = registry::TakePublisherId(channel.site());
  if (!seat.ok()) return false;
  seat_.emplace(*std::move(seat));
  const std::uint32_t file = channel.LayFile(seat_->id, seat_->generation, seat_->start_sequence);
  channel.has_file_names = true;
  machine.AddName(registry::DataFileName(seat_->id, seat_->generation));
  registry::AnnouncePublisher(channel.site(), *seat_);
  publisher_.Open(machine, channel, file, seat_->id);
  return true;
}

void PublishingProcess::UseBell() {
  const bool is_asymmetric = channel_->shape().mode == ring::CommitMode::kSole && platform::RegisterForBarrier();
  const bool is_shared = channel_->shape().mode == ring::CommitMode::kShared;
  publisher_.UseBell(is_asymmetric ? wake::Ordering::kAsymmetric
                     : is_shared   ? wake::Ordering::kFenceAfterRmw
                                   : wake::Ordering::kFence);
}

void PublishingProcess::Close() {
  registry::LeavePublisherId(channel_->site(), *seat_);
  seat_.reset();
}

}  // namespace shmcomm::sched
