// SPDX-License-Identifier: Apache-2.0
// A reader sleeps until a publisher wakes it. A wake that is lost shows as a reader asleep beside a message when nothing
// else happens any more (I8); a publisher that was killed may leave that behind, for a bounded sleep or until somebody
// cleans up after it (H7, K10).
#include <array>
#include <string_view>

#include "platform/os.h"
#include "registry/cleaner.h"
#include "sched/scenarios/all.h"
#include "sched/scenarios/publishing_process.h"

namespace shmcomm::sched {
namespace {

struct WakingConfig {
  Shape shape;
  std::uint32_t publishers = 1;
  std::uint32_t messages = 2;
  std::uint32_t readers = 1;
  bool publishers_are_mortal = false;
  bool readers_are_mortal = false;
  bool has_cleaner = false;
  bool readers_have_barrier = true;
  bool publishers_always_fence = false;
  bool publishers_follow = false;  // each opens when the one before has left
  bool dies_withdrawing = false;   // the first of those, between its withdrawal and the fence behind it
  bool publishers_pause = false;   // after the first message, for as long as anything else can happen
};

class Waking : public Scenario {
 public:
  explicit Waking(const WakingConfig& config) : config_(config), channel_(config.shape) {}

  void Start(Machine& machine) override {
    machine_ = &machine;
    has_cleaned_ = false;
    channel_.Reset();
    machine.kernel().set_can_issue_barrier(config_.readers_have_barrier);
    for (std::uint32_t i = 0; i < config_.publishers; ++i) {
      processes_[i].Reset();
      const auto body = [this, i] { RunPublisher(i); };
      config_.publishers_are_mortal ? machine.SpawnMortal("publisher", body) : machine.Spawn("publisher", body);
    }
    for (std::uint32_t i = 0; i < config_.readers; ++i) {
      readers_[i].Open(machine, channel_, i);
      readers_[i].Join();
      sleepers_[i].emplace(*channel_.readers().wake,
                           channel_.shape().mode == ring::CommitMode::kSole);
      const auto body = [this, i] { RunReader(i); };
      config_.readers_are_mortal ? machine.SpawnMortal("reader", body) : machine.Spawn("reader", body);
    }
    if (config_.has_cleaner) machine.Spawn("cleaner", [this] { RunCleaner(); });
  }

  void Rest(Machine& machine) override {
    // What a dead publisher did not wake sleeps until its time is up; so does who cannot issue a barrier, but only until
    // the publisher has had the time to learn of it.
    const bool is_new_to_it = !config_.readers_have_barrier && machine.StateOf(0) != ThreadState::kDone;
    const bool is_wake_lost = IsAnyPublisherDead() && !has_cleaned_ && !config_.dies_withdrawing;
    const bool is_excused = is_wake_lost || is_new_to_it;
    for (std::uint32_t i = 0; i < config_.readers && !is_excused; ++i) {
      machine.Check(!SleepsBesideAMessage(i), "I8: a reader sleeps beside a message");
    }
  }

  void Finish(Machine& machine) override {
    channel_.CheckEntries(machine);
    for (std::uint32_t i = 0; i < config_.readers; ++i) {
      machine.Check(!SleepsBesideAMessage(i), "I8: a reader never finds a message, however often it wakes");
      if (machine.StateOf(ThreadOfReader(i)) != ThreadState::kKilled) readers_[i].CheckNothingIsMissing();
    }
    channel_.CheckFiles(machine);
    // H9: whatever the dead have armed, one ring takes it all.
    wake::Ringer(*channel_.readers().wake, wake::Ordering::kFence).Ring();
    machine.Check(channel_.readers().wake->armed.load(std::memory_order_relaxed) == 0, "the bell stays armed after it rang");
  }

  bool DiesAt(Machine& machine, const char* crash_point) override {
    return config_.dies_withdrawing && machine.current() == 0 && std::string_view(crash_point) == "wake.ring.after_withdrawal";
  }

  void Describe(Names& names) const override { channel_.Describe(names); }

 private:
  static constexpr std::uint32_t kMost = 2;
  static constexpr std::int64_t kForEver = std::int64_t{1} << 62;

  unsigned ThreadOfReader(std::uint32_t index) const { return config_.publishers + index; }
  bool SleepsBesideAMessage(std::uint32_t index) const {
    return machine_->StateOf(ThreadOfReader(index)) == ThreadState::kAsleep && readers_[index].IsAvailable();
  }
  bool IsAnyPublisherDead() const {
    for (std::uint32_t i = 0; i < config_.publishers; ++i) {
      if (machine_->StateOf(i) == ThreadState::kKilled) return true;
    }
    return false;
  }

  void RunPublisher(std::uint32_t index) {
    PublishingProcess& process = processes_[index];
    platform::RegisterForBarrier();  // as for an endpoint that its process has opened before: later it fences nothing
    while (config_.publishers_follow && index > 0 && machine_->StateOf(index - 1) == ThreadState::kReady) base::Pause();
    if (!process.Open(*machine_, channel_)) return;
    config_.publishers_always_fence ? process.UseBell(wake::Ordering::kFence) : process.UseBell();
    for (std::uint32_t i = 0; i < config_.messages; ++i) {
      if (i == 1 && config_.publishers_pause) platform::FutexWait(pause_, 0, 1);
      process.Publish();
    }
    if (config_.publishers_follow) process.Close();
  }

