// SPDX-License-Identifier: Apache-2.0
// Participants that live and lose their lock, because their process closed all descriptors (daemonise, close_range). They
// count as dead: what is theirs is cleaned and given to another, while they go on until they notice. What they read
// themselves is nobody's concern here; it is asked what the others have of it. The lock falls at any point, the successor
// may be quick or slow.
#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "registry/cleaner.h"
#include "registry/seats.h"
#include "sched/claim_model.h"
#include "sched/scenarios/all.h"
#include "sched/scenarios/publishing_process.h"

namespace shmcomm::sched {
namespace {

constexpr std::int64_t kForEver = std::int64_t{1} << 62;

struct LostLineConfig {
  Shape shape;
  std::uint32_t messages = 3;
  std::uint32_t looks = 2;           // of each that has the line
  bool is_lossy = false;             // on a reliable channel they hold nobody
  bool has_successor = true;         // otherwise the line is left to whoever misses its reader
};

/// A subscriber's line: its owner loses the lock, the line is cleaned, another takes it. Those two share its words for a
/// while, and neither looks at messages here. The publisher and a reader on another line must not notice.
class LostLine : public Scenario {
 public:
  explicit LostLine(const LostLineConfig& config) : config_(config), channel_(config.shape) {}

  void Start(Machine& machine) override {
    machine_ = &machine;
    channel_.Reset();
    channel_.LayFile(1, 1, channel_.shape().first);
    channel_.ring().publishers[1].generation.store(1, std::memory_order_relaxed);
    publisher_.Open(machine, channel_, 0, 1);
    for (std::optional<registry::ReaderSeat>& seat : seats_) seat.reset();
    machine.Spawn("publisher", [this] {
      publisher_.UseBell(wake::Ordering::kFenceAfterRmw);
      for (std::uint32_t n = 0; n < config_.messages; ++n) publisher_.Publish();
    });
    is_open_ = false;
    machine.Spawn("closed", [this] { RunOnLine(0); });
    machine.Spawn(config_.has_successor ? "successor" : "closer", [this] {
      if (is_open_) machine_->CloseLocksOf(kClosed);
      if (config_.has_successor) RunOnLine(1);
    });
    bystander_.Open(machine, channel_, 1);
    bystander_.Join();
    const unsigned bystander = machine.Spawn("bystander", [this] { RunBystander(); });
    machine.GiveLock(bystander, 1, layout::ReaderLockByte(1));
    sleeper_.emplace(*channel_.readers().wake, false);
  }

  void Rest(Machine& machine) override {
    machine.Check(machine.StateOf(kPublisher) != ThreadState::kAsleep || channel_.RoomLeft() == 0,
                  "I8: a publisher sleeps though there is room");
    machine.Check(machine.StateOf(kBystander) != ThreadState::kAsleep || !bystander_.IsAvailable(),
                  "I8: a reader sleeps beside a message");
  }

  void Finish(Machine& machine) override {
    channel_.CheckEntries(machine);
    machine.Check(machine.StateOf(kPublisher) == ThreadState::kDone, "a publisher is stopped for good");
    bystander_.CheckNothingIsMissing();
    if (channel_.shape().capacity > 0) return;  // what is in the ring stays there
    publisher_.CheckNoSlotIsLost(channel_.shape().max_borrowed);  // what the one without a lock marked last
  }

  void Describe(Names& names) const override { channel_.Describe(names); }

 private:
  static constexpr unsigned kPublisher = 0;
  static constexpr unsigned kClosed = 1;
  static constexpr unsigned kBystander = 3;

  ring::ReaderMode Mode() const {
    if (channel_.shape().capacity == 0) return ring::ReaderMode::kBestEffort;
    return config_.is_lossy ? ring::ReaderMode::kLossy : ring::ReaderMode::kGating;
  }

