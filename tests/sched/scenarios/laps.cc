// SPDX-License-Identifier: Apache-2.0
// Traffic across the wrap of a lap of two or three bits. A lap difference is right while nobody sleeps through half of
// all laps, so the messages are few enough that nobody can.
#include "sched/scenarios/traffic.h"

namespace shmcomm::sched {

void AddLaps(Catalogue& catalogue) {
  constexpr std::uint64_t kLaps = std::uint64_t{1} << ring::kLapBits;
  TrafficConfig config;
  config.shape.entries = 2;
  config.shape.slots = config.shape.LeastSlots();
  // The lap of the first message is the last before the wrap.
  config.shape.first = (kLaps - 2) * config.shape.entries;
  config.messages = ring::kLapBits == 2 ? 4 : 7;
  config.looks = 4;
  Plan plan;
  AddTrafficScenario(catalogue, "laps", "1 publisher, 1 reader, the lap wraps", config, plan);
  config.publishers = 2;
  config.messages = ring::kLapBits == 2 ? 2 : 3;
  AddTrafficScenario(catalogue, "laps_two_publishers", "2 publishers, 1 reader, the lap wraps", config, plan);
  config.publishers_are_mortal = true;
  plan.bounds.kills = 1;
  AddTrafficScenario(catalogue, "laps_kills", "the same, and a publisher may be killed", config, plan);
  plan.bounds.kills = 0;
  config.publishers_are_mortal = false;
  config.publishers = 1;
  config.shape.mode = ring::CommitMode::kSole;
  config.messages = ring::kLapBits == 2 ? 4 : 7;
  AddTrafficScenario(catalogue, "laps_sole_writer", "a sole writer, the lap wraps", config, plan);
  if (ring::kLapBits < 3) return;
  config.shape.mode = ring::CommitMode::kShared;
  config.shape.entries = 1;
  config.shape.first = kLaps - 2;
  config.publishers = 2;
  config.messages = 2;
  AddTrafficScenario(catalogue, "laps_overwritten", "2 publishers overwrite each other, the lap wraps", config, plan);
}

}  // namespace shmcomm::sched
