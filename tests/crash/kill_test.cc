// SPDX-License-Identifier: Apache-2.0
// SIGKILL at random moments: publishers and readers die, are replaced and die again, while others on the same channels
// must not notice. SHMCOMM_KILLS sets how many die (1,000), SHMCOMM_SEED repeats a run's choices.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "crash/traffic.h"
#include "shmcomm/publisher.h"
#include "shmcomm/subscriber.h"
#include "support/forked_child.h"
#include "support/temporary_root.h"
#include "support/watchdog.h"

namespace shmcomm::crash {
namespace {

enum class Kind { kPublisher, kReader };
enum class Fate { kVictim, kSurvivor };

std::uint64_t FromEnvironment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

ChannelSpec SpecFor(const char* name, std::uint32_t max_publishers) {
  ChannelSpec spec;
  spec.name = name;
  spec.declared_at = "kill.channel:1";
  spec.qos.max_size = 8192;
  spec.qos.capacity = 64;
  spec.qos.max_publishers = max_publishers;
  return spec;
}

/// What parent and participants share.
struct Shared {
  std::atomic<bool> stop;
  Report reports[64];
};

struct Process {
  Kind kind;
  Fate fate;
  ChannelSpec spec;
  std::uint32_t source;
  pid_t pid = -1;
};

class KillTest : public ::testing::Test {
 protected:
  KillTest() : seed_(FromEnvironment("SHMCOMM_SEED", std::random_device()())), random_(seed_) {
    void* pages = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) std::abort();
    shared_ = static_cast<Shared*>(pages);
    std::printf("SHMCOMM_SEED=%llu\n", static_cast<unsigned long long>(seed_));
    std::fflush(stdout);
  }
  ~KillTest() override {
    for (Process& process : processes_) Kill(process);
    munmap(shared_, sizeof(Shared));
  }

  void Add(Kind kind, Fate fate, const ChannelSpec& spec) {
    processes_.push_back(Process{kind, fate, spec, static_cast<std::uint32_t>(processes_.size()), -1});
  }
  void Start(Process& process) {
    Participant self;
    self.spec = process.spec;
    self.root = root_.path();
    self.source = process.source;
    self.seed = ++generation_;  // grows: the readers' proof that a message is not an earlier process's
    self.comes_and_goes = process.fate == Fate::kVictim;
    self.report = &ReportOf(process);
    self.stop = &shared_->stop;
    process.pid = fork();
    if (process.pid != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    process.kind == Kind::kPublisher ? PublishUntilStopped(self) : ReadUntilStopped(self);
    _exit(0);
  }
  static void Kill(Process& process) {
    if (process.pid <= 0) return;
    kill(process.pid, SIGKILL);
    waitpid(process.pid, nullptr, 0);
    process.pid = -1;
  }
  Report& ReportOf(const Process& process) { return shared_->reports[process.source]; }

  static std::uint64_t ProgressOf(const Process& process, const Report& report) {
    return process.kind == Kind::kPublisher ? report.sent.load() : report.received.load();
  }
  /// Every survivor goes on: publishers publish, readers receive. The watchdog ends a wait for one that does not.
  void AwaitProgressOfSurvivors() {
    for (const Process& process : processes_) {
      if (process.fate != Fate::kSurvivor) continue;
      const std::uint64_t before = ProgressOf(process, ReportOf(process));
      while (ProgressOf(process, ReportOf(process)) == before && ReportOf(process).wrongs == 0) usleep(100);
    }
  }
  bool IsAnythingWrong() {
    for (const Process& process : processes_) {
      if (ReportOf(process).wrongs != 0) return true;
    }
    return false;
  }
  void StartAll() {
    for (Process& process : processes_) Start(process);
    AwaitProgressOfSurvivors();
  }
  /// Kills `kills` victims, one at a time, each at a moment of its own.
  void KillAndReplace(std::uint64_t kills) {
    std::vector<Process*> victims;
    for (Process& process : processes_) {
      if (process.fate == Fate::kVictim) victims.push_back(&process);
    }
    for (std::uint64_t i = 0; i < kills && !IsAnythingWrong(); ++i) {
      Process& victim = *victims[random_() % victims.size()];
      const timespec moment{0, static_cast<long>(random_() % 2'000'000)};
      nanosleep(&moment, nullptr);
      Kill(victim);
      Start(victim);
      if (i % 50 == 49) AwaitProgressOfSurvivors();
    }
  }
  /// The survivors end by themselves.
  void StopSurvivors() {
    shared_->stop = true;
    for (Process& process : processes_) {
      if (process.pid <= 0) continue;
      int status = -1;
      waitpid(process.pid, &status, 0);
      EXPECT_EQ(status, 0) << "participant " << process.source;
      process.pid = -1;
    }
  }
  void ExpectNothingWrong() {
    std::uint64_t sent = 0, received = 0, lost = 0, opens = 0;
    for (const Process& process : processes_) {
      const Report& report = ReportOf(process);
      EXPECT_EQ(report.wrongs.load(), 0u) << "participant " << process.source << " of " << process.spec.name << ": "
                                          << report.first_wrong;
      sent += report.sent;
      received += report.received;
      lost += report.lost;
      opens += report.opens;
    }
    std::printf("%llu sent, %llu received, %llu lost, %llu opens\n", static_cast<unsigned long long>(sent),
                static_cast<unsigned long long>(received), static_cast<unsigned long long>(lost),
                static_cast<unsigned long long>(opens));
  }
  /// In a process of its own, as a newcomer would.
  int ExchangeOneMessage(const ChannelSpec& spec) {
    return test::ExitStatusOf([&] {
      PublisherOptions publisher_options;
      SubscriberOptions subscriber_options;
      publisher_options.root = subscriber_options.root = root_.path();
      auto subscriber = Subscriber::Open(spec, subscriber_options);
      auto publisher = Publisher::Open(spec, publisher_options);
      if (!subscriber.ok() || !publisher.ok()) return 1;
      if (!publisher->PublishCopy(kGreeting.data(), kGreeting.size(), Codec::kBytes).ok()) return 2;
      return subscriber->Take(absl::InfiniteDuration()).ok() ? 0 : 3;
    });
  }
  std::vector<std::string> FilesLeft() const {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root_.path())) files.push_back(entry.path());
    return files;
  }

