// SPDX-License-Identifier: Apache-2.0
// Each message to one reader: pushers that wait for room, pullers that claim, finish, die and are swept, one wake for each
// job. The book judges every change; here it is asked what is left when nothing happens any more.
#include <array>
#include <functional>
#include <utility>

#include "registry/cleaner.h"
#include "sched/claim_model.h"
#include "sched/scenarios/all.h"
#include "sched/scenarios/publishing_process.h"

namespace shmcomm::sched {
namespace {

struct PullingConfig {
  Shape shape;
  std::uint32_t pushers = 1;
  std::uint32_t messages = 2;
  std::uint32_t pullers = 1;
  bool pullers_finish = true;        // otherwise each is busy with its first job for good
  bool pullers_take_any_line = false;
  bool first_puller_leaves = false;  // after its first sleep, without looking
  bool first_puller_gives_back = false;
  bool first_puller_retries = false;  // its first job, as if it had died with it
  bool pushers_are_processes = false;  // which take an id and leave
  bool pushers_are_mortal = false;
  bool pullers_are_mortal = false;   // all but the last, who must find what they leave
  bool has_cleaner = false;          // some other process that opens the channel at any time
};

class Pulling : public Scenario {
 public:
  explicit Pulling(const PullingConfig& config) : config_(config), channel_(config.shape) {}

  void Start(Machine& machine) override {
    machine_ = &machine;
    channel_.Reset();
    retries_ = 0;
    book_.Open(machine, channel_);
    for (std::uint32_t i = 0; i < config_.pushers; ++i) StartPusher(i);
    for (std::uint32_t i = 0; i < config_.pullers; ++i) StartPuller(i);
    if (!config_.has_cleaner) return;
    machine.Spawn("cleaner", [this] { registry::CleanDeadReaders(channel_.site()).IgnoreError(); });
  }

  void Changed(Machine& machine, const void* word, std::uint64_t old, std::uint64_t now) override {
    book_.Changed(machine, word, old, now);
  }

  void Rest(Machine& machine) override {
    // What the dead did not do may wait for a bounded sleep, but who swept their jobs has told everybody.
    const bool is_swept = machine.kills() == 1 && book_.swept() > 0;
    if (machine.kills() > 0 && !is_swept) return;
    for (std::uint32_t i = 0; i < config_.pushers; ++i) {
      const bool is_asleep = machine.StateOf(i) == ThreadState::kAsleep;
      machine.Check(!is_asleep || !ring::IsRoomFor(channel_.ring(), channel_.readers(), channel_.End()),
                    "I8: a pusher sleeps though there is room");
    }
    for (std::uint32_t i = 0; i < config_.pullers; ++i) {
      const bool is_asleep = machine.StateOf(ThreadOfPuller(i)) == ThreadState::kAsleep;
      // A bit that the dead spent is a wake that died with it (I16); who gives way to the dead looks again soon.
      const bool is_excused = is_swept && (!IsIdle(channel_.shape().first_line + i) || pullers_[i].is_giving_way());
      machine.Check(!is_asleep || is_excused || book_.ready() == 0, "I8: a puller sleeps beside a job");
    }
  }

  void Finish(Machine& machine) override {
    channel_.CheckEntries(machine);
    const bool may_fail = channel_.shape().max_attempts == 1;
    machine.Check(may_fail || book_.failed() == 0, "a job failed though its attempts were not used up");
    machine.Check(book_.swept() <= machine.kills(), "more jobs were given back than pullers died");
    machine.Check(book_.retried() == retries_, "a job given back after a vain attempt does not say so");
    if (!config_.pullers_finish) return;
    machine.Check(book_.open() == 0, "a job is left though somebody would take it");
    for (std::uint32_t i = 0; i < config_.pushers; ++i) {
      if (machine.StateOf(i) == ThreadState::kKilled) continue;
      machine.Check(machine.StateOf(i) == ThreadState::kDone, "a pusher is stopped for good");
      if (!config_.pushers_are_processes) pushers_[i].CheckNoSlotIsLost(0);
    }
  }

  void Describe(Names& names) const override { channel_.Describe(names); }

 private:
  static constexpr std::uint32_t kMost = 3;
  static constexpr std::int64_t kForEver = std::int64_t{1} << 62;

  bool IsIdle(std::uint32_t line) const {
    return (channel_.readers().IdleWord(line).load(std::memory_order_relaxed) >> line % 64 & 1) != 0;
  }
  unsigned ThreadOfPuller(std::uint32_t index) const { return config_.pushers + index; }

