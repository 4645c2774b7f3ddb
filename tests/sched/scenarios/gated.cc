// SPDX-License-Identifier: Apache-2.0
// Reliable channels: publishers wait for readers, readers join, leave, die and are demoted. Nothing at or above its floor
// is lost to a reader that was not demoted (I10), and nobody sleeps for room that is there (E8).
#include <array>
#include <optional>

#include "registry/seats.h"
#include "ring/gate.h"
#include "sched/channel_model.h"
#include "sched/scenarios/all.h"

namespace shmcomm::sched {
namespace {

struct GatedConfig {
  Shape shape;
  std::uint32_t publishers = 1;
  std::uint32_t messages = 3;
  std::uint32_t readers = 1;
  std::uint32_t looks = 0;             // a reader leaves after so many; 0: it reads until it has everything
  std::uint32_t history = 0;
  bool join_while_running = false;
  bool has_demoter = false;
  bool readers_are_mortal = false;
  bool first_reader_is_lossy = false;
};

class Gated : public Scenario {
 public:
  explicit Gated(const GatedConfig& config) : config_(config), channel_(config.shape) {}

  void Start(Machine& machine) override {
    machine_ = &machine;
    channel_.Reset();
    for (std::uint32_t i = 0; i < config_.publishers; ++i) {
      channel_.LayFile(i + 1, 1, channel_.shape().first);
      channel_.ring().publishers[i + 1].generation.store(1, std::memory_order_relaxed);
      publishers_[i].Open(machine, channel_, i, i + 1);
      publishers_[i].UseBell(wake::Ordering::kFence);
      machine.Spawn("publisher", [this, i] {
        for (std::uint32_t n = 0; n < config_.messages; ++n) publishers_[i].Publish();
      });
    }
    for (std::uint32_t i = 0; i < config_.readers; ++i) StartReader(i);
    if (config_.has_demoter) machine.Spawn("demoter", [this] { RunDemoter(); });
  }

  void Rest(Machine& machine) override {
    for (std::uint32_t i = 0; i < config_.publishers && machine.kills() == 0; ++i) {
      const bool is_asleep = machine.StateOf(i) == ThreadState::kAsleep;
      machine.Check(!is_asleep || channel_.RoomLeft() == 0, "I8: a publisher sleeps though there is room");
    }
    for (std::uint32_t i = 0; i < config_.readers; ++i) {
      const bool is_asleep = machine.StateOf(ThreadOfReader(i)) == ThreadState::kAsleep;
      machine.Check(!is_asleep || !readers_[i].IsAvailable(), "I8: a reader sleeps beside a message");
    }
  }

  void Finish(Machine& machine) override {
    channel_.CheckEntries(machine);
    for (std::uint32_t i = 0; i < config_.publishers; ++i) {
      machine.Check(machine.StateOf(i) == ThreadState::kDone, "a publisher is stopped for good");
    }
    for (std::uint32_t i = 0; i < config_.readers; ++i) {
      const bool is_reading = machine.StateOf(ThreadOfReader(i)) != ThreadState::kKilled && config_.looks == 0;
      if (is_reading && has_joined_[i]) readers_[i].CheckNothingIsMissing();
    }
  }

  void Describe(Names& names) const override { channel_.Describe(names); }

 private:
  static constexpr std::uint32_t kMost = 2;
  static constexpr std::int64_t kForEver = std::int64_t{1} << 62;

  unsigned ThreadOfReader(std::uint32_t index) const { return config_.publishers + index; }
  bool IsLossy(std::uint32_t index) const { return config_.first_reader_is_lossy && index == 0; }

  void StartReader(std::uint32_t index) {
    seats_[index].reset();
    has_joined_[index] = !config_.join_while_running;
    readers_[index].Open(*machine_, channel_, index, IsLossy(index));
    if (!config_.join_while_running) readers_[index].Join(config_.history);
    const auto body = [this, index] { RunReader(index); };
    const unsigned thread =
        config_.readers_are_mortal ? machine_->SpawnMortal("reader", body) : machine_->Spawn("reader", body);
    if (!config_.join_while_running) machine_->GiveLock(thread, static_cast<int>(thread) + 1, layout::ReaderLockByte(index));
    sleepers_[index].emplace(channel_.ring().header->bell, *channel_.readers().wake, false);
  }

