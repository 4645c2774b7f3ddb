// SPDX-License-Identifier: Apache-2.0
// A puller in a wait set (endpoint/wait_set_core.cc), beside a subscriber of another channel and beside a puller that waits by
// itself: one bell for all of a channel meets one turn for each. Through bells, and through wake files. A job must not lie
// beside a sleeper (E10), nor a wake be spent on a set that is awake (I17).
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "endpoint/wait_set_core.h"
#include "sched/claim_model.h"
#include "sched/scenarios/all.h"

namespace shmcomm::sched {
namespace {

struct SeveralPullersConfig {
  std::uint32_t jobs = 2;
  std::uint32_t messages = 1;        // of the other channel; 0: the set has the puller alone
  bool has_other_puller = true;
  bool jobs_end = true;              // otherwise each puller is busy with its first one for good
  bool sleeps_on_bells = true;
};

Shape Jobs(const SeveralPullersConfig& config) {
  Shape shape;
  shape.has_claims = true;
  shape.readers = config.has_other_puller ? 2 : 1;
  shape.slots = shape.LeastJobSlots();
  return shape;
}

Shape Messages() {
  Shape shape;
  shape.first_line = 2;              // wake files of one name would be one file: the model has one directory
  shape.slots = shape.FullSlots();
  return shape;
}

class Member : public endpoint::Waitable {
 public:
  void Open(ChannelModel& channel, std::uint32_t line) {
    channel_ = &channel;
    line_ = line;
    wake_file_ = platform::KeptDescriptor();
    door_.emplace(this);
  }
  std::shared_ptr<endpoint::Door> door() { return {std::shared_ptr<endpoint::Door>(), &*door_}; }
  const std::string& name() const override { return name_; }
  bool IsThisProcess() const override { return true; }
  absl::StatusOr<const platform::KeptDescriptor*> WakeFile() override {
    absl::StatusOr<platform::Descriptor> file = wake::MakeWakeFile(channel_->site().wake_files(), line_);
    if (!file.ok()) return file.status();
    wake_file_ = platform::KeptDescriptor(*std::move(file));
    return &wake_file_;
  }

 private:
  std::string name_ = "model";
  ChannelModel* channel_ = nullptr;
  std::uint32_t line_ = 0;
  std::optional<endpoint::Door> door_;
  platform::KeptDescriptor wake_file_;
};

/// As a subscriber's core.
class SubscriberMember final : public Member {
 public:
  void Open(Machine& machine, ChannelModel& channel) {
    Member::Open(channel, channel.shape().first_line);
    reader.Open(machine, channel, 0);
    reader.Join();
    sleeper_.emplace(*channel.readers().wake, false);
  }
  const base::Atomic<std::uint32_t>& bell() const override { return sleeper_->word(); }
  void Arm(wake::Ear ear) override { sleeper_->Arm(ear); }
  wake::FenceRequest* fences() override { return sleeper_->fences(); }
  bool IsReady() override { return reader.IsAvailable(); }
  absl::Status AfterVainSleep() override { return absl::OkStatus(); }

  ModelReader reader;

 private:
  std::optional<wake::Sleeper> sleeper_;
};

/// As a puller's core.
class PullerMember final : public Member {
 public:
  void Open(Machine& machine, ChannelModel& channel) {
    Member::Open(channel, channel.shape().first_line);
    puller.Open(machine, channel, channel.shape().first_line);
  }
  const base::Atomic<std::uint32_t>& bell() const override { return puller.turns().word(); }
  void Arm(wake::Ear) override { puller.turns().Arm(); }
  bool IsReady() override { return puller.IsReady(); }
  void Disarm() override { puller.turns().Disarm(); }
  std::int64_t longest_sleep_ns() const override { return puller.longest_sleep_ns(); }
  absl::Status AfterVainSleep() override {
    puller.LookAfterTheDead();
    return absl::OkStatus();
  }

  mutable ModelPuller puller;
};

class SeveralPullers : public Scenario {
 public:
  explicit SeveralPullers(const SeveralPullersConfig& config)
      : config_(config), jobs_(Jobs(config)), messages_(Messages()) {}

