// SPDX-License-Identifier: Apache-2.0
// A process that writes random and structured values over every file of a channel, as fast as it can.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "segment/layout.h"
#include "support/hand_laid.h"

namespace shmcomm::faults {

class Scribbler {
 public:
  /// Scribbles over the files in `directory`, those that come later too, until destroyed.
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

  /// Words written so far.
  std::uint64_t written() const { return written_->load(std::memory_order_relaxed); }

 private:
  struct Region {
    std::uint8_t* data;
    std::size_t bytes;
  };

  [[noreturn]] void Scribble(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    for (;;) {
      const std::vector<Region> regions = MapAll();
      for (int i = 0; i < 20'000 && !regions.empty(); ++i) WriteOne(regions[random() % regions.size()], random);
      written_->fetch_add(regions.empty() ? 0 : 20'000, std::memory_order_relaxed);
      for (const Region& region : regions) munmap(region.data, region.bytes);
    }
  }

  std::vector<Region> MapAll() const {
    std::vector<Region> regions;
    std::error_code absent;
    for (const auto& entry : std::filesystem::directory_iterator(directory_, absent)) {
      const int file = open(entry.path().c_str(), O_RDWR | O_CLOEXEC);
      struct stat info {};
      if (file < 0 || fstat(file, &info) != 0 || info.st_size < 8) {
        if (file >= 0) close(file);
        continue;
      }
      const auto bytes = static_cast<std::size_t>(info.st_size);
      void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
      close(file);
      if (data != MAP_FAILED) regions.push_back({static_cast<std::uint8_t*>(data), bytes});
    }
    return regions;
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
  test::SharedPages page_{sizeof(std::atomic<std::uint64_t>)};
  std::atomic<std::uint64_t>* written_ = reinterpret_cast<std::atomic<std::uint64_t>*>(page_.data());
  pid_t pid_ = -1;
};

}  // namespace shmcomm::faults