  void RunReader(std::uint32_t index) {
    ModelReader& reader = readers_[index];
    if (config_.join_while_running) {
      absl::StatusOr<registry::ReaderSeat> seat = registry::TakeReaderLine(channel_.site());
      if (!seat.ok()) return;
      seats_[index].emplace(*std::move(seat));
      reader.Open(*machine_, channel_, seats_[index]->line, IsLossy(index));
      reader.Join(config_.history);
      has_joined_[index] = true;
    }
    const std::uint32_t all = config_.publishers * config_.messages;
    for (std::uint32_t look = 0; config_.looks == 0 || look < config_.looks; ++look) {
      if (reader.TakeAndRelease()) continue;
      if (config_.looks == 0 && channel_.commits == all && !reader.IsAvailable()) return;
      if (config_.looks == 0) sleepers_[index]->SleepUnless([&] { return reader.IsAvailable(); }, kForEver);
    }
    if (!seats_[index].has_value()) return;
    registry::LeaveReaderLine(channel_.site(), *seats_[index]);
    seats_[index].reset();
  }

  /// Some publisher that has waited long enough, at any time.
  void RunDemoter() {
    const ring::CursorWord seen{channel_.readers().lines[0].cursor.load(std::memory_order_acquire)};
    if (seen.state() != ring::ReaderState::kActive) return;
    if (ring::Demote(channel_.readers(), 0, seen)) wake::RoomBell(channel_.readers().lines[0]).RingAlways();
  }

  GatedConfig config_;
  ChannelModel channel_;
  Machine* machine_ = nullptr;
  std::array<ModelPublisher, kMost> publishers_;
  std::array<ModelReader, kMost> readers_;
  std::array<std::optional<registry::ReaderSeat>, kMost> seats_;
  std::array<std::optional<wake::Sleeper>, kMost> sleepers_;
  std::array<bool, kMost> has_joined_{};
};

void Add(Catalogue& catalogue, const char* name, const char* about, const GatedConfig& config, const Plan& plan) {
  catalogue.push_back({name, about, [config] { return std::make_unique<Gated>(config); }, plan});
}

}  // namespace

void AddGated(Catalogue& catalogue) {
  GatedConfig config;
  Plan plan;
  config.shape.entries = 1;
  config.shape.capacity = 1;
  config.shape.slots = config.shape.FullSlots();
  Add(catalogue, "gate", "reliable, N = 1: 1 publisher waits for 1 reader at every message", config, plan);
  config.publishers = 2;
  config.messages = 2;
  Add(catalogue, "gate_two_publishers", "reliable: 2 publishers wait for 1 reader", config, plan);
  config.publishers = 1;
  config.readers_are_mortal = true;
  plan.bounds.kills = 1;
  Add(catalogue, "gate_kills", "reliable: the reader may be killed, the publisher cleans its line", config, plan);
  config.readers_are_mortal = false;
  plan.bounds.kills = 0;
  config.join_while_running = true;
  config.messages = 3;
  Add(catalogue, "gate_join", "reliable: a reader joins while a publisher publishes", config, plan);
  config.publishers = 2;
  config.messages = 1;
  Add(catalogue, "gate_join_two_publishers", "reliable: a reader joins while 2 publishers publish", config, plan);
  config.publishers = 1;
  config.messages = 3;
  config.looks = 2;
  Add(catalogue, "gate_leave", "reliable: a reader joins and leaves while a publisher waits for it", config, plan);
  config.looks = 0;
  config.join_while_running = false;
  config.has_demoter = true;
  config.shape.slots = config.shape.LeastReliableSlots();
  config.messages = 4;
  Add(catalogue, "demote", "reliable: the reader is demoted at any time and rejoins", config, plan);
  config.shape.entries = 2;
  config.shape.capacity = 2;
  config.shape.slots = config.shape.LeastReliableSlots();
  config.messages = 5;
  Add(catalogue, "demote_two_entries", "the same with two entries", config, plan);
  config.has_demoter = false;
  config.readers = 2;
  config.shape.readers = 2;
  config.first_reader_is_lossy = true;
  config.shape.slots = config.shape.FullSlots();
  config.messages = 3;
  Add(catalogue, "gate_lossy", "reliable: a best_effort reader beside a reliable one holds nobody", config, plan);
  config.readers = 1;
  config.shape.readers = 1;
  config.first_reader_is_lossy = false;
  config.shape.slots = config.shape.LeastSlots();
  config.shape.may_run_out = true;
  Add(catalogue, "gate_few_slots", "reliable: with too few slots a publisher gives up rather than take a message back", config,
      plan);
}

}  // namespace shmcomm::sched
