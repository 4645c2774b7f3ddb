// SPDX-License-Identifier: Apache-2.0
// Request and reply: requests are jobs that repliers share, replies come back in a ring of the requester's own. A replier
// answers before it ends its claim, so whoever finds the request over and the ring empty knows that no reply will come (I18).
#include <array>
#include <optional>

#include "platform/os.h"
#include "registry/cleaner.h"
#include "registry/membership.h"
#include "sched/claim_model.h"
#include "sched/scenarios/all.h"
#include "wake/room.h"

namespace shmcomm::sched {
namespace {

struct CallingConfig {
  std::uint32_t calls = 1;
  std::uint32_t repliers = 1;
  std::uint32_t max_attempts = 1;     // more: the request is idempotent
  bool repliers_are_mortal = true;    // all but the last, where another may answer
  bool requester_is_mortal = false;   // and somebody cleans up after it
  bool is_impatient = false;          // the requester takes a call back that nobody has begun when it looks again
  std::uint32_t other_requests = 0;   // of another requester, which nobody answers: the first one's places are used again
  std::uint32_t reply_entries = 4;
  bool reuses_reply_slots = false;    // so few that each comes back
  std::uint64_t laps_before = 0;      // of both rings
};

Shape Requests(const CallingConfig& config) {
  Shape shape;
  shape.has_claims = true;
  shape.is_correlated = true;
  shape.readers = config.repliers;
  shape.max_attempts = config.max_attempts;
  shape.first = config.laps_before * shape.entries;
  shape.slots = shape.LeastJobSlots();
  return shape;
}

Shape Replies(const CallingConfig& config) {
  Shape shape;
  shape.is_correlated = true;
  shape.entries = config.reply_entries;
  shape.capacity = shape.entries;
  shape.max_publishers = config.repliers;
  shape.first = config.laps_before * shape.entries;
  shape.slots = config.reuses_reply_slots ? shape.entries + 1 : shape.FullSlots();
  return shape;
}

class Calling : public Scenario {
 public:
  explicit Calling(const CallingConfig& config)
      : config_(config), requests_(Requests(config)), replies_(Replies(config)) {}

  void Start(Machine& machine) override {
    machine_ = &machine;
    answered_ = replied_ = failed_ = taken_back_ = 0;
    requests_.Reset();
    replies_.Reset();
    book_.Open(machine, requests_);
    for (std::uint32_t i = 0; i < replies_.shape().entries; ++i) machine.Watch(&replies_.ring().entries[i]);
    requests_.LayFile(1, 1, requests_.shape().first);
    requests_.ring().publishers[1].generation.store(1, std::memory_order_relaxed);
    pusher_.Open(machine, requests_, 0, 1);
    replies_reader_.Open(machine, replies_, 0);
    replies_reader_.Join();
    sleeper_.emplace(*replies_.readers().wake, false);
    has_cleaned_ = false;
    const auto call = [this] {
      for (std::uint64_t id = 1; id <= config_.calls; ++id) Call(id);
    };
    const unsigned requester = config_.requester_is_mortal ? machine.SpawnMortal("requester", call) : machine.Spawn("requester", call);
    machine.GiveLock(requester, kRequesterFile, layout::PublisherLockByte(1));
    for (std::uint32_t i = 0; i < config_.repliers; ++i) StartReplier(i);
    if (config_.requester_is_mortal) machine.Spawn("cleaner", [this] { RunCleaner(); });
    if (config_.other_requests > 0) StartOther();
  }

  void Changed(Machine& machine, const void* word, std::uint64_t old, std::uint64_t now) override {
    book_.Changed(machine, word, old, now);
    for (std::uint32_t i = 0; i < replies_.shape().entries; ++i) {
      if (word == &replies_.ring().entries[i]) replied_ |= std::uint64_t{1} << answering_[machine.current() - 1];
    }
  }