  /// As an endpoint that never waits, and so never asks for its lock.
  void RunOnLine(std::uint32_t index) {
    absl::StatusOr<registry::ReaderSeat> seat = registry::TakeReaderLine(channel_.site());
    if (!seat.ok()) return;
    seats_[index].emplace(*std::move(seat));
    const std::uint32_t line = seats_[index]->line;
    readers_[index].emplace(
        ring::ReaderConfig{channel_.ring(), channel_.readers(), line, channel_.shape().max_borrowed, Mode()});
    readers_[index]->Join(0);
    wake::RoomBell(channel_.readers().lines[line]).RingIfArmed();
    if (index == 0) is_open_ = true;
    for (std::uint32_t look = 0; look < config_.looks; ++look) {
      const ring::Reader::NextResult next = readers_[index]->Next();
      const bool is_held = next.outcome == ring::Reader::Outcome::kHeld;
      if (is_held) readers_[index]->Accept(next.held);
      wake::RoomBell(channel_.readers().lines[line]).RingIfArmed();
      if (is_held) readers_[index]->Release(next.held.hazard);
      if (next.outcome == ring::Reader::Outcome::kDispossessed) break;
    }
    if (index == 0) is_open_ = false;
    registry::LeaveReaderLine(channel_.site(), *seats_[index]);
    seats_[index].reset();
  }

  void RunBystander() {
    while (channel_.commits < config_.messages || bystander_.IsAvailable()) {
      if (bystander_.TakeAndRelease()) continue;
      sleeper_->SleepUnless([&] { return bystander_.IsAvailable(); }, kForEver);
    }
  }

  LostLineConfig config_;
  ChannelModel channel_;
  Machine* machine_ = nullptr;
  ModelPublisher publisher_;
  std::array<std::optional<ring::Reader>, 2> readers_;
  std::array<std::optional<registry::ReaderSeat>, 2> seats_;
  bool is_open_ = false;             // the first, neither opening nor closing
  ModelReader bystander_;
  std::optional<wake::Sleeper> sleeper_;
};

struct LostClaimsConfig {
  Shape shape;
  std::uint32_t messages = 3;
  bool has_bystander = false;        // the other puller has another line, and that of the first is left free
  bool is_mortal = false;            // the first may be killed afterwards
};

/// A puller: its jobs go to another, which has its line or one of its own. Each job is ended once, by who has claimed it or
/// by who swept it.
class LostClaims : public Scenario {
 public:
  explicit LostClaims(const LostClaimsConfig& config) : config_(config), channel_(config.shape) {}

  void Start(Machine& machine) override {
    machine_ = &machine;
    channel_.Reset();
    book_.Open(machine, channel_);
    channel_.LayFile(1, 1, channel_.shape().first);
    channel_.ring().publishers[1].generation.store(1, std::memory_order_relaxed);
    pusher_.Open(machine, channel_, 0, 1);
    machine.Spawn("pusher", [this] {
      for (std::uint32_t n = 0; n < config_.messages; ++n) pusher_.Push();
    });
    seat_.reset();
    is_open_ = false;
    successor_.Reset();
    const auto closed = [this] { RunClosed(); };
    config_.is_mortal ? machine.SpawnMortal("closed", closed) : machine.Spawn("closed", closed);
    machine.Spawn(config_.has_bystander ? "bystander" : "successor", [this] { RunSuccessor(); });
  }

  void Changed(Machine& machine, const void* word, std::uint64_t old, std::uint64_t now) override {
    book_.Changed(machine, word, old, now);
  }

  void Finish(Machine& machine) override {
    channel_.CheckEntries(machine);
    machine.Check(machine.StateOf(kPusher) == ThreadState::kDone, "a pusher is stopped for good");
    machine.Check(book_.open() == 0, "a job is left though somebody would take it");
    machine.Check(channel_.readers().header->dead_letters.load(std::memory_order_relaxed) == book_.failed(),
                  "dead letters are not the jobs that failed");
    pusher_.CheckNoSlotIsLost(0);
  }

  void Describe(Names& names) const override { channel_.Describe(names); }

 private:
  static constexpr unsigned kPusher = 0;
  static constexpr unsigned kClosed = 1;

  bool IsOver() const { return machine_->StateOf(kPusher) == ThreadState::kDone && book_.open() == 0; }