  void Start(Machine& machine) override {
    machine_ = &machine;
    machine.kernel().set_can_sleep_on_many(config_.sleeps_on_bells);
    jobs_.Reset();
    messages_.Reset();
    book_.Open(machine, jobs_);
    set_.emplace();
    taken_ = 0;
    machine.Spawn("waiter", [this] { RunWaiter(); });
    machine.GiveLock(kWaiter, 1, layout::ReaderLockByte(0));
    OpenPublisher(jobs_, pusher_);
    machine.Spawn("pusher", [this] {
      for (std::uint32_t i = 0; i < config_.jobs; ++i) pusher_.Push();
    });
    member_.Open(machine, jobs_);
    set_->Add(member_.door()).IgnoreError();
    if (config_.has_other_puller) {
      other_.Open(machine, jobs_, 1);
      machine.Spawn("puller", [this] { RunOther(); });
      machine.GiveLock(kOther, 2, layout::ReaderLockByte(1));
    }
    if (config_.messages == 0) return;
    OpenPublisher(messages_, publisher_);
    machine.Spawn("publisher", [this] {
      publisher_.UseBell(wake::Ordering::kFenceAfterRmw);
      for (std::uint32_t i = 0; i < config_.messages; ++i) publisher_.Publish();
    });
    subscriber_.Open(machine, messages_);
    set_->Add(subscriber_.door()).IgnoreError();
  }

  void Changed(Machine& machine, const void* word, std::uint64_t old, std::uint64_t now) override {
    book_.Changed(machine, word, old, now);
  }

  void Rest(Machine& machine) override {
    const bool is_set_asleep = machine.StateOf(kWaiter) == ThreadState::kAsleep;
    const bool is_other_asleep = config_.has_other_puller && machine.StateOf(kOther) == ThreadState::kAsleep;
    machine.Check((!is_set_asleep && !is_other_asleep) || book_.ready() == 0, "I8: a puller sleeps beside a job");
    machine.Check(config_.messages == 0 || !is_set_asleep || !subscriber_.IsReady(), "I8: a set sleeps beside a message");
  }

  void Finish(Machine& machine) override {
    jobs_.CheckEntries(machine);
    if (!config_.jobs_end) return;
    machine.Check(book_.open() == 0, "a job is left though somebody would take it");
    if (config_.messages > 0) subscriber_.reader.CheckNothingIsMissing();
  }

  void Describe(Names& names) const override {
    jobs_.Describe(names);
    messages_.Describe(names, "other.");
  }

 private:
  static constexpr unsigned kWaiter = 0;
  static constexpr unsigned kOther = 2;
  static constexpr std::int64_t kForEver = std::int64_t{1} << 62;
  static constexpr WaitSet::Key kPuller = 0;

  void OpenPublisher(ChannelModel& channel, ModelPublisher& publisher) {
    channel.LayFile(1, 1, 0);
    channel.ring().publishers[1].generation.store(1, std::memory_order_relaxed);
    publisher.Open(*machine_, channel, 0, 1);
  }

  bool IsOver() const { return book_.published() == config_.jobs && book_.open() == 0; }
  bool IsAllTaken() const { return IsOver() && taken_ == config_.messages; }

  void RunWaiter() {
    while (!IsAllTaken()) {
      const absl::StatusOr<WaitSet::Ready> ready = set_->Wait(absl::InfiniteDuration());
      machine_->Check(ready.ok(), "a wait for several is refused");
      for (const WaitSet::Key key : *ready) {
        if (key != kPuller) {
          taken_ += subscriber_.reader.TakeAndRelease() ? 1 : 0;
        } else if (member_.puller.Claim()) {  // perhaps the other was quicker
          if (!config_.jobs_end) return;
          member_.puller.Finish();
        }
      }
    }
  }

  void RunOther() {
    while (!IsOver()) {
      if (!other_.Claim()) {
        other_.Sleep(kForEver);
        continue;
      }
      if (!config_.jobs_end) return;
      other_.Finish();
    }
  }

  SeveralPullersConfig config_;
  Machine* machine_ = nullptr;
  ChannelModel jobs_;
  ChannelModel messages_;
  JobBook book_;
  ModelPublisher pusher_;
  ModelPublisher publisher_;
  PullerMember member_;
  SubscriberMember subscriber_;
  ModelPuller other_;
  std::optional<endpoint::WaitSetCore> set_;
  std::uint32_t taken_ = 0;
};

void Add(Catalogue& catalogue, const char* name, const char* about, const SeveralPullersConfig& config) {
  Plan plan;
  plan.depth_first = 50'000;
  catalogue.push_back({name, about, [config] { return std::make_unique<SeveralPullers>(config); }, plan});
}

}  // namespace

void AddSeveralPullers(Catalogue& catalogue) {
  SeveralPullersConfig config;
  Add(catalogue, "set_pulls", "1 waits on the bells of a puller and of a subscriber, another puller by itself", config);
  config.sleeps_on_bells = false;
  Add(catalogue, "set_pulls_watched", "the same through wake files", config);
  config.messages = 0;
  config.jobs_end = false;
  Add(catalogue, "set_turns_watched", "2 jobs that never end, a puller that waits through a wake file and another: each has one",
      config);
  config.sleeps_on_bells = true;
  Add(catalogue, "set_turns", "the same on bells", config);
}

}  // namespace shmcomm::sched