  void Finish(Machine& machine) override {
    // Where the only replier died before it began, no more is known than that nobody has begun.
    const bool nobody_begins = config_.repliers == 1 && machine.kills() == 1 && book_.ready() == 1;
    const bool is_told = machine.StateOf(kRequester) == ThreadState::kDone || IsRequesterDead();
    machine.Check(is_told || nobody_begins, "a caller is never told what became of its call");
    machine.Check((failed_ & replied_) == 0, "I18: a call failed though it was answered");
    machine.Check((taken_back_ & replied_) == 0, "a call was answered that was taken back");
    machine.Check(machine.kills() > 0 || failed_ == 0, "a call failed though nobody died");
    const bool others_answer = config_.max_attempts > 1 && config_.repliers > 1;
    machine.Check(!has_cleaned_ || book_.ready() == 0, "a dead requester's request is still there to be begun");
    machine.Check(!others_answer || failed_ == 0, "an idempotent call failed though another replier lives");
  }

  void Describe(Names& names) const override {
    requests_.Describe(names);
    replies_.Describe(names);
  }

 private:
  static constexpr unsigned kRequester = 0;
  static constexpr int kRequesterFile = 1;   // of its lock; a replier's is its thread's number and one
  static constexpr std::uint32_t kMost = 2;
  static constexpr std::int64_t kLongestSleepNs = 20'000'000;  // as the endpoint: what a death may cost its caller
  static constexpr std::int64_t kForEver = std::int64_t{1} << 62;

  void StartReplier(std::uint32_t index) {
    answering_[index] = 0;
    replies_.LayFile(index + 1, 1, replies_.shape().first);
    replies_.ring().publishers[index + 1].generation.store(1, std::memory_order_relaxed);
    answers_[index].Open(*machine_, replies_, index, index + 1);
    answers_[index].UseBell(wake::Ordering::kFenceAfterRmw);
    const auto body = [this, index] { RunReplier(index); };
    const bool is_mortal = config_.repliers_are_mortal && (config_.repliers == 1 || index + 1 < config_.repliers);
    const unsigned thread = is_mortal ? machine_->SpawnMortal("replier", body) : machine_->Spawn("replier", body);
    repliers_[index].Reset();
    repliers_[index].Open(*machine_, requests_, index);
    machine_->GiveLock(thread, static_cast<int>(thread) + 1, layout::ReaderLockByte(index));
  }

  void StartOther() {
    requests_.LayFile(2, 1, requests_.shape().first);
    requests_.ring().publishers[2].generation.store(1, std::memory_order_relaxed);
    other_.Open(*machine_, requests_, 1, 2);
    machine_->Spawn("other requester", [this] {
      for (std::uint32_t i = 0; i < config_.other_requests; ++i) other_.Push();
    });
  }

  bool IsRequesterDead() const { return machine_->StateOf(kRequester) == ThreadState::kKilled; }

  /// Another process opens the channel some time after the requester has died, or never.
  void RunCleaner() {
    while (machine_->StateOf(kRequester) == ThreadState::kReady) base::Pause();
    absl::StatusOr<registry::LockFile> lock = registry::LockFile::Open(requests_.site().directory);
    if (!lock.ok() || !*lock->TryLock(layout::PublisherLockByte(1))) return;
    ring::CancelJobsOf(requests_.ring(), requests_.readers(), 1);
    has_cleaned_ = IsRequesterDead();
  }

  void RunReplier(std::uint32_t index) {
    while (machine_->StateOf(kRequester) != ThreadState::kDone && !IsRequesterDead()) {
      if (!repliers_[index].Claim()) {
        repliers_[index].Sleep(kForEver);
        continue;
      }
      answering_[index] = repliers_[index].correlation();
      answers_[index].SetCorrelation(answering_[index]);
      Answer(index);
      repliers_[index].Finish();
    }
  }

  /// A replier never waits for a requester: what finds no room is lost.
  void Answer(std::uint32_t index) {
    if (answering_[index] == 0) return;  // the other requester's
    const bool is_published = answers_[index].TryPublish();
    machine_->Check(is_published || machine_->kills() > 0, "a reply ring is full though its requester reads it");
  }

  void Call(std::uint64_t id) {
    pusher_.SetCorrelation(id);
    const ring::Sequence at = pusher_.Push();
    while (!Drain(id)) {
      if (ring::IsOver(requests_.ring(), requests_.readers(), at)) {
        if (!Drain(id)) failed_ |= std::uint64_t{1} << id;
        return;
      }
      sleeper_->SleepUnless(
          [&] { return replies_reader_.IsAvailable() || ring::IsOver(requests_.ring(), requests_.readers(), at); },
          kLongestSleepNs);
      if (config_.is_impatient && TakeBack(id, at)) return;
      registry::CleanDeadClaimers(requests_.site()).IgnoreError();
    }
  }