  void RunReader(std::uint32_t index) {
    ModelReader& reader = readers_[index];
    const std::uint32_t all = config_.publishers * config_.messages;
    while (reader.received() + reader.lost() < all) {
      if (!reader.TakeAndRelease()) sleepers_[index]->SleepUnless([&] { return reader.IsAvailable(); }, kForEver);
    }
  }

  /// Another process opens the channel some time after a publisher has died, or never.
  void RunCleaner() {
    while (machine_->StateOf(0) == ThreadState::kReady) base::Pause();
    const bool is_dead = machine_->StateOf(0) == ThreadState::kKilled;
    registry::CleanDeadPublishers(channel_.site()).IgnoreError();
    has_cleaned_ = is_dead;
  }

  WakingConfig config_;
  ChannelModel channel_;
  Machine* machine_ = nullptr;
  std::array<PublishingProcess, kMost> processes_;
  std::array<ModelReader, kMost> readers_;
  std::array<std::optional<wake::Sleeper>, kMost> sleepers_;
  base::Atomic<std::uint32_t> pause_{0};
  bool has_cleaned_ = false;
};

void Add(Catalogue& catalogue, const char* name, const char* about, const WakingConfig& config, const Plan& plan) {
  catalogue.push_back({name, about, [config] { return std::make_unique<Waking>(config); }, plan});
}

}  // namespace

void AddWaking(Catalogue& catalogue) {
  WakingConfig config;
  Plan plan;
  config.shape.prepares = true;
  config.shape.slots = config.shape.FullSlots();
  Add(catalogue, "wake", "1 publisher with a fence, 1 sleeper", config, plan);
  config.publishers_always_fence = true;
  config.shape.mode = ring::CommitMode::kSole;
  Add(catalogue, "wake_fenced", "a sole writer that cannot register for membarrier, 1 sleeper", config, plan);
  config.publishers_always_fence = false;
  config.shape.mode = ring::CommitMode::kShared;
  config.publishers = 2;
  config.messages = 1;
  Add(catalogue, "wake_two_publishers", "2 publishers with fences, 1 sleeper", config, plan);
  config.publishers = 1;
  config.readers = 2;
  config.shape.readers = 2;
  config.shape.slots = config.shape.FullSlots();
  config.messages = 2;
  config.readers_are_mortal = true;
  plan.bounds.kills = 1;
  Add(catalogue, "wake_two_sleepers", "1 publisher, 2 sleepers, one of which may be killed", config, plan);
  config.readers = 1;
  config.readers_are_mortal = false;
  config.publishers_are_mortal = true;
  config.has_cleaner = true;
  config.messages = 1;
  Add(catalogue, "wake_cleaner", "a publisher is killed anywhere, a cleaner wakes its sleeper", config, plan);
  config.has_cleaner = false;
  config.messages = 2;
  config.publishers = 2;
  Add(catalogue, "wake_kills", "a publisher is killed anywhere, bounded sleeps find its message", config, plan);
  config.publishers = 1;
  config.publishers_are_mortal = false;
  plan.bounds.kills = 0;
  config.shape.max_publishers = 1;
  config.shape.mode = ring::CommitMode::kSole;
  Add(catalogue, "wake_asymmetric", "a sole writer without a fence, 1 sleeper with membarrier", config, plan);
  // One fence for nobody is enough here to leave them out again, so that asking, granting and withdrawing meet.
  config.messages = 4;
  config.shape.most_quiet = 1;
  Add(catalogue, "wake_withdrawn", "a sole writer that stops fencing, 1 sleeper", config, plan);
  config.messages = 3;
  config.readers = 2;
  config.shape.readers = 2;
  config.shape.slots = config.shape.FullSlots();
  Add(catalogue, "wake_withdrawn_two_sleepers", "a sole writer that stops fencing, 2 sleepers that rely on each other's grants", config, plan);
  config.readers_are_mortal = true;
  plan.bounds.kills = 1;
  Add(catalogue, "wake_withdrawn_kills", "the same, one sleeper is killed anywhere", config, plan);
  config.readers_are_mortal = false;
  plan.bounds.kills = 0;
  config.readers = 1;
  config.publishers = 2;
  config.publishers_follow = true;
  config.messages = 2;
  Add(catalogue, "wake_withdrawn_successor", "a sole writer follows another, 1 sleeper", config, plan);
  config.dies_withdrawing = true;
  Add(catalogue, "wake_withdrawn_death", "a sole writer dies when it stops fencing, another follows, 1 sleeper", config, plan);
  config.dies_withdrawing = false;
  config.publishers = 1;
  config.publishers_follow = false;
  config.shape.readers = 1;
  config.shape.slots = config.shape.FullSlots();
  config.readers_have_barrier = false;
  config.publishers_pause = true;
  config.messages = 4;
  Add(catalogue, "wake_without_barrier", "a sole writer without a fence, the sleeper's membarrier fails", config, plan);
}

}  // namespace shmcomm::sched
