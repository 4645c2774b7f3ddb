// SPDX-License-Identifier: Apache-2.0
// Publishers that publish and readers that take, at the same time: publish, take, reclaim, join, in one scenario class.
#pragma once

#include <cstdint>

#include "sched/channel_model.h"
#include "sched/scenarios/all.h"

namespace shmcomm::sched {

struct TrafficConfig {
  Shape shape;
  std::uint32_t publishers = 1;
  std::uint32_t messages = 3;        // of each publisher
  std::uint32_t readers = 1;
  std::uint32_t looks = 3;           // of each reader
  std::uint32_t holds = 1;           // samples a reader keeps before it lets the oldest go
  std::uint32_t history = 0;         // wanted by the readers
  bool takes_latest = false;
  bool takes_many = false;           // as many as a reader may hold
  bool loses_nothing = false;        // nobody can be lapped
  bool newest_goes_first = false;    // otherwise a reader lets go of what it has held longest
  bool release_elsewhere = false;    // a second thread of each reader's process releases what it holds
  bool join_while_running = false;   // otherwise the readers are there first
  bool publishers_are_mortal = false;
  bool readers_are_mortal = false;
};

class Traffic : public Scenario {
 public:
  explicit Traffic(const TrafficConfig& config) : config_(config), channel_(config.shape) {}

  void Start(Machine& machine) override;
  void Finish(Machine& machine) override;
  void Describe(Names& names) const override { channel_.Describe(names); }

 private:
  static constexpr std::uint32_t kMost = 3;

  void RunPublisher(std::uint32_t index);
  void RunReader(std::uint32_t index);
  void RunReleaser(std::uint32_t index);
  unsigned ThreadOfReader(std::uint32_t index) const { return config_.publishers + index; }

  TrafficConfig config_;
  ChannelModel channel_;
  ModelPublisher publishers_[kMost];
  ModelReader readers_[kMost];
  bool is_reading_[kMost] = {};
};

void AddTrafficScenario(Catalogue& catalogue, const char* name, const char* about, const TrafficConfig& config,
                        const Plan& plan);

}  // namespace shmcomm::sched