  /// As an endpoint: it asks for its lock when it has slept in vain. Its jobs it does not look at.
  void RunClosed() {
    absl::StatusOr<registry::ReaderSeat> seat = registry::TakeReaderLine(channel_.site());
    if (!seat.ok()) return;
    seat_.emplace(*std::move(seat));
    claimer_.emplace(ring::ClaimerConfig{channel_.ring(), channel_.readers(), seat_->line});
    claimer_->Join();
    is_open_ = true;
    wake::TurnSleeper sleeper(channel_.site().turns(), seat_->line);
    while (!IsOver() && seat_->membership.IsStillHeld()) {
      const ring::Claimer::NextResult next = claimer_->Next();
      sleeper.HaveCome();
      if (next.outcome == ring::Claimer::Outcome::kClaimed) {
        claimer_->Finish(next.claim);
        wake::RoomBell(*channel_.readers().wake).RingIfArmedAfterRmw();
        continue;
      }
      sleeper.SleepUnless([&] { return claimer_->IsAnyReady(); }, kForEver);
    }
    is_open_ = false;
    registry::LeaveReaderLine(channel_.site(), *seat_);
    seat_.reset();
  }

  void CloseLocks() {
    if (!is_open_) return;
    book_.Excuse(kClosed);
    machine_->CloseLocksOf(kClosed);
  }

  void RunSuccessor() {
    if (!config_.has_bystander) CloseLocks();
    if (!successor_.OpenAnywhere(*machine_, channel_)) return;
    if (config_.has_bystander) CloseLocks();
    if (config_.has_bystander) registry::CleanDeadReaders(channel_.site()).IgnoreError();  // as whoever opens the channel
    while (!IsOver()) {
      if (successor_.Claim()) {
        successor_.Finish();
      } else {
        successor_.Sleep(kForEver);
      }
    }
    successor_.Leave();
  }

  LostClaimsConfig config_;
  ChannelModel channel_;
  JobBook book_;
  Machine* machine_ = nullptr;
  ModelPublisher pusher_;
  std::optional<registry::ReaderSeat> seat_;
  std::optional<ring::Claimer> claimer_;
  bool is_open_ = false;             // neither opening nor closing
  ModelPuller successor_;
};

struct LostIdConfig {
  Shape shape;
  std::uint32_t messages = 2;
  std::uint32_t looks = 4;
};

/// A publisher: another has its id and a file of its own, and for a while entries of one lead into the file of the other. A
/// reader refuses those, counts what it misses, and never takes half a message.
class LostId : public Scenario {
 public:
  explicit LostId(const LostIdConfig& config) : config_(config), channel_(config.shape) {}

  void Start(Machine& machine) override {
    machine_ = &machine;
    channel_.Reset();
    for (PublishingProcess& process : processes_) process.Reset();
    machine.set_detects_races(false);  // a stranger's header may be read while it is written: it is checked and refused
    is_open_ = false;
    machine.Spawn("closed", [this] { Publish(kClosed); });
    machine.Spawn("successor", [this] {
      if (is_open_) machine_->CloseLocksOf(kClosed);
      Publish(kSuccessor);
    });
    reader_.emplace(ring::ReaderConfig{channel_.ring(), channel_.readers(), 0, channel_.shape().max_borrowed,
                                       ring::ReaderMode::kBestEffort});
    reader_->Join(0);
    machine.Spawn("reader", [this] {
      for (std::uint32_t look = 0; look < config_.looks; ++look) Take();
    });
  }

  void Finish(Machine& machine) override {
    for (unsigned thread = 0; thread < 3; ++thread) {
      machine.Check(machine.StateOf(thread) == ThreadState::kDone, "somebody is stopped for good");
    }
  }

  void Describe(Names& names) const override { channel_.Describe(names); }

 private:
  static constexpr unsigned kClosed = 0;
  static constexpr unsigned kSuccessor = 1;

  void Publish(std::uint32_t index) {
    if (!processes_[index].Open(*machine_, channel_)) return;
    if (index == kClosed) is_open_ = true;
    for (std::uint32_t i = 0; i < config_.messages; ++i) processes_[index].Publish();
    if (index == kClosed) is_open_ = false;
  }