  bool TakeBack(std::uint64_t id, ring::Sequence at) {
    if (!ring::CancelJob(requests_.ring(), requests_.readers(), at)) return false;
    wake::RoomBell(*requests_.readers().wake).RingIfArmed();
    taken_back_ |= std::uint64_t{1} << id;
    return true;
  }

  /// Takes replies by their entries. True once the one to `id` was among them; those to calls that are over are dropped.
  bool Drain(std::uint64_t id) {
    while (replies_reader_.TakeAndRelease()) {
      if (replies_reader_.correlation() == id) return Answered(id);
    }
    return false;
  }

  bool Answered(std::uint64_t id) {
    const std::uint64_t bit = std::uint64_t{1} << replies_reader_.correlation();
    machine_->Check(replies_reader_.correlation() == id && (answered_ & bit) == 0, "a call got another call's answer");
    answered_ |= bit;
    return true;
  }

  CallingConfig config_;
  ChannelModel requests_;
  ChannelModel replies_;
  JobBook book_;
  Machine* machine_ = nullptr;
  ModelPublisher pusher_;
  ModelPublisher other_;
  ModelReader replies_reader_;
  std::optional<wake::Sleeper> sleeper_;
  std::array<ModelPuller, kMost> repliers_;
  std::array<ModelPublisher, kMost> answers_;
  std::array<std::uint64_t, kMost> answering_{};   // what a reply committed by that replier answers
  std::uint64_t answered_ = 0;                     // bits of calls: the caller was given a reply
  std::uint64_t replied_ = 0;                      // a reply was published
  std::uint64_t failed_ = 0;                       // the caller was told that none will come
  bool has_cleaned_ = false;
  std::uint64_t taken_back_ = 0;                   // and that nobody has begun or ever will
};

void Add(Catalogue& catalogue, const char* name, const char* about, const CallingConfig& config, const Plan& plan) {
  catalogue.push_back({name, about, [config] { return std::make_unique<Calling>(config); }, plan});
}

}  // namespace

void AddCalling(Catalogue& catalogue) {
  Plan plan;
  plan.bounds.kills = 1;
  CallingConfig config;
  Add(catalogue, "call", "1 requester, 1 replier, which may be killed anywhere", config, plan);
  config.calls = 3;
  config.repliers_are_mortal = false;
  config.requester_is_mortal = true;
  Add(catalogue, "call_cleaned", "3 calls, the requester may be killed anywhere, and a cleaner takes its requests back", config,
      plan);
  config.repliers_are_mortal = true;
  config.requester_is_mortal = false;
  config.calls = 2;
  config.repliers = 2;
  config.is_impatient = true;
  Add(catalogue, "call_taken_back", "2 calls that the requester takes back unless one of 2 repliers has begun", config, plan);
  config.is_impatient = false;
  Add(catalogue, "call_two_repliers", "2 calls, 2 repliers, one of which may be killed", config, plan);
  config.max_attempts = 3;
  Add(catalogue, "call_idempotent", "the same, and another replier answers for the dead", config, plan);
  config.max_attempts = 1;
  config.reply_entries = 2;
  config.other_requests = 3;
  Add(catalogue, "call_lapped", "2 calls, 2 repliers, one of which may be killed, and another's requests follow in their places",
      config, plan);
}

void AddLapsCalling(Catalogue& catalogue) {
  Plan plan;
  plan.depth_first = 40'000;
  plan.random = 30'000;
  CallingConfig config;
  config.laps_before = (std::uint64_t{1} << ring::kLapBits) - 2;
  config.calls = 4;
  config.reply_entries = 2;
  config.repliers_are_mortal = false;
  config.reuses_reply_slots = true;
  Add(catalogue, "laps_call", "4 calls, 1 replier, the laps of requests and replies wrap", config, plan);
  plan.bounds.kills = 1;
  config.repliers_are_mortal = true;
  config.reuses_reply_slots = false;
  config.repliers = 2;
  config.max_attempts = 3;
  Add(catalogue, "laps_call_kills", "the same with 2 repliers, one of which may be killed", config, plan);
}

}  // namespace shmcomm::sched