  void StartPusher(std::uint32_t index) {
    processes_[index].Reset();
    if (config_.pushers_are_processes) return SpawnPusher([this, index] { RunPushingProcess(index); });
    channel_.LayFile(index + 1, 1, channel_.shape().first);
    channel_.ring().publishers[index + 1].generation.store(1, std::memory_order_relaxed);
    pushers_[index].Open(*machine_, channel_, index, index + 1);
    SpawnPusher([this, index] {
      for (std::uint32_t n = 0; n < config_.messages; ++n) pushers_[index].Push();
    });
  }

  void RunPushingProcess(std::uint32_t index) {
    if (!processes_[index].Open(*machine_, channel_)) return;
    for (std::uint32_t n = 0; n < config_.messages; ++n) processes_[index].Push();
    processes_[index].Close();
  }

  void SpawnPusher(std::function<void()> body) {
    config_.pushers_are_mortal ? machine_->SpawnMortal("pusher", std::move(body)) : machine_->Spawn("pusher", std::move(body));
  }

  void StartPuller(std::uint32_t index) {
    const auto body = [this, index] { RunPuller(index); };
    const bool is_mortal = config_.pullers_are_mortal && index + 1 < config_.pullers;
    const unsigned thread = is_mortal ? machine_->SpawnMortal("puller", body) : machine_->Spawn("puller", body);
    pullers_[index].Reset();
    if (config_.pullers_take_any_line) return;
    const std::uint32_t line = channel_.shape().first_line + index;
    pullers_[index].Open(*machine_, channel_, line);
    machine_->GiveLock(thread, static_cast<int>(thread) + 1, layout::ReaderLockByte(line));
  }

  bool IsOver() const {
    for (std::uint32_t i = 0; i < config_.pushers; ++i) {
      const ThreadState state = machine_->StateOf(i);
      if (state == ThreadState::kReady || state == ThreadState::kAsleep) return false;
    }
    return book_.open() == 0;
  }

  void RunPuller(std::uint32_t index) {
    ModelPuller& puller = pullers_[index];
    if (config_.pullers_take_any_line && !puller.OpenAnywhere(*machine_, channel_)) return;
    const bool leaves = config_.first_puller_leaves && index == 0;
    bool gives_back = config_.first_puller_gives_back && index == 0;
    bool retries = config_.first_puller_retries && index == 0;
    while (!IsOver()) {
      if (puller.Claim()) {
        if (!config_.pullers_finish) return;
        End(puller, std::exchange(gives_back, false), std::exchange(retries, false));
        continue;
      }
      puller.Sleep(kForEver);
      if (leaves) return puller.PassOnWake();
    }
    if (config_.pullers_take_any_line) puller.Leave();
  }

  void End(ModelPuller& puller, bool gives_back, bool retries) {
    if (gives_back) return puller.GiveBack();
    if (!retries) return puller.Finish();
    ++retries_;
    puller.Retry();
  }

