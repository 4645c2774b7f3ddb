// SPDX-License-Identifier: Apache-2.0
// One process waits for several channels at once, through the shipped wait set (endpoint/wait_set_core.cc): on the channels'
// bells, or through their wake files where the system cannot sleep on several words. A wake that is lost shows as a waiter
// asleep beside a message of either channel, or beside a Wake() that nobody has heard (I8).
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "endpoint/wait_set_core.h"
#include "sched/channel_model.h"
#include "sched/scenarios/all.h"

namespace shmcomm::sched {
namespace {

struct SeveralConfig {
  std::uint32_t channels = 2;       // the first with a sole writer, the second with a shared ring
  std::uint32_t messages = 2;       // in each
  bool sleeps_on_bells = true;
  bool is_sole_last = false;
  bool has_waker = false;           // a thread of the waiting process
};

constexpr std::uint32_t kMostChannels = 2;

Shape ShapeOf(const SeveralConfig& config, std::uint32_t channel) {
  Shape shape;
  shape.max_publishers = 1;
  shape.first_line = channel;       // wake files of one name would be one file: the model has one directory
  shape.slots = shape.FullSlots();
  shape.most_quiet = 1;             // so that asking, granting and withdrawing meet
  const bool is_sole = (channel == 0) != config.is_sole_last;
  shape.mode = is_sole ? ring::CommitMode::kSole : ring::CommitMode::kShared;
  return shape;
}

/// As a subscriber's core: what it tells a wait set, and how it takes.
class SeveralMember final : public endpoint::Waitable {
 public:
  void Open(Machine& machine, ChannelModel& channel) {
    channel_ = &channel;
    wake_file_ = platform::KeptDescriptor();
    door_.emplace(this);
    reader_.Open(machine, channel, 0);
    reader_.Join();
    sleeper_.emplace(*channel.readers().wake, channel.shape().mode == ring::CommitMode::kSole);
  }
  std::shared_ptr<endpoint::Door> door() { return {std::shared_ptr<endpoint::Door>(), &*door_}; }
  ModelReader& reader() { return reader_; }
  bool HasMessage() const { return reader_.IsAvailable(); }

  const std::string& name() const override { return name_; }
  bool IsThisProcess() const override { return true; }
  const base::Atomic<std::uint32_t>& bell() const override { return sleeper_->word(); }
  void Arm(wake::Ear ear) override { sleeper_->Arm(ear); }
  wake::FenceRequest* fences() override { return sleeper_->fences(); }
  bool IsReady() override { return reader_.IsAvailable(); }
  absl::Status AfterVainSleep() override { return absl::OkStatus(); }
  absl::StatusOr<const platform::KeptDescriptor*> WakeFile() override {
    absl::StatusOr<platform::Descriptor> file =
        wake::MakeWakeFile(channel_->site().wake_files(), channel_->shape().first_line);
    if (!file.ok()) return file.status();
    wake_file_ = platform::KeptDescriptor(*std::move(file));
    return &wake_file_;
  }

 private:
  std::string name_ = "model";
  ChannelModel* channel_ = nullptr;
  std::optional<endpoint::Door> door_;
  ModelReader reader_;
  std::optional<wake::Sleeper> sleeper_;
  platform::KeptDescriptor wake_file_;
};

class Several : public Scenario {
 public:
  explicit Several(const SeveralConfig& config)
      : config_(config), channels_{ChannelModel(ShapeOf(config, 0)), ChannelModel(ShapeOf(config, 1))} {}

  void Start(Machine& machine) override {
    machine_ = &machine;
    machine.kernel().set_can_sleep_on_many(config_.sleeps_on_bells);
    set_.emplace();
    wakes_heard_ = 0;
    machine.Spawn("waiter", [this] { RunWaiter(); });
    for (std::uint32_t i = 0; i < config_.channels; ++i) {
      channels_[i].Reset();
      channels_[i].LayFile(1, 1, channels_[i].shape().first);
      channels_[i].ring().publishers[1].generation.store(1, std::memory_order_relaxed);
      publishers_[i].Open(machine, channels_[i], 0, 1);
      members_[i].Open(machine, channels_[i]);
      set_->Add(members_[i].door()).IgnoreError();
      machine.Spawn(i == 0 ? "publisher 0" : "publisher 1", [this, i] { RunPublisher(i); });
    }
    if (config_.has_waker) machine.Spawn("waker", [this] { set_->Wake(); });
  }

