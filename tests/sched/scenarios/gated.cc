// SPDX-License-Identifier: Apache-2.0
// Reliable channels: publishers wait for readers, readers join, leave, die and are demoted. Nothing at or above its floor
// is lost to a reader that was not demoted (I10), and nobody sleeps for room that is there (E8).
#include <array>
#include <optional>

#include "platform/os.h"
#include "registry/cleaner.h"
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
  std::uint32_t holds = 0;             // samples a reader keeps; the newest goes first
  std::uint32_t history = 0;
  std::int64_t demote_after_ns = 0;    // by publishers that wait; 0: never
  bool join_while_running = false;
  bool takes_latest = false;
  bool readers_pause = false;          // after the first message, for as long as anything else can happen
  bool readers_stop = false;           // after the first message, for ever
  std::uint32_t demoters = 0;          // which find the first line's reader stuck at any time
  bool demoters_are_mortal = false;
  bool first_publisher_is_mortal = false;
  bool first_reader_leaves = false;    // after two looks; the next one takes its line
  bool has_cleaner = false;
  bool readers_are_mortal = false;
  bool first_reader_is_lossy = false;
  bool loses_nothing = false;          // nobody can be lapped
};

class Gated : public Scenario {
 public:
  explicit Gated(const GatedConfig& config) : config_(config), channel_(config.shape) {}

  void Start(Machine& machine) override {
    machine_ = &machine;
    has_cleaned_ = false;
    channel_.Reset();
    for (std::uint32_t i = 0; i < config_.publishers; ++i) StartPublisher(i);
    for (std::uint32_t i = 0; i < config_.readers; ++i) StartReader(i);
    for (std::uint32_t i = 0; i < config_.demoters; ++i) {
      found_stuck_[i] = 0;
      const auto body = [this, i] { RunDemoter(i); };
      config_.demoters_are_mortal ? machine.SpawnMortal("demoter", body) : machine.Spawn("demoter", body);
    }
    if (config_.has_cleaner) machine.Spawn("cleaner", [this] { RunCleaner(); });
  }

  void Changed(Machine& machine, const void* word, std::uint64_t old, std::uint64_t now) override {
    const ring::CursorWord before{old};
    const ring::CursorWord after{now};
    std::uint32_t reader = 0;
    while (word != &LineOf(reader).cursor) ++reader;
    if (before.state() == ring::ReaderState::kDemoted) {
      const bool is_rejoined = after.state() == ring::ReaderState::kFree || after.generation() != before.generation();
      machine.Check(is_rejoined, "I11: a demotion was undone");
    }
    if (after.state() == ring::ReaderState::kDemoted) {
      const bool is_stuck = config_.demoters > 0 ? IsFoundStuck(old)
                                                 : machine.now_ns() - moved_ns_[reader] >= config_.demote_after_ns;
      machine.Check(is_stuck, "I11: a reader was demoted that nobody found stuck there");
    }
    if (after.state() == ring::ReaderState::kFree) found_stuck_.fill(0);  // what was seen of its owner says nothing of the next
    moved_ns_[reader] = machine.now_ns();
  }

  void Rest(Machine& machine) override {
    const bool is_excused = machine.kills() > 0 && !has_cleaned_;
    for (std::uint32_t i = 0; i < config_.publishers && !is_excused; ++i) {
      const bool is_asleep = machine.StateOf(i) == ThreadState::kAsleep;
      machine.Check(!is_asleep || channel_.RoomLeft() == 0, "I8: a publisher sleeps though there is room");
    }
    for (std::uint32_t i = 0; i < config_.readers; ++i) {
      const bool is_asleep = machine.StateOf(ThreadOfReader(i)) == ThreadState::kAsleep;
      // A publisher that died may have waked nobody (I16).
      const bool is_waiting = is_asleep && !is_pausing_[i] && machine.StateOf(0) != ThreadState::kKilled;
      machine.Check(!is_waiting || !readers_[i].IsAvailable(), "I8: a reader sleeps beside a message");
    }
  }

  void Finish(Machine& machine) override {
    channel_.CheckEntries(machine);
    for (std::uint32_t i = 0; i < config_.publishers; ++i) {
      machine.Check(machine.StateOf(i) != ThreadState::kAsleep, "a publisher is stopped for good");
    }
    for (std::uint32_t i = 0; i < config_.readers; ++i) {
      const bool is_alive = machine.StateOf(ThreadOfReader(i)) != ThreadState::kKilled && !is_pausing_[i];
      const bool is_reading = is_alive && LooksOf(i) == 0;
      if (is_reading && has_joined_[i]) readers_[i].CheckNothingIsMissing();
      machine.Check(!config_.loses_nothing || readers_[i].lost() == 0, "I12: an unread message was taken back");
    }
  }