  test::TemporaryRoot root_;
  test::Watchdog watchdog_{"the kill test", std::chrono::seconds(1500)};
  std::uint64_t seed_;
  std::mt19937_64 random_;
  std::uint64_t generation_ = 0;
  Shared* shared_ = nullptr;
  std::vector<Process> processes_;
};

TEST_F(KillTest, SurvivorsDoNotNotice) {
  const ChannelSpec shared = SpecFor("kill/shared", 8);
  const ChannelSpec dying = SpecFor("kill/dying_writer", 1);
  const ChannelSpec living = SpecFor("kill/living_writer", 1);
  for (int i = 0; i < 2; ++i) {
    Add(Kind::kPublisher, Fate::kVictim, shared);
    Add(Kind::kReader, Fate::kVictim, shared);
    Add(Kind::kPublisher, Fate::kSurvivor, shared);
    Add(Kind::kReader, Fate::kSurvivor, shared);
    Add(Kind::kReader, Fate::kVictim, living);
    Add(Kind::kReader, Fate::kSurvivor, dying);
  }
  Add(Kind::kPublisher, Fate::kVictim, dying);
  Add(Kind::kReader, Fate::kVictim, dying);
  Add(Kind::kPublisher, Fate::kSurvivor, living);
  Add(Kind::kReader, Fate::kSurvivor, living);

  StartAll();
  const std::uint64_t kills = FromEnvironment("SHMCOMM_KILLS", 1000);
  KillAndReplace(kills);
  std::printf("kill_test kills %llu\n", static_cast<unsigned long long>(kills));
  AwaitProgressOfSurvivors();
  for (Process& process : processes_) {
    if (process.fate == Fate::kVictim) Kill(process);
  }
  EXPECT_EQ(ExchangeOneMessage(shared), 0);
  EXPECT_EQ(ExchangeOneMessage(dying), 0);
  StopSurvivors();

  ExpectNothingWrong();
  EXPECT_EQ(FilesLeft(), std::vector<std::string>{});
}

TEST_F(KillTest, AChannelWhoseParticipantsAllDiedIsReplacedByTheNextOpen) {
  for (int round = 0; round < 20; ++round) {
    ChannelSpec spec = SpecFor("kill/all", round % 2 == 0 ? 1 : 4);
    spec.message.name = "test.Old";
    spec.message.fingerprint = 1;
    processes_.clear();
    Add(Kind::kPublisher, Fate::kSurvivor, spec);
    for (int i = 0; i < 3; ++i) Add(Kind::kReader, Fate::kSurvivor, spec);
    StartAll();
    for (const Process& process : processes_) kill(process.pid, SIGKILL);
    for (Process& process : processes_) Kill(process);
    EXPECT_FALSE(FilesLeft().empty());

    spec.message.fingerprint = 2;
    spec.message.name = "test.New";
    spec.qos.capacity = 16;
    EXPECT_EQ(ExchangeOneMessage(spec), 0);

    EXPECT_EQ(FilesLeft(), std::vector<std::string>{});
  }
  ExpectNothingWrong();
}

}  // namespace
}  // namespace shmcomm::crash
