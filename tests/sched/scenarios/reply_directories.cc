// SPDX-License-Identifier: Apache-2.0
// The directories that requesters have their replies in: made under the lock of the requester's id, removed by the
// requester when it leaves, by the id's next owner, or by whoever finds the lock free. Nobody removes one, or a file in
// it, whose requester lives; and none outlasts the next process that opens the channel. What lies in the files is not
// looked at: the model maps none.
#include <array>
#include <optional>
#include <string>

#include "platform/os.h"
#include "registry/reply_directory.h"
#include "registry/seats.h"
#include "sched/channel_model.h"
#include "sched/scenarios/all.h"

namespace shmcomm::sched {
namespace {

struct ReplyDirectoriesConfig {
  std::uint32_t requesters = 2;
  std::uint32_t ids = 1;                // fewer than requesters: one follows the other
  bool has_replier = false;             // links its data file, as long as the directory is there
};

Shape ShapeOf(const ReplyDirectoriesConfig& config) {
  Shape shape;
  shape.has_claims = true;
  shape.max_publishers = config.ids;
  return shape;
}

class ReplyDirectories : public Scenario {
 public:
  explicit ReplyDirectories(const ReplyDirectoriesConfig& config) : config_(config), channel_(ShapeOf(config)) {}

  void Start(Machine& machine) override {
    machine_ = &machine;
    channel_.Reset();
    for (std::uint32_t i = 0; i < config_.requesters; ++i) {
      seats_[i].reset();
      owned_[i].clear();
      machine.SpawnMortal("requester", [this, i] { RunRequester(i); });
    }
    if (config_.has_replier) machine.Spawn("replier", [this] { RunReplier(); });
    machine.SpawnMortal("cleaner", [this] { Clean(); });
    machine.Spawn("last to open", [this] { RunLast(); });
  }

  void Unlinked(Machine& machine, const std::string& path) override {
    for (std::uint32_t i = 0; i < config_.requesters; ++i) {
      const bool is_its_own = !owned_[i].empty() && path.substr(0, path.find('/')) == owned_[i];
      if (!is_its_own || machine.current() == i || machine.StateOf(i) == ThreadState::kKilled) continue;
      machine.Fail("the living lose " + path);
    }
  }

  void Finish(Machine& machine) override {
    machine.Check(machine.kernel().folders().names().empty(), "a reply directory outlasts its requester");
  }

  void Describe(Names& names) const override { channel_.Describe(names); }

 private:
  static constexpr std::uint32_t kMost = 2;

  /// As Channel::CreateReplies, announcing and closing.
  void RunRequester(std::uint32_t index) {
    absl::StatusOr<registry::PublisherSeat> seat = registry::TakePublisherId(channel_.site());
    if (!seat.ok()) return;  // the other one has the only id for all the time that this one waits
    seats_[index].emplace(*std::move(seat));
    const std::uint32_t id = seats_[index]->id;
    registry::RemoveReplyDirectoriesOf(Machine::kDirectory, id);
    owned_[index] = registry::ReplyDirectoryName(id, seats_[index]->generation);
    machine_->Check(machine_->MakeFolder(owned_[index]), "an earlier owner's reply directory is in the way");
    const int folder = machine_->OpenFolder(owned_[index]);
    for (const char* file : {registry::kRingFile, registry::kReadersFile}) {
      machine_->Check(machine_->AddName(file, folder), "the living lose their reply directory");
    }
    registry::AnnouncePublisher(channel_.site(), *seats_[index]);
    platform::Yield();
    registry::RemoveReplyDirectoriesOf(Machine::kDirectory, id);
    owned_[index].clear();
    seats_[index].reset();
  }

  void RunReplier() {
    const std::uint32_t generation = channel_.ring().publishers[1].generation.load(std::memory_order_acquire);
    const int folder = generation != 0 ? machine_->OpenFolder(registry::ReplyDirectoryName(1, generation)) : -1;
    if (folder >= 0) machine_->AddName(registry::DataFileName(1, 1), folder);
  }

  void Clean() { machine_->Check(registry::CleanDeadRequesters(channel_.site()).ok(), "dead requesters could not be cleaned up"); }

  /// When everybody else has gone or died.
  void RunLast() {
    const std::uint32_t others = config_.requesters + (config_.has_replier ? 2 : 1);
    for (std::uint32_t i = 0; i < others; ++i) {
      while (machine_->StateOf(i) == ThreadState::kReady) base::Pause();
    }
    Clean();
  }

  ReplyDirectoriesConfig config_;
  ChannelModel channel_;
  Machine* machine_ = nullptr;
  std::array<std::optional<registry::PublisherSeat>, kMost> seats_;
  std::array<std::string, kMost> owned_;   // made by each; empty before and after
};

void Add(Catalogue& catalogue, const char* name, const char* about, const ReplyDirectoriesConfig& config, const Plan& plan) {
  catalogue.push_back({name, about, [config] { return std::make_unique<ReplyDirectories>(config); }, plan});
}

}  // namespace

void AddReplyDirectories(Catalogue& catalogue) {
  ReplyDirectoriesConfig config;
  Plan plan;
  plan.bounds.kills = 2;
  Add(catalogue, "reply_directories", "2 requesters in turn on one id and a cleaner, two of them killed anywhere", config, plan);
  config.ids = 2;
  Add(catalogue, "reply_directories_beside", "the same, the requesters beside each other", config, plan);
  config.requesters = 1;
  config.ids = 1;
  config.has_replier = true;
  Add(catalogue, "reply_directories_linked", "1 requester, a replier that links its file, a cleaner", config, plan);
}

}  // namespace shmcomm::sched
