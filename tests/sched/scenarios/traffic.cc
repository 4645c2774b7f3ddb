// SPDX-License-Identifier: Apache-2.0
#include "sched/scenarios/traffic.h"

#include "sched/scenarios/all.h"

namespace shmcomm::sched {

void Traffic::Start(Machine& machine) {
  channel_.Reset();
  for (std::uint32_t i = 0; i < config_.publishers; ++i) {
    channel_.LayFile(i + 1, 1, channel_.shape().first);
    channel_.ring().publishers[i + 1].generation.store(1, std::memory_order_relaxed);
    publishers_[i].Open(machine, channel_, i, i + 1);
    const auto body = [this, i] { RunPublisher(i); };
    config_.publishers_are_mortal ? machine.SpawnMortal("publisher", body) : machine.Spawn("publisher", body);
  }
  for (std::uint32_t i = 0; i < config_.readers; ++i) {
    readers_[i].Open(machine, channel_, i);
    if (!config_.join_while_running) readers_[i].Join(config_.history);
    const auto body = [this, i] { RunReader(i); };
    config_.readers_are_mortal ? machine.SpawnMortal("reader", body) : machine.Spawn("reader", body);
    is_reading_[i] = true;
  }
  for (std::uint32_t i = 0; i < config_.readers && config_.release_elsewhere; ++i) {
    machine.Spawn("releaser", [this, i] { RunReleaser(i); });
  }
}

void Traffic::RunPublisher(std::uint32_t index) {
  for (std::uint32_t i = 0; i < config_.messages; ++i) publishers_[index].Publish();
}

void Traffic::RunReader(std::uint32_t index) {
  ModelReader& reader = readers_[index];
  if (config_.join_while_running) reader.Join(config_.history);
  std::uint32_t held = 0;
  for (std::uint32_t i = 0; i < config_.looks; ++i) {
    if (held == config_.holds && !config_.release_elsewhere) {
      config_.newest_goes_first ? reader.ReleaseNewest() : reader.Release();
      --held;
    }
    held += config_.takes_many ? reader.TakeMany(config_.holds - held) : config_.takes_latest ? reader.TakeLatest() : reader.Take();
  }
  for (; held > 0 && !config_.release_elsewhere; --held) reader.Release();
  is_reading_[index] = false;
}

void Traffic::RunReleaser(std::uint32_t index) {
  // The samples go from thread to thread by means of the program's own, which order what they hand over.
  ModelReader& reader = readers_[index];
  while (is_reading_[index] || reader.holds() > 0) reader.holds() > 0 ? reader.ReleaseHandedOver() : base::Pause();
}

void Traffic::Finish(Machine& machine) {
  channel_.CheckEntries(machine);
  std::uint32_t pinned = 0;
  for (std::uint32_t i = 0; i < config_.readers; ++i) {
    const bool is_alive = machine.StateOf(ThreadOfReader(i)) == ThreadState::kDone;
    if (is_alive) readers_[i].CheckNothingIsMissing();
    machine.Check(!is_alive || !config_.loses_nothing || readers_[i].lost() == 0, "I12: an unread message was taken back");
    if (!is_alive) pinned += channel_.shape().max_borrowed;
  }
  for (std::uint32_t i = 0; i < config_.publishers; ++i) {
    if (machine.StateOf(i) != ThreadState::kDone) continue;
    publishers_[i].CheckNoSlotIsLost(pinned + config_.publishers * config_.shape.history);
  }
}

void AddTrafficScenario(Catalogue& catalogue, const char* name, const char* about, const TrafficConfig& config,
                        const Plan& plan) {
  catalogue.push_back({name, about, [config] { return std::make_unique<Traffic>(config); }, plan});
}

namespace {

void AddPublishing(Catalogue& catalogue) {
  TrafficConfig config;
  config.shape.slots = config.shape.FullSlots();
  Plan plan;
  AddTrafficScenario(catalogue, "one_to_one", "1 publisher, 1 reader, all slots of the layout", config, plan);
  config.publishers = 2;
  config.messages = 2;
  AddTrafficScenario(catalogue, "two_to_one", "2 publishers, 1 reader", config, plan);
  config.readers = 2;
  config.looks = 2;
  config.shape.readers = 2;
  config.shape.slots = config.shape.FullSlots();
  AddTrafficScenario(catalogue, "two_to_two", "2 publishers, 2 readers", config, plan);
  config.publishers_are_mortal = true;
  config.readers_are_mortal = true;
  plan.bounds.kills = 2;
  AddTrafficScenario(catalogue, "two_to_two_kills", "2 publishers, 2 readers, two of them may be killed", config, plan);
}

void AddReclaiming(Catalogue& catalogue) {
  TrafficConfig config;  // N = 1: every publish overwrites
  config.shape.entries = 1;
  config.shape.slots = 3;
  config.messages = 4;
  Plan plan;
  AddTrafficScenario(catalogue, "reclaim_overwritten", "a reader is lapped at every message; slots come back from the ring",
                     config, plan);
  config.publishers = 2;
  config.messages = 3;
  config.shape.slots = config.shape.LeastSlots();
  plan.random = 400'000;
  AddTrafficScenario(catalogue, "reclaim_two_publishers", "the same with two publishers that overwrite each other", config,
                     plan);
  plan.random = Plan{}.random;
  config.publishers = 3;
  config.messages = 2;
  AddTrafficScenario(catalogue, "reclaim_three_publishers", "the same with three", config, plan);
  config.publishers = 1;
  config.messages = 4;
  config.shape.entries = 2;
  config.shape.slots = config.shape.LeastSlots();
  AddTrafficScenario(catalogue, "retract", "R*H+1 slots: a loan takes entries out of the ring (I6)", config, plan);
  config.shape.mode = ring::CommitMode::kSole;
  AddTrafficScenario(catalogue, "sole_writer", "the same with a sole writer", config, plan);
  config.shape.mode = ring::CommitMode::kShared;
  config.shape.prepares = true;
  AddTrafficScenario(catalogue, "retract_prepared", "the same, slots are looked for after a commit too", config, plan);
  config.shape.prepares = false;
  config.readers_are_mortal = true;
  plan.bounds.kills = 1;
  AddTrafficScenario(catalogue, "retract_kills", "the same, and the reader may be killed with its hands full", config, plan);
  config.readers_are_mortal = false;
  plan.bounds.kills = 0;
  config.publishers = 2;
  config.messages = 3;
  AddTrafficScenario(catalogue, "retract_two_publishers", "2 publishers with R*H+1 slots each", config, plan);
}

void AddHolding(Catalogue& catalogue) {
  TrafficConfig config;
  config.shape.max_borrowed = 2;
  config.holds = 2;
  config.looks = 4;
  config.messages = 5;
  config.shape.slots = config.shape.LeastSlots();
  Plan plan;
  AddTrafficScenario(catalogue, "retract_two_held", "a reader keeps two samples, the publisher has R*H+1 slots", config, plan);
  config.newest_goes_first = true;
  AddTrafficScenario(catalogue, "retract_two_held_turned", "the same, and the newer of them goes first", config, plan);
  config.newest_goes_first = false;
  config.release_elsewhere = true;
  AddTrafficScenario(catalogue, "release_elsewhere", "the same, and another thread releases them", config, plan);
}

void AddJoining(Catalogue& catalogue) {
  TrafficConfig config;
  config.shape.slots = config.shape.LeastSlots();
  config.join_while_running = true;
  config.messages = 4;
  config.looks = 2;
  Plan plan;
  AddTrafficScenario(catalogue, "join", "a reader joins while the publisher takes slots back", config, plan);
  config.shape.entries = 4;
  config.shape.history = 1;
  config.history = 1;
  config.shape.slots = config.shape.LeastSlots() + 2;
  config.messages = 6;
  AddTrafficScenario(catalogue, "join_history", "the same, and the reader wants one old message", config, plan);
  config.shape.slots = config.shape.LeastSlots();
  config.shape.may_run_out = true;
  config.publishers_are_mortal = true;  // a promise that is broken for a moment shows when its publisher dies then
  plan.bounds.kills = 1;
  AddTrafficScenario(catalogue, "history_kept", "so few slots that a publisher runs out rather than break a promise", config,
                     plan);
}

void AddLatest(Catalogue& catalogue) {
  TrafficConfig config;
  config.shape.slots = config.shape.LeastSlots();
  config.messages = 4;
  config.takes_latest = true;
  Plan plan;
  AddTrafficScenario(catalogue, "latest", "a reader passes over all but the newest", config, plan);
  config.publishers = 2;
  config.messages = 2;
  AddTrafficScenario(catalogue, "latest_two_publishers", "the same with two publishers", config, plan);
}

void AddOtherLines(Catalogue& catalogue) {
  TrafficConfig config;
  config.shape.first_line = 64;
  config.shape.slots = config.shape.LeastSlots();
  config.join_while_running = true;
  config.messages = 4;
  Plan plan;
  AddTrafficScenario(catalogue, "second_word", "a reader whose line is in the second word of the bitmap", config, plan);
  config = TrafficConfig{};
  config.shape.entries = 4;
  config.shape.history = 1;
  config.history = 1;
  config.shape.slots = config.shape.LeastSlots() + 2;
  config.shape.mode = ring::CommitMode::kSole;
  config.join_while_running = true;
  config.messages = 6;
  AddTrafficScenario(catalogue, "join_history_sole_writer", "a sole writer, and a reader that joins wants an old message",
                     config, plan);
}

void AddRetiringEarly(Catalogue& catalogue) {
  TrafficConfig config;
  config.shape.entries = 8;
  config.shape.slots = config.shape.FullSlots();
  config.shape.retires_early = true;
  config.messages = 4;
  config.loses_nothing = true;
  Plan plan;
  AddTrafficScenario(catalogue, "early", "slots come back once the reader has passed them; it loses nothing", config, plan);
  config.publishers = 2;
  config.messages = 2;
  AddTrafficScenario(catalogue, "early_two_publishers", "the same with two publishers", config, plan);
  config.publishers = 1;
  config.messages = 4;
  config.history = 1;
  config.loses_nothing = false;
  config.join_while_running = true;
  AddTrafficScenario(catalogue, "early_join", "the same, and the reader joins late and looks back", config, plan);
  config.shape.entries = 2;
  config.shape.history = 1;
  config.shape.slots = config.shape.FullSlots();
  config.publishers_are_mortal = true;
  plan.bounds.kills = 1;
  AddTrafficScenario(catalogue, "early_history", "the same with one message promised, and the publisher may be killed", config,
                     plan);
  config.shape.history = 0;
  config.join_while_running = false;
  config.publishers_are_mortal = false;
  config.readers_are_mortal = true;
  config.history = 0;
  AddTrafficScenario(catalogue, "early_kills", "a reader may be killed with a message that was passed in its hands", config, plan);
}

void AddTakingMany(Catalogue& catalogue) {
  TrafficConfig config;
  config.takes_many = true;
  config.holds = 2;
  config.looks = 3;
  config.messages = 5;
  config.shape.max_borrowed = 2;
  config.shape.slots = config.shape.LeastSlots();
  Plan plan;
  AddTrafficScenario(catalogue, "many", "a reader takes two samples at once, the publisher has R*H+1 slots", config, plan);
  config.publishers = 2;
  config.shape.entries = 4;
  config.messages = 4;
  AddTrafficScenario(catalogue, "many_two_publishers", "the same with two publishers", config, plan);
  config.publishers = 1;
  config.shape.entries = 2;
  config.readers_are_mortal = true;
  config.messages = 5;
  plan.bounds.kills = 1;
  AddTrafficScenario(catalogue, "many_kills", "the same, and the reader may be killed", config, plan);
}

}  // namespace

void AddTraffic(Catalogue& catalogue) {
  AddPublishing(catalogue);
  AddReclaiming(catalogue);
  AddHolding(catalogue);
  AddJoining(catalogue);
  AddLatest(catalogue);
  AddOtherLines(catalogue);
  AddRetiringEarly(catalogue);
  AddTakingMany(catalogue);
}

}  // namespace shmcomm::sched