  void Describe(Names& names) const override { channel_.Describe(names); }

 private:
  static constexpr std::uint32_t kMost = 2;
  static constexpr std::int64_t kForEver = std::int64_t{1} << 62;

  unsigned ThreadOfReader(std::uint32_t index) const { return config_.publishers + index; }
  std::uint32_t LooksOf(std::uint32_t index) const { return config_.first_reader_leaves && index == 0 ? 2 : config_.looks; }
  bool IsFoundStuck(std::uint64_t word) const { return word == found_stuck_[0] || word == found_stuck_[1]; }
  bool IsLossy(std::uint32_t index) const { return config_.first_reader_is_lossy && index == 0; }

  layout::ReaderLine& LineOf(std::uint32_t reader) const {
    return channel_.readers().lines[channel_.shape().first_line + reader];
  }

  void StartPublisher(std::uint32_t index) {
    channel_.LayFile(index + 1, 1, channel_.shape().first);
    channel_.ring().publishers[index + 1].generation.store(1, std::memory_order_relaxed);
    publishers_[index].Open(*machine_, channel_, index, index + 1);
    if (config_.demote_after_ns > 0) publishers_[index].DemoteAfter(config_.demote_after_ns);
    const bool is_mortal = config_.first_publisher_is_mortal && index == 0;
    const auto body = [this, index] {
      const bool is_asymmetric = IsSoleWriter() && platform::RegisterForBarrier();
      publishers_[index].UseBell(is_asymmetric ? wake::Ordering::kAsymmetric : wake::Ordering::kFence);
      for (std::uint32_t n = 0; n < config_.messages; ++n) publishers_[index].Publish();
    };
    is_mortal ? machine_->SpawnMortal("publisher", body) : machine_->Spawn("publisher", body);
  }

  bool IsSoleWriter() const { return channel_.shape().mode == ring::CommitMode::kSole; }

  void StartReader(std::uint32_t index) {
    seats_[index].reset();
    moved_ns_[index] = 0;
    is_pausing_[index] = false;
    if (index < channel_.shape().readers) machine_->Watch(&LineOf(index).cursor);
    has_joined_[index] = !config_.join_while_running;
    readers_[index].Open(*machine_, channel_, index, IsLossy(index));
    if (!config_.join_while_running) readers_[index].Join(config_.history);
    const auto body = [this, index] { RunReader(index); };
    const unsigned thread =
        config_.readers_are_mortal ? machine_->SpawnMortal("reader", body) : machine_->Spawn("reader", body);
    if (!config_.join_while_running) machine_->GiveLock(thread, static_cast<int>(thread) + 1, LockByteOf(index));
    sleepers_[index].emplace(*channel_.readers().wake, IsSoleWriter());
  }

  std::uint64_t LockByteOf(std::uint32_t reader) const {
    return layout::ReaderLockByte(channel_.shape().first_line + reader);
  }

  bool Take(ModelReader& reader) {
    if (reader.holds() > config_.holds || (reader.holds() > 0 && !reader.IsAvailable())) reader.ReleaseNewest();
    const bool is_taken = config_.takes_latest ? reader.TakeLatest() : reader.Take();
    if (config_.holds == 0 && is_taken) reader.Release();
    return is_taken;
  }

  void Pause(std::uint32_t index, std::int64_t ns) {
    is_pausing_[index] = true;
    platform::FutexWait(pause_, 0, ns);
    is_pausing_[index] = false;
  }

  void RunReader(std::uint32_t index) {
    ModelReader& reader = readers_[index];
    if (config_.join_while_running) {
      absl::StatusOr<registry::ReaderSeat> seat = registry::TakeReaderLine(channel_.site());
      if (!seat.ok()) return;
      seats_[index].emplace(*std::move(seat));
      reader.Open(*machine_, channel_, seats_[index]->line - channel_.shape().first_line, IsLossy(index));
      reader.Join(config_.history);
      has_joined_[index] = true;
    }
    const std::uint32_t all = config_.publishers * config_.messages;
    const std::uint32_t looks = LooksOf(index);
    for (std::uint32_t look = 0; looks == 0 || look < looks; ++look) {
      if (config_.readers_pause && look == 1) Pause(index, 1);
      if (config_.readers_stop && look == 1) Pause(index, kForEver);
      if (Take(reader)) continue;
      if (looks == 0 && channel_.commits == all && !reader.IsAvailable()) return;
      if (looks == 0) sleepers_[index]->SleepUnless([&] { return reader.IsAvailable(); }, kForEver);
    }
    if (!seats_[index].has_value()) return;
    registry::LeaveReaderLine(channel_.site(), *seats_[index]);
    seats_[index].reset();
  }

