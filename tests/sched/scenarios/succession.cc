// SPDX-License-Identifier: Apache-2.0
// One publisher id after another: a publisher may be killed anywhere, the next one takes its id, a reader follows.
#include <array>

#include "sched/scenarios/all.h"
#include "sched/scenarios/publishing_process.h"

namespace shmcomm::sched {
namespace {

struct SuccessionConfig {
  Shape shape;
  std::uint32_t messages = 2;
  std::uint32_t looks = 3;
  bool has_other_ids = false;        // otherwise they belong to publishers that do nothing
};

class Succession : public Scenario {
 public:
  explicit Succession(const SuccessionConfig& config) : config_(config), channel_(config.shape) {}

  void Start(Machine& machine) override {
    machine_ = &machine;
    channel_.Reset();
    for (PublishingProcess& process : processes_) process.Reset();
    machine.SpawnMortal("publisher", [this] { Publish(0); });
    machine.Spawn("successor", [this] { Publish(1); });
    const unsigned reader = machine.Spawn("reader", [this] {
      for (std::uint32_t i = 0; i < config_.looks; ++i) reader_.TakeAndRelease();
    });
    for (std::uint32_t id = 2; !config_.has_other_ids && id <= channel_.shape().max_publishers; ++id) {
      machine.GiveLock(reader, static_cast<int>(id), layout::PublisherLockByte(id));
    }
    reader_.Open(machine, channel_, 0);
    reader_.Join();
  }

  void Finish(Machine& machine) override {
    channel_.CheckEntries(machine);
    reader_.CheckNothingIsMissing();
    channel_.CheckDelivered(machine);
    channel_.CheckFiles(machine);
  }

  void Describe(Names& names) const override { channel_.Describe(names); }

 private:
  void Publish(std::uint32_t index) {
    if (!processes_[index].Open(*machine_, channel_)) return;
    for (std::uint32_t i = 0; i < config_.messages; ++i) processes_[index].Publish();
    processes_[index].Close();
  }

  SuccessionConfig config_;
  ChannelModel channel_;
  Machine* machine_ = nullptr;
  std::array<PublishingProcess, 2> processes_;
  ModelReader reader_;
};

void Add(Catalogue& catalogue, const char* name, const char* about, const SuccessionConfig& config, const Plan& plan) {
  catalogue.push_back({name, about, [config] { return std::make_unique<Succession>(config); }, plan});
}

}  // namespace

void AddSuccession(Catalogue& catalogue) {
  SuccessionConfig config;
  Plan plan;
  plan.bounds.kills = 1;
  config.shape.prepares = true;
  config.shape.entries = 2;
  config.shape.slots = config.shape.LeastSlots();
  config.shape.max_publishers = 1;
  config.shape.mode = ring::CommitMode::kSole;
  Add(catalogue, "sole_writer_succession", "a sole writer is killed anywhere, its successor goes on", config, plan);
  config.shape.max_publishers = 2;
  config.shape.mode = ring::CommitMode::kShared;
  Add(catalogue, "id_reuse", "a publisher is killed anywhere, its id is given out again", config, plan);
  config.shape.history = 1;
  config.shape.slots = config.shape.LeastSlots() + 2;
  config.messages = 1;
  config.has_other_ids = true;
  Add(catalogue, "id_reuse_history", "the same where one old message is promised and another id is free", config, plan);
  config.has_other_ids = false;
  config.shape.history = 0;
  config.shape.entries = 4;
  config.shape.capacity = 4;
  config.shape.slots = config.shape.FullSlots();
  Add(catalogue, "id_reuse_reliable", "the same on a reliable channel: what is not read is promised", config, plan);
  config.shape.entries = 1;
  config.shape.capacity = 1;
  config.shape.slots = config.shape.FullSlots();
  Add(catalogue, "id_reuse_full_ring", "the same where the first that is not read is a lap behind head", config, plan);
}

void AddLapsSuccession(Catalogue& catalogue) {
  SuccessionConfig config;
  Plan plan;
  plan.bounds.kills = 1;
  config.shape.entries = 2;
  config.shape.slots = config.shape.LeastSlots();
  config.shape.max_publishers = 1;
  config.shape.mode = ring::CommitMode::kSole;
  config.shape.first = ((std::uint64_t{1} << ring::kLapBits) - 2) * config.shape.entries;
  Add(catalogue, "laps_succession", "a sole writer is killed, its successor goes on, the lap wraps", config, plan);
}

}  // namespace shmcomm::sched