  void Take() {
    const ring::Reader::NextResult next = reader_->Next();
    if (next.outcome != ring::Reader::Outcome::kHeld) return;
    const std::uint32_t publisher = next.held.entry.publisher();
    const std::uint32_t generation = channel_.ring().publishers[publisher].generation.load(std::memory_order_acquire);
    const ring::MappedPublisher* mapped = channel_.Open(publisher, generation);
    machine_->Check(mapped != nullptr, "an entry names a publisher that has no file");
    const ring::Resolved resolved = ring::Resolve(*mapped, generation, next.held);
    if (resolved.resolution != ring::Resolution::kMessage) return reader_->Reject(next.held);
    const auto* words = reinterpret_cast<const std::uint64_t*>(resolved.message);
    const std::uint64_t value = base::LoadPlain(words[0]);
    machine_->Check(base::LoadPlain(words[1]) == ~value, "I3: a held message is torn");
    reader_->Accept(next.held);
    reader_->IsAvailable();  // a step in which it is held
    machine_->Check(base::LoadPlain(words[0]) == value, "I3: a message changed while held");
    reader_->Release(next.held.hazard);
  }

  LostIdConfig config_;
  ChannelModel channel_;
  Machine* machine_ = nullptr;
  std::array<PublishingProcess, 2> processes_;
  bool is_open_ = false;             // the first, neither opening nor closing
  std::optional<ring::Reader> reader_;
};

template <class Of, class Config>
void Add(Catalogue& catalogue, const char* name, const char* about, const Config& config, const Plan& plan) {
  catalogue.push_back({name, about, [config] { return std::make_unique<Of>(config); }, plan});
}

}  // namespace

void AddLostLocks(Catalogue& catalogue) {
  Plan plan;
  plan.depth_first = 50'000;
  plan.random = 30'000;
  LostLineConfig line;
  line.shape.readers = 2;
  line.shape.slots = line.shape.LeastSlots();
  line.messages = 5;
  Add<LostLine>(catalogue, "lost_line", "a living reader's lock falls, another takes its line", line, plan);
  line.messages = 3;
  line.shape.capacity = 2;
  line.shape.slots = line.shape.FullSlots();
  Add<LostLine>(catalogue, "lost_line_reliable", "the same on a reliable channel", line, plan);
  line.has_successor = false;
  line.messages = 4;
  Add<LostLine>(catalogue, "lost_line_waited_for", "the same, and only a publisher that waits for the reader finds out", line,
                plan);
  line.has_successor = true;
  line.messages = 3;
  line.is_lossy = true;
  Add<LostLine>(catalogue, "lost_line_lossy", "the same where both are best_effort readers", line, plan);
  LostClaimsConfig claims;
  claims.shape.has_claims = true;
  claims.shape.slots = claims.shape.LeastJobSlots();
  Add<LostClaims>(catalogue, "lost_claims", "a living puller's lock falls, another takes its line and its jobs", claims, plan);
  claims.shape.max_attempts = 1;
  Add<LostClaims>(catalogue, "lost_claims_once", "the same where a job is given out once", claims, plan);
  claims.shape.max_attempts = 3;
  claims.shape.readers = 2;
  claims.has_bystander = true;
  claims.is_mortal = true;
  Plan mortal = plan;
  mortal.bounds.kills = 1;
  Add<LostClaims>(catalogue, "lost_claims_killed", "a living puller's lock falls, its line is left free, it claims and is killed",
                  claims, mortal);
  LostIdConfig id;
  id.shape.max_publishers = 1;
  id.shape.slots = id.shape.LeastSlots();
  id.shape.first = 4 * std::uint64_t{id.shape.entries};  // the sequence in the header of a slot never used is 0
  Add<LostId>(catalogue, "lost_id", "a living publisher's lock falls, another takes its id", id, plan);
  id.shape.mode = ring::CommitMode::kSole;
  Add<LostId>(catalogue, "lost_id_sole_writer", "the same where it is the sole writer", id, plan);
}

}  // namespace shmcomm::sched
