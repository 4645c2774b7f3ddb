// SPDX-License-Identifier: Apache-2.0
// Processes of several roles that are killed at random moments and replaced, in a root of their own.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <new>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "support/temporary_root.h"
#include "support/watchdog.h"

namespace shmcomm::crash {

inline std::uint64_t FromEnvironment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// What the processes of a test share. Lies in memory that outlives a kill.
struct KillingShared {
  static constexpr std::uint32_t kMostLives = 1 << 17;

  std::atomic<bool> stop;
  std::atomic<std::uint64_t> wrongs;
  char first_wrong[256];
  std::atomic<bool> is_killed[kMostLives];   // by life; set before the signal is sent

  /// Counts something that must not happen; the first is kept in words.
  void Wrong(const std::string& what) {
    if (wrongs.fetch_add(1) == 0) std::snprintf(first_wrong, sizeof(first_wrong), "%s", what.c_str());
  }
};

/// `Shared` derives from KillingShared and is all zeroes at first.
template <class Shared>
class KillingTest : public ::testing::Test {
 protected:
  /// What a process does until `stop`. `life` is its number, from 1, never given twice.
  using Life = std::function<void(std::uint32_t life)>;

  KillingTest() : seed_(FromEnvironment("SHMCOMM_SEED", std::random_device()())), random_(seed_) {
    void* pages = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) std::abort();
    shared_ = static_cast<Shared*>(pages);
    std::printf("SHMCOMM_SEED=%llu\n", static_cast<unsigned long long>(seed_));
    std::fflush(stdout);
  }
  ~KillingTest() override {
    for (Process& process : processes_) Kill(process);
    munmap(shared_, sizeof(Shared));
  }

  void Start(bool is_victim, Life live) {
    processes_.push_back(Process{std::move(live), is_victim});
    Start(processes_.back());
  }
  /// Kills `kills` victims one after another, each at a moment of its own, and starts another in its place.
  void KillAndReplace(std::uint64_t kills) {
    std::vector<Process*> victims;
    for (Process& process : processes_) {
      if (process.is_victim) victims.push_back(&process);
    }
    for (std::uint64_t i = 0; i < kills && shared_->wrongs == 0; ++i) {
      Process& victim = *victims[random_() % victims.size()];
      const timespec moment{0, static_cast<long>(random_() % 3'000'000)};
      nanosleep(&moment, nullptr);
      Kill(victim);
      Start(victim);
    }
    std::printf("kill_test kills %llu\n", static_cast<unsigned long long>(kills));
  }
  /// Everybody ends by itself.
  void StopAll() {
    shared_->stop = true;
    AwaitEndFrom(0);
    EXPECT_EQ(shared_->wrongs.load(), 0u) << shared_->first_wrong;
  }
  /// Those started from the `first`th on end.
  void AwaitEndFrom(std::size_t first) {
    for (std::size_t i = first; i < processes_.size(); ++i) {
      Process& process = processes_[i];
      int status = 0;
      if (process.pid > 0) waitpid(process.pid, &status, 0);
      process.pid = -1;
      EXPECT_EQ(status, 0) << "life " << process.life;
    }
  }
  std::vector<std::string> FilesLeft() const {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root_.path())) files.push_back(entry.path());
    return files;
  }
  template <class Options>
  Options Here() const {
    Options options;
    options.root = root_.path();
    return options;
  }

  test::TemporaryRoot root_;
  Shared* shared_ = nullptr;

 private:
  struct Process {
    Life live;
    bool is_victim;
    pid_t pid = -1;
    std::uint32_t life = 0;
  };

  void Start(Process& process) {
    process.life = ++lives_;
    if (process.life >= Shared::kMostLives) std::abort();
    process.pid = fork();
    if (process.pid != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    process.live(process.life);
    _exit(0);
  }
  void Kill(Process& process) {
    if (process.pid <= 0) return;
    shared_->is_killed[process.life] = true;
    kill(process.pid, SIGKILL);
    waitpid(process.pid, nullptr, 0);
    process.pid = -1;
  }

  test::Watchdog watchdog_{"a test that kills", std::chrono::seconds(1500)};
  std::uint64_t seed_;
  std::mt19937_64 random_;
  std::uint32_t lives_ = 0;
  std::vector<Process> processes_;
};

}  // namespace shmcomm::crash
