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
#include <random>
#include <string>
#include <vector>

#include "segment/layout.h"
#include "support/hand_laid.h"

namespace shmcomm::faults {

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
  struct Region {
    std::uint8_t* data;
    std::size_t bytes;
  };

  enum State : std::uint64_t { kFiring, kToCease, kCeased };
  struct Shared {
    std::atomic<std::uint64_t> written;
    std::atomic<std::uint64_t> state;
  };

  [[noreturn]] void Scribble(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::uint64_t choice = random();
    for (;;) {
      if (shared_->state.load() != kFiring) choice = StandStill(random);
      const std::vector<Region> regions = MapAll(choice);
      for (int i = 0; i < 20'000 && !regions.empty(); ++i) WriteOne(regions[random() % regions.size()], random);
      shared_->written.fetch_add(regions.empty() ? 0 : 20'000, std::memory_order_relaxed);
      for (const Region& region : regions) munmap(region.data, region.bytes);
    }
  }

  /// Returns once it may go on, with another choice of files.
  std::uint64_t StandStill(std::mt19937_64& random) {
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

  /// Random bits hit nothing that makes sense: half of what is written is a small change of what is there, or a number
  /// next to one that matters; half of the places are the first words of the file, where the headers are.
  static void WriteOne(const Region& region, std::mt19937_64& random) {
    const std::uint64_t choice = random();
    const std::size_t span = (choice & 1) != 0 ? region.bytes : std::min<std::size_t>(region.bytes, 4096);
    const std::size_t at = random() % (span / 8) * 8;
    auto& word = *reinterpret_cast<std::atomic<std::uint64_t>*>(region.data + at);
    static constexpr std::uint64_t kEdges[] = {0, 1, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, ~std::uint64_t{0}, std::uint64_t{1} << 63};
    switch (choice >> 1 & 3) {
      case 0:
        return word.store(random(), std::memory_order_relaxed);
      case 1:
        return word.store(kEdges[random() % (sizeof(kEdges) / 8)], std::memory_order_relaxed);
      case 2:
        word.fetch_xor(std::uint64_t{1} << (random() % 64), std::memory_order_relaxed);
        return;
      default:
        word.fetch_add(random() % 3 - 1, std::memory_order_relaxed);
        return;
    }
  }

  std::string directory_;
  test::SharedPages page_{sizeof(Shared)};
  Shared* shared_ = reinterpret_cast<Shared*>(page_.data());
  pid_t pid_ = -1;
};

}  // namespace shmcomm::faults
