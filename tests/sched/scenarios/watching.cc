// SPDX-License-Identifier: Apache-2.0
// A reader that waits through a descriptor: it owns a named pipe, and who publishes writes into it. The shipped wake files,
// arming and re-arming (endpoint/polled.cc). A wake that is lost shows as a reader that waits beside a message (I8).
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "endpoint/polled.h"
#include "registry/cleaner.h"
#include "registry/seats.h"
#include "sched/scenarios/all.h"
#include "sched/scenarios/publishing_process.h"

namespace shmcomm::sched {
namespace {

struct WatchingConfig {
  Shape shape;
  std::uint32_t publishers = 1;
  std::uint32_t messages = 2;
  std::uint32_t readers = 1;        // one after the other, on one line
  bool publishers_are_mortal = false;
  bool has_barrier = true;
  bool is_watched_late = false;     // from after the first message on
  bool has_cleaner = false;
};

/// As a subscriber's core: what it tells Polled, and how it takes.
class WatchedReader final : public endpoint::Waitable {
 public:
  void Reset() {
    polled_.reset();
    wake_file_ = platform::KeptDescriptor();
    seat_.reset();
    is_open_ = false;
  }
  bool Open(Machine& machine, ChannelModel& channel) {
    channel_ = &channel;
    absl::StatusOr<registry::ReaderSeat> seat = registry::TakeReaderLine(channel.site());
    if (!seat.ok()) return false;
    seat_.emplace(*std::move(seat));
    reader_.Open(machine, channel, seat_->line);
    reader_.Join();
    sleeper_.emplace(*channel.readers().wake, channel.shape().mode == ring::CommitMode::kSole);
    polled_.emplace();
    is_open_ = true;
    return true;
  }
  void Watch(Machine& machine) { machine.Check(polled_->Open(*this).ok(), "a descriptor could not be made"); }
  void Leave() {
    is_open_ = false;
    registry::LeaveReaderLine(channel_->site(), *seat_);
  }
  bool Take() {
    if (reader_.TakeAndRelease()) return true;
    return polled_->Rearm(*this) && reader_.TakeAndRelease();
  }
  void Await(Machine& machine) { machine.WaitForPipe(wake_file_.get(), longest_sleep_ns()); }
  bool IsPassedBy(ring::Sequence end) const { return ring::Distance(end, reader_.position()) >= 0; }
  bool HasMessage() const { return is_open_ && reader_.IsAvailable(); }

  const std::string& name() const override { return name_; }
  bool IsThisProcess() const override { return true; }
  const base::Atomic<std::uint32_t>& bell() const override { return sleeper_->word(); }
  void Arm(wake::Ear ear) override { sleeper_->Arm(ear); }
  wake::FenceRequest* fences() override { return sleeper_->fences(); }
  bool IsReady() override { return reader_.IsAvailable(); }
  absl::Status AfterVainSleep() override { return absl::OkStatus(); }
  absl::StatusOr<const platform::KeptDescriptor*> WakeFile() override {
    absl::StatusOr<platform::Descriptor> file = wake::MakeWakeFile(channel_->site().wake_files(), seat_->line);
    if (!file.ok()) return file.status();
    wake_file_ = platform::KeptDescriptor(*std::move(file));
    return &wake_file_;
  }

 private:
  std::string name_ = "model";
  ChannelModel* channel_ = nullptr;
  std::optional<registry::ReaderSeat> seat_;
  ModelReader reader_;
  std::optional<wake::Sleeper> sleeper_;
  std::optional<endpoint::Polled> polled_;
  platform::KeptDescriptor wake_file_;
  bool is_open_ = false;
};

class Watching : public Scenario {
 public:
  explicit Watching(const WatchingConfig& config) : config_(config), channel_(config.shape) {}

  void Start(Machine& machine) override {
    machine_ = &machine;
    has_cleaned_ = false;
    channel_.Reset();
    machine.kernel().set_can_issue_barrier(config_.has_barrier);
    for (std::uint32_t i = 0; i < config_.publishers; ++i) {
      processes_[i].Reset();
      const auto body = [this, i] { RunPublisher(i); };
      config_.publishers_are_mortal ? machine.SpawnMortal("publisher", body) : machine.Spawn("publisher", body);
    }
    for (std::uint32_t i = 0; i < config_.readers; ++i) {
      readers_[i].Reset();
      const auto body = [this, i] { RunReader(i); };
      const bool is_last = i + 1 == config_.readers;
      is_last ? machine.Spawn("reader", body) : machine.SpawnMortal("reader before", body);
    }
    if (config_.has_cleaner) machine.Spawn("cleaner", [this] { RunCleaner(); });
  }