  /// Some publisher that has waited long enough, at any time.
  void RunDemoter(std::uint32_t index) {
    const ring::CursorWord seen{LineOf(0).cursor.load(std::memory_order_acquire)};
    if (seen.state() != ring::ReaderState::kActive) return;
    found_stuck_[index] = seen.bits;
    if (ring::Demote(channel_.readers(), channel_.shape().first_line, seen)) wake::RoomBell(LineOf(0)).RingAlways();
  }

  /// Another process opens the channel some time after a reader has died, or never.
  void RunCleaner() {
    while (machine_->StateOf(ThreadOfReader(0)) == ThreadState::kReady) base::Pause();
    const bool is_dead = machine_->StateOf(ThreadOfReader(0)) == ThreadState::kKilled;
    registry::CleanDeadReaders(channel_.site()).IgnoreError();
    has_cleaned_ = is_dead;
  }

  GatedConfig config_;
  ChannelModel channel_;
  Machine* machine_ = nullptr;
  std::array<ModelPublisher, kMost> publishers_;
  std::array<ModelReader, kMost> readers_;
  std::array<std::optional<registry::ReaderSeat>, kMost> seats_;
  std::array<std::optional<wake::Sleeper>, kMost> sleepers_;
  std::array<bool, kMost> has_joined_{};
  std::array<bool, kMost> is_pausing_{};
  std::array<std::int64_t, kMost> moved_ns_{};
  std::array<std::uint64_t, kMost> found_stuck_{};
  bool has_cleaned_ = false;
  base::Atomic<std::uint32_t> pause_{0};
};

void Add(Catalogue& catalogue, const char* name, const char* about, const GatedConfig& config, const Plan& plan) {
  catalogue.push_back({name, about, [config] { return std::make_unique<Gated>(config); }, plan});
}

GatedConfig OneEntry() {
  GatedConfig config;
  config.shape.entries = 1;
  config.shape.capacity = 1;
  config.shape.slots = config.shape.FullSlots();
  return config;
}

GatedConfig TwoEntries(std::uint32_t readers = 1, std::uint32_t max_borrowed = 1) {
  GatedConfig config;
  config.shape.entries = 2;
  config.shape.capacity = 2;
  config.readers = readers;
  config.shape.readers = readers;
  config.shape.max_borrowed = max_borrowed;
  config.shape.slots = config.shape.FullSlots();
  return config;
}

void AddWaitingForRoom(Catalogue& catalogue) {
  Plan plan;
  GatedConfig config = OneEntry();
  Add(catalogue, "gate", "reliable, N = 1: 1 publisher waits for 1 reader at every message", config, plan);
  config.shape.mode = ring::CommitMode::kSole;
  config.shape.max_publishers = 1;
  Add(catalogue, "gate_sole_writer", "the same with a sole writer, without a fence", config, plan);
  config = OneEntry();
  config.shape.first = (std::uint64_t{1} << 48) - 2;
  Add(catalogue, "gate_cursor_wraps", "the same where cursors, which have 48 bits, wrap", config, plan);
  config = OneEntry();
  config.shape.first_line = 64;
  Add(catalogue, "gate_second_word", "the same where the reader is in the second word of the bitmap", config, plan);
  config = OneEntry();
  config.publishers = 2;
  config.messages = 2;
  Add(catalogue, "gate_two_publishers", "reliable: 2 publishers wait for 1 reader", config, plan);
  config.publishers = 1;
  config.readers_are_mortal = true;
  plan.bounds.kills = 1;
  Add(catalogue, "gate_kills", "reliable: the reader may be killed, the publisher cleans its line", config, plan);
  config.has_cleaner = true;
  Add(catalogue, "gate_cleaner", "the same, and a cleaner rings for the dead", config, plan);
  plan.bounds.kills = 0;
  config = TwoEntries(1, 2);
  config.holds = 1;
  config.messages = 4;
  config.shape.slots = config.shape.LeastReliableSlots();
  Add(catalogue, "gate_two_held", "reliable: the reader keeps two samples and lets go of the newer first", config, plan);
  config = TwoEntries();
  config.messages = 4;
  config.takes_latest = true;
  Add(catalogue, "gate_latest", "reliable: the reader passes over all but the newest", config, plan);
  config = TwoEntries(2);
  config.first_reader_is_lossy = true;
  Add(catalogue, "gate_lossy", "reliable: a best_effort reader beside a reliable one holds nobody", config, plan);
  config = TwoEntries();
  config.shape.slots = config.shape.LeastSlots();
  config.shape.may_run_out = true;
  Add(catalogue, "gate_few_slots", "reliable: with too few slots a publisher gives up rather than take a message back", config,
      plan);
}