  void Rest(Machine& machine) override {
    for (std::uint32_t i = 0; i < config_.channels; ++i) {
      machine.Check(!IsAsleep() || !members_[i].HasMessage(), "I8: a wait for several sleeps beside a message");
    }
    machine.Check(!IsAsleep() || !IsWakeUnheard(), "a wait for several sleeps though it was woken");
  }

  void Finish(Machine& machine) override {
    machine.Check(machine.StateOf(kWaiter) == ThreadState::kDone, "I8: a wait for several never ends, however often it wakes");
    for (std::uint32_t i = 0; i < config_.channels; ++i) {
      channels_[i].CheckEntries(machine);
      members_[i].reader().CheckNothingIsMissing();
      // Whatever was armed, one ring takes it all (H9).
      wake::Ringer(*channels_[i].readers().wake, wake::Ordering::kFence).Ring();
      machine.Check(channels_[i].readers().wake->armed.load(std::memory_order_relaxed) == 0, "a bell stays armed after it rang");
    }
  }

  void Describe(Names& names) const override {
    for (std::uint32_t i = 0; i < config_.channels; ++i) channels_[i].Describe(names, std::to_string(i) + '.');
  }

 private:
  static constexpr unsigned kWaiter = 0;

  bool IsAsleep() const { return machine_->StateOf(kWaiter) == ThreadState::kAsleep; }
  bool IsWakeUnheard() const {
    return config_.has_waker && machine_->StateOf(1 + config_.channels) == ThreadState::kDone && wakes_heard_ == 0;
  }

  void RunPublisher(std::uint32_t channel) {
    const bool is_sole = channels_[channel].shape().mode == ring::CommitMode::kSole;
    publishers_[channel].UseBell(is_sole && platform::RegisterForBarrier() ? wake::Ordering::kAsymmetric
                                                                           : wake::Ordering::kFenceAfterRmw);
    for (std::uint32_t i = 0; i < config_.messages; ++i) publishers_[channel].Publish();
  }

  void RunWaiter() {
    const std::uint32_t all = config_.channels * config_.messages;
    const std::uint32_t wakes = config_.has_waker ? 1 : 0;
    for (std::uint32_t taken = 0; taken < all || wakes_heard_ < wakes;) {
      const absl::StatusOr<WaitSet::Ready> ready = set_->Wait(absl::InfiniteDuration());
      machine_->Check(ready.ok(), "a wait for several is refused");
      machine_->Check(!ready->empty() || ++wakes_heard_ <= wakes, "a wait for several ends, and nobody is ready");
      for (const WaitSet::Key key : *ready) {
        machine_->Check(members_[key].reader().TakeAndRelease(), "a member that was named has no message");
        ++taken;
      }
    }
  }

  SeveralConfig config_;
  Machine* machine_ = nullptr;
  std::array<ChannelModel, kMostChannels> channels_;
  std::array<ModelPublisher, kMostChannels> publishers_;
  std::array<SeveralMember, kMostChannels> members_;
  std::optional<endpoint::WaitSetCore> set_;
  std::uint32_t wakes_heard_ = 0;
};

void Add(Catalogue& catalogue, const char* name, const char* about, const SeveralConfig& config, const Plan& plan) {
  catalogue.push_back({name, about, [config] { return std::make_unique<Several>(config); }, plan});
}

}  // namespace

void AddSeveral(Catalogue& catalogue) {
  SeveralConfig config;
  Plan plan;
  plan.depth_first = 300'000;
  plan.random = 200'000;
  Add(catalogue, "several", "1 waits on the bells of 2 channels, a sole writer's and a shared one", config, plan);
  config.is_sole_last = true;
  Add(catalogue, "several_sole_last", "the same, the sole writer's channel is the second", config, plan);
  config.is_sole_last = false;
  config.sleeps_on_bells = false;
  Add(catalogue, "several_watched", "1 waits through the wake files of 2 channels", config, plan);
  config.channels = 1;
  config.has_waker = true;
  Add(catalogue, "several_watched_woken", "1 waits through a wake file, another thread ends its wait", config, plan);
  config.sleeps_on_bells = true;
  Add(catalogue, "several_woken", "1 waits on a bell, another thread ends its wait", config, plan);
}

}  // namespace shmcomm::sched