  void Rest(Machine& machine) override {
    // What a dead publisher did not write, its cleaner does; until then it is found when the timer is up.
    const bool is_wake_lost = IsAnyPublisherDead() && !has_cleaned_;
    for (std::uint32_t i = 0; i < config_.readers && !is_wake_lost; ++i) {
      machine.Check(!WaitsBesideAMessage(i), "I8: a reader waits beside a message");
    }
  }

  void Finish(Machine& machine) override {
    channel_.CheckEntries(machine);
    for (std::uint32_t i = 0; i < config_.readers; ++i) {
      machine.Check(!WaitsBesideAMessage(i), "I8: a reader never finds a message, however often it wakes");
    }
  }

  void Describe(Names& names) const override { channel_.Describe(names); }

 private:
  static constexpr std::uint32_t kMost = 2;

  unsigned ThreadOfReader(std::uint32_t index) const { return config_.publishers + index; }
  bool WaitsBesideAMessage(std::uint32_t index) const {
    return machine_->StateOf(ThreadOfReader(index)) == ThreadState::kAsleep && readers_[index].HasMessage();
  }
  bool IsAnyPublisherDead() const {
    for (std::uint32_t i = 0; i < config_.publishers; ++i) {
      if (machine_->StateOf(i) == ThreadState::kKilled) return true;
    }
    return false;
  }

  void RunPublisher(std::uint32_t index) {
    PublishingProcess& process = processes_[index];
    if (!process.Open(*machine_, channel_)) return;
    process.UseBell();
    for (std::uint32_t i = 0; i < config_.messages; ++i) process.Publish();
  }

  /// The first of two goes after one message, or is killed; the next takes its line, and has a pipe of the same name.
  void RunReader(std::uint32_t index) {
    WatchedReader& reader = readers_[index];
    if (index > 0) {
      while (machine_->StateOf(ThreadOfReader(0)) == ThreadState::kReady) base::Pause();
    }
    if (!reader.Open(*machine_, channel_)) return;
    const bool is_last = index + 1 == config_.readers;
    const std::uint32_t all = config_.publishers * config_.messages;
    const ring::Sequence end = channel_.shape().first + (is_last ? all : 1);
    while (config_.is_watched_late && !reader.IsPassedBy(channel_.shape().first + 1) && !reader.Take()) base::Pause();
    reader.Watch(*machine_);
    // It is armed by then: who watches from there on need not look once more.
    if (config_.is_watched_late && !reader.IsPassedBy(end)) reader.Await(*machine_);
    while (!reader.IsPassedBy(end)) {
      if (!reader.Take()) reader.Await(*machine_);
    }
    if (!is_last) reader.Leave();
  }

  /// Another process opens the channel some time after a publisher has died, or never.
  void RunCleaner() {
    while (machine_->StateOf(0) == ThreadState::kReady) base::Pause();
    const bool is_dead = machine_->StateOf(0) == ThreadState::kKilled;
    registry::CleanDeadPublishers(channel_.site()).IgnoreError();
    has_cleaned_ = is_dead;
  }

  WatchingConfig config_;
  ChannelModel channel_;
  Machine* machine_ = nullptr;
  bool has_cleaned_ = false;
  std::array<PublishingProcess, kMost> processes_;
  std::array<WatchedReader, kMost> readers_;
};

void Add(Catalogue& catalogue, const char* name, const char* about, const WatchingConfig& config, const Plan& plan) {
  catalogue.push_back({name, about, [config] { return std::make_unique<Watching>(config); }, plan});
}

}  // namespace

void AddWatching(Catalogue& catalogue) {
  WatchingConfig config;
  Plan plan;
  config.shape.prepares = true;
  config.shape.slots = config.shape.FullSlots();
  Add(catalogue, "watch", "1 publisher with a fence, 1 reader behind a descriptor", config, plan);
  config.is_watched_late = true;
  Add(catalogue, "watch_late", "the same, the descriptor is made after a message was taken", config, plan);
  config.is_watched_late = false;
  config.publishers = 2;
  config.messages = 1;
  config.publishers_are_mortal = true;
  plan.bounds.kills = 1;
  Add(catalogue, "watch_kills", "2 publishers that may be killed, 1 reader behind a descriptor", config, plan);
  config.publishers = 1;
  config.has_cleaner = true;
  Add(catalogue, "watch_cleaner", "a publisher is killed anywhere, a cleaner wakes a reader that is making its descriptor", config, plan);
  config.has_cleaner = false;
  config.publishers_are_mortal = false;
  config.messages = 3;
  config.readers = 2;
  Add(catalogue, "watch_line_reuse", "a reader behind a descriptor goes or is killed, another takes its line", config, plan);
  config.readers = 1;
  config.messages = 2;
  plan.bounds.kills = 0;
  config.shape.max_publishers = 1;
  config.shape.mode = ring::CommitMode::kSole;
  Add(catalogue, "watch_asymmetric", "a sole writer without a fence, the reader issues a membarrier", config, plan);
}

}  // namespace shmcomm::sched
