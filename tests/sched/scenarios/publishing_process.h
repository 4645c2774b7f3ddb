// SPDX-License-Identifier: Apache-2.0
// A publisher as a process: it takes an id from the registry, builds its file, announces it, publishes, and leaves.
#pragma once

#include <optional>

#include "registry/seats.h"
#include "sched/channel_model.h"

namespace shmcomm::sched {

class PublishingProcess {
 public:
  void Reset() { seat_.reset(); }
  /// On its own thread. False when no id was to be had.
  bool Open(Machine& machine, ChannelModel& channel);
  /// As the endpoint does: without a fence of its own where the system has a barrier and the channel one writer.
  void UseBell();
  void UseBell(wake::Ordering ordering) { publisher_.UseBell(ordering); }
  void Publish() { publisher_.Publish(); }
  void Push() { publisher_.Push(); }
  void Close();
  std::uint32_t id() const { return seat_->id; }

 private:
  ChannelModel* channel_ = nullptr;
  std::optional<registry::PublisherSeat> seat_;
  ModelPublisher publisher_;
};

}  // namespace shmcomm::sched
