// SPDX-License-Identifier: Apache-2.0
// Registering against cleaning: one reader line, a reader that may be killed in it, another one that wants it, a cleaner
// that may be slow, and a publisher that reuses slots as soon as no hazard names them.
#include <array>
#include <optional>

#include "registry/cleaner.h"
#include "registry/seats.h"
#include "sched/channel_model.h"
#include "sched/scenarios/all.h"

namespace shmcomm::sched {
namespace {

struct SeatsConfig {
  Shape shape;
  std::uint32_t messages_before = 2;  // in the ring when the readers come
  std::uint32_t messages = 2;
  std::uint32_t looks = 1;
  bool has_cleaner = true;
  bool cleaner_is_mortal = false;
};

class Seats : public Scenario {
 public:
  explicit Seats(const SeatsConfig& config) : config_(config), channel_(config.shape) {}

  void Start(Machine& machine) override {
    machine_ = &machine;
    channel_.Reset();
    channel_.LayFile(1, 1, channel_.shape().first);
    channel_.ring().publishers[1].generation.store(1, std::memory_order_relaxed);
    publisher_.Open(machine, channel_, 0, 1);
    for (std::uint32_t i = 0; i < config_.messages_before; ++i) publisher_.Publish();
    for (std::uint32_t i = 0; i < readers_.size(); ++i) {
      seats_[i].reset();
      has_joined_[i] = false;
      const auto body = [this, i] { RunReader(i); };
      i == 0 ? machine.SpawnMortal("reader", body) : machine.Spawn("next reader", body);
    }
    machine.Spawn("publisher", [this] {
      for (std::uint32_t i = 0; i < config_.messages; ++i) publisher_.Publish();
    });
    if (!config_.has_cleaner) return;
    const auto clean = [this] { registry::CleanDeadReaders(channel_.site()).IgnoreError(); };
    config_.cleaner_is_mortal ? machine.SpawnMortal("cleaner", clean) : machine.Spawn("cleaner", clean);
  }

  void Finish(Machine& machine) override {
    channel_.CheckEntries(machine);
    for (std::uint32_t i = 0; i < readers_.size(); ++i) {
      const bool is_alive = machine.StateOf(i) != ThreadState::kKilled;
      machine.Check(!is_alive || has_joined_[i], "a reader found no line though one was free or its owner dead");
    }
    // The last one leaves the line clean, unless somebody was killed after it.
    publisher_.CheckNoSlotIsLost(machine.kills() > 0 ? channel_.shape().max_borrowed : 0);
  }

  void Describe(Names& names) const override { channel_.Describe(names); }

 private:
  void RunReader(std::uint32_t index) {
    absl::StatusOr<registry::ReaderSeat> seat = registry::TakeReaderLine(channel_.site());
    if (!seat.ok()) return;
    seats_[index].emplace(*std::move(seat));
    readers_[index].Open(*machine_, channel_, seats_[index]->line);
    readers_[index].Join(config_.messages_before);
    has_joined_[index] = true;
    for (std::uint32_t i = 0; i < config_.looks; ++i) readers_[index].TakeAndRelease();
    registry::LeaveReaderLine(channel_.site(), *seats_[index]);
    seats_[index].reset();
  }

  SeatsConfig config_;
  ChannelModel channel_;
  Machine* machine_ = nullptr;
  ModelPublisher publisher_;
  std::array<ModelReader, 2> readers_;
  std::array<std::optional<registry::ReaderSeat>, 2> seats_;
  std::array<bool, 2> has_joined_{};
};

void Add(Catalogue& catalogue, const char* name, const char* about, const SeatsConfig& config, const Plan& plan) {
  catalogue.push_back({name, about, [config] { return std::make_unique<Seats>(config); }, plan});
}

}  // namespace

void AddSeats(Catalogue& catalogue) {
  SeatsConfig config;
  Plan plan;
  plan.bounds.kills = 1;
  config.shape.slots = config.shape.LeastSlots();
  config.has_cleaner = false;
  Add(catalogue, "line_reuse", "a reader is killed anywhere, the next one takes its line", config, plan);
  config.has_cleaner = true;
  plan.random = 400'000;
  Add(catalogue, "line_reuse_cleaner", "the same, and a cleaner at any time", config, plan);
  config.cleaner_is_mortal = true;
  plan.bounds.kills = 2;
  Add(catalogue, "line_reuse_cleaner_kills", "the same, and the cleaner may be killed too", config, plan);
}

}  // namespace shmcomm::sched