  PullingConfig config_;
  std::uint32_t retries_ = 0;
  ChannelModel channel_;
  JobBook book_;
  Machine* machine_ = nullptr;
  std::array<ModelPublisher, kMost> pushers_;
  std::array<PublishingProcess, kMost> processes_;
  std::array<ModelPuller, kMost> pullers_;
};

void Add(Catalogue& catalogue, const char* name, const char* about, const PullingConfig& config, const Plan& plan) {
  catalogue.push_back({name, about, [config] { return std::make_unique<Pulling>(config); }, plan});
}

PullingConfig Entries(std::uint32_t entries, std::uint32_t pushers, std::uint32_t pullers, std::uint32_t messages) {
  PullingConfig config;
  config.shape.has_claims = true;
  config.shape.entries = entries;
  config.shape.readers = pullers;
  config.shape.slots = config.shape.LeastJobSlots();
  config.pushers = pushers;
  config.pullers = pullers;
  config.messages = messages;
  return config;
}

void AddClaiming(Catalogue& catalogue) {
  const Plan plan;
  Add(catalogue, "pull", "1 pusher, 1 puller, N = 2: the pusher waits for room", Entries(2, 1, 1, 4), plan);
  Add(catalogue, "pull_one_entry", "the same with N = 1", Entries(1, 1, 1, 3), plan);
  Add(catalogue, "pull_two_pullers", "1 pusher, 2 pullers", Entries(2, 1, 2, 3), plan);
  Add(catalogue, "pull_two_pushers", "2 pushers wait for room, 1 puller", Entries(1, 2, 1, 2), plan);
  Add(catalogue, "pull_two_to_two", "2 pushers, 2 pullers", Entries(2, 2, 2, 2), plan);
  PullingConfig config = Entries(2, 1, 2, 3);
  config.first_puller_gives_back = true;
  Add(catalogue, "pull_given_back", "a puller gives its first job back", config, plan);
  config.first_puller_gives_back = false;
  config.first_puller_retries = true;
  Add(catalogue, "pull_retried", "a puller gives its first job back after an attempt in vain", config, plan);
  config.shape.max_attempts = 1;
  Add(catalogue, "pull_retried_once", "the same where a job is given out once", config, plan);
  config = Entries(2, 1, 2, 2);
  config.shape.first_line = 63;
  Add(catalogue, "pull_second_word", "2 pullers, their lines in two words of the bitmap", config, plan);
}

void AddSweeping(Catalogue& catalogue) {
  Plan plan;
  plan.bounds.kills = 1;
  PullingConfig config = Entries(2, 1, 2, 3);
  config.pullers_are_mortal = true;
  Add(catalogue, "pull_kills", "a puller is killed anywhere, another does its job", config, plan);
  config.shape.max_attempts = 1;
  Add(catalogue, "pull_at_most_once", "the same where a job is given out once", config, plan);
  config.has_cleaner = true;
  Add(catalogue, "pull_at_most_once_cleaner", "the same, and another process cleans", config, plan);
  config.shape.max_attempts = 3;
  Add(catalogue, "pull_cleaner", "a puller is killed anywhere, another process gives its job back", config, plan);
  config = Entries(1, 1, 2, 2);
  config.pullers_are_mortal = true;
  config.pullers_take_any_line = true;
  config.shape.readers = 1;
  Add(catalogue, "pull_line_reuse", "a puller is killed anywhere, the next one takes its line", config, plan);
  config.has_cleaner = true;
  Add(catalogue, "pull_line_reuse_cleaner", "the same, and a cleaner at any time", config, plan);
  config = Entries(2, 2, 2, 2);
  config.pushers_are_mortal = true;
  config.pullers_are_mortal = true;
  plan.bounds.kills = 2;
  Add(catalogue, "pull_two_kills", "2 pushers, 2 pullers, two of them may be killed", config, plan);
  config = Entries(1, 2, 1, 1);
  config.pushers_are_processes = true;
  config.pushers_are_mortal = true;
  config.shape.max_publishers = 1;
  plan.bounds.kills = 1;
  Add(catalogue, "pull_id_reuse", "a pusher leaves or is killed anywhere, its id is given out again", config, plan);
}

void AddTurns(Catalogue& catalogue) {
  const Plan plan;
  PullingConfig config = Entries(2, 1, 2, 2);
  config.pullers_finish = false;
  Add(catalogue, "turns", "2 jobs that never end, 2 pullers: each has one", config, plan);
  config.shape.first_line = 63;
  Add(catalogue, "turns_second_word", "the same, the pullers' lines in two words of the bitmap", config, plan);
  config = Entries(4, 1, 3, 3);
  config.pullers_finish = false;
  Add(catalogue, "turns_three", "3 jobs that never end, 3 pullers", config, plan);
  config = Entries(2, 2, 2, 1);
  config.pullers_finish = false;
  Add(catalogue, "turns_two_pushers", "2 pushers with a job each that never ends, 2 pullers", config, plan);
  config = Entries(2, 1, 2, 1);
  config.first_puller_leaves = true;
  Add(catalogue, "turns_leave", "a puller that was woken leaves, another one is woken in its place", config, plan);
}

}  // namespace

void AddPulling(Catalogue& catalogue) {
  AddClaiming(catalogue);
  AddSweeping(catalogue);
  AddTurns(catalogue);
}

void AddLapsPulling(Catalogue& catalogue) {
  constexpr std::uint64_t kLaps = std::uint64_t{1} << ring::kLapBits;
  Plan plan;
  PullingConfig config = Entries(2, 1, 2, 4);
  config.shape.first = (kLaps - 2) * config.shape.entries;
  Add(catalogue, "laps_pull", "1 pusher, 2 pullers, the lap wraps", config, plan);
  plan.bounds.kills = 1;
  config.pullers_are_mortal = true;
  Add(catalogue, "laps_pull_kills", "the same, and a puller may be killed", config, plan);
}

}  // namespace shmcomm::sched