void AddJoiningTheGate(Catalogue& catalogue) {
  const Plan plan;
  GatedConfig config = OneEntry();
  config.join_while_running = true;
  Add(catalogue, "gate_join", "reliable: a reader joins while a publisher publishes", config, plan);
  config.shape.mode = ring::CommitMode::kSole;
  config.shape.max_publishers = 1;
  Add(catalogue, "gate_join_sole_writer", "the same with a sole writer", config, plan);
  config = OneEntry();
  config.join_while_running = true;
  config.publishers = 2;
  config.messages = 1;
  Add(catalogue, "gate_join_two_publishers", "reliable: a reader joins while 2 publishers publish", config, plan);
  config.publishers = 1;
  config.messages = 3;
  config.looks = 2;
  Add(catalogue, "gate_leave", "reliable: a reader joins and leaves while a publisher waits for it", config, plan);
  config = TwoEntries();
  config.join_while_running = true;
  config.history = 1;
  config.shape.history = 1;
  config.messages = 4;
  Add(catalogue, "gate_join_history", "reliable: a reader that wants an old message joins", config, plan);
}

void AddRetiringEarly(Catalogue& catalogue) {
  Plan plan;
  GatedConfig config = TwoEntries();
  config.shape.retires_early = true;
  config.shape.slots = config.shape.LeastReliableSlots();
  config.messages = 4;
  Add(catalogue, "early_gate", "reliable: slots come back once the reader has passed them", config, plan);
  config.join_while_running = true;
  config.history = 1;
  Add(catalogue, "early_gate_join", "the same, and the reader joins late and looks back", config, plan);
  config.join_while_running = false;
  config.history = 0;
  config.demoters = 1;
  config.messages = 5;
  Add(catalogue, "early_demote", "the same, and the reader is demoted at any time", config, plan);
  config.demoters = 0;
  config.publishers = 2;
  config.messages = 2;
  Add(catalogue, "early_gate_two_publishers", "the same with two publishers", config, plan);
  config = TwoEntries(2);
  config.shape.retires_early = true;
  config.first_reader_is_lossy = true;
  config.shape.entries = 8;
  config.shape.capacity = 8;
  config.shape.slots = config.shape.FullSlots();
  config.loses_nothing = true;
  Add(catalogue, "early_gate_lossy", "the same with a best_effort reader beside the reliable one", config, plan);
}

// `stopped`: 2 publishers demote a reader that never goes on.
void AddAbsencesOfDemoters(Catalogue& catalogue, GatedConfig stopped) {
  Plan plan;
  plan.depth_first = 50'000;
  plan.bounds.kills = 1;
  stopped.first_publisher_is_mortal = true;
  Add(catalogue, "demote_stopped_kills", "the same, and one of the publishers is killed anywhere", stopped, plan);
  GatedConfig config = OneEntry();
  config.demoters = 2;
  config.demoters_are_mortal = true;
  config.shape.slots = config.shape.LeastReliableSlots();
  Add(catalogue, "demote_twice", "2 demoters of one reader, which rejoins; one of them may be killed", config, plan);
  config.demoters = 1;
  config.demoters_are_mortal = false;
  config.readers = 2;
  config.join_while_running = true;
  config.first_reader_leaves = true;
  plan.bounds.kills = 0;
  Add(catalogue, "demote_line_reuse", "a slow demoter, and another reader on the line of the one it found stuck", config, plan);
  config.readers_are_mortal = true;
  plan.bounds.kills = 1;
  Add(catalogue, "demote_line_reuse_kills", "the same, and a reader may be killed", config, plan);
}

void AddDemoting(Catalogue& catalogue) {
  const Plan plan;
  GatedConfig config = OneEntry();
  config.demoters = 1;
  config.shape.slots = config.shape.LeastReliableSlots();
  config.messages = 4;
  Add(catalogue, "demote", "reliable: the reader is demoted at any time and rejoins", config, plan);
  config = TwoEntries();
  config.demoters = 1;
  config.shape.slots = config.shape.LeastReliableSlots();
  config.messages = 5;
  Add(catalogue, "demote_two_entries", "the same with two entries", config, plan);
  config = OneEntry();
  config.publishers = 2;
  config.messages = 2;
  config.readers_pause = true;
  config.demote_after_ns = 30'000'000;  // two sleeps of a publisher
  Add(catalogue, "demote_by_waiting", "reliable: 2 publishers demote a reader that has stopped, and only then", config, plan);
  config.readers_pause = false;
  config.readers_stop = true;
  Add(catalogue, "demote_stopped", "the same, and the reader never goes on", config, plan);
  AddAbsencesOfDemoters(catalogue, config);
}

}  // namespace

void AddGated(Catalogue& catalogue) {
  AddWaitingForRoom(catalogue);
  AddJoiningTheGate(catalogue);
  AddRetiringEarly(catalogue);
  AddDemoting(catalogue);
}

}  // namespace shmcomm::sched
