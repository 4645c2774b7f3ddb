// SPDX-License-Identifier: Apache-2.0
// A process that writes random and structured values over every file of a channel, as fast as it can.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "support/hand_laid.h"

namespace shmcomm::faults {

/// xorshift64*.
class CheapRandom {
 public:
  explicit CheapRandom(std::uint64_t seed) : state_(seed | 1) {}
  std::uint64_t operator()() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 2'685'821'657'736'338'717u;
  }

 private:
  std::uint64_t state_;
};

/// A mapped file.
struct Region {
  std::uint8_t* data;
  std::size_t bytes;
};

/// Random bits hit nothing that makes sense: half of what is written is a small change of what is there, or a number
/// next to one that matters; half of the places are the first words of the file, where the headers are.
void WriteSome(const Region* regions, std::size_t count, std::uint64_t words, CheapRandom& random);

class Scribbler {
 public:
  /// Scribbles over the files in `directory` and in those within it, files that come later too, until destroyed.
  Scribbler(std::string directory, std::uint64_t seed) : directory_(std::move(directory)) {
    pid_ = fork();
    if (pid_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    Scribble(seed);
  }
  Scribbler(const Scribbler&) = delete;
  Scribbler& operator=(const Scribbler&) = delete;
  ~Scribbler() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

  /// False where it has died itself, of a file that became shorter under it.
  bool is_alive() const {
    siginfo_t ended{};
    return waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid == 0;
  }

  /// Words written so far.
  std::uint64_t written() const { return shared_->written.load(std::memory_order_relaxed); }

  /// Returns when nothing is being written, which is so until GoOn().
  void Cease() {
    shared_->state.store(kToCease);
    while (shared_->state.load() != kCeased && is_alive()) sched_yield();
  }
  void GoOn() { shared_->state.store(kFiring); }

 private:
  static constexpr std::uint64_t kWordsARound = 20'000;

  enum State : std::uint64_t { kFiring, kToCease, kCeased };
  struct Shared {
    std::atomic<std::uint64_t> written;
    std::atomic<std::uint64_t> state;
  };

  [[noreturn]] void Scribble(std::uint64_t seed) {
    CheapRandom random(seed);
    std::uint64_t choice = random();
    for (;;) {
      if (shared_->state.load() != kFiring) choice = StandStill(random);
      const std::vector<Region> regions = MapAll(choice);
      if (!regions.empty()) WriteSome(regions.data(), regions.size(), kWordsARound, random);
      shared_->written.fetch_add(regions.empty() ? 0 : kWordsARound, std::memory_order_relaxed);
      for (const Region& region : regions) munmap(region.data, region.bytes);
    }
  }

  /// Returns once it may go on, with another choice of files.
  std::uint64_t StandStill(CheapRandom& random) {
    shared_->state.store(kCeased);
    while (shared_->state.load() == kCeased) sched_yield();
    return random();
  }

  /// All files, or some: where all are nonsense at once, few calls get far enough to meet most of it.
  std::vector<Region> MapAll(std::uint64_t choice) const {
    std::vector<Region> regions;
    std::error_code gone;
    auto entry = std::filesystem::recursive_directory_iterator(directory_, gone);
    // What comes and goes meanwhile, reply directories among it, is met in the next round.
    for (; !gone && entry != std::filesystem::recursive_directory_iterator(); entry.increment(gone)) {
      const std::uint64_t of_file = std::hash<std::string>()(entry->path().string()) ^ choice;
      if (choice % 2 == 0 || (of_file >> 8) % 4 == 0) MapOne(entry->path(), regions);
    }
    return regions;
  }

  static void MapOne(const std::string& path, std::vector<Region>& regions) {
    const int file = open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (file < 0) return;
    struct stat info {};
    if (fstat(file, &info) == 0 && S_ISREG(info.st_mode) && info.st_size >= 8) {
      const auto bytes = static_cast<std::size_t>(info.st_size);
      void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
      if (data != MAP_FAILED) regions.push_back({static_cast<std::uint8_t*>(data), bytes});
    }
    close(file);
  }

  std::string directory_;
  test::SharedPages page_{sizeof(Shared)};
  Shared* shared_ = reinterpret_cast<Shared*>(page_.data());
  pid_t pid_ = -1;
};

}  // namespace shmcomm::faults
