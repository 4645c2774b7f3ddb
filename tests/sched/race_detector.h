// SPDX-License-Identifier: Apache-2.0
// Two plain accesses to the same word, one of them a write, must be ordered by happens-before. Only synchronisation
// gives that order (release to acquire, locks), so a race shows in whichever order the two happen to run.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sched/address_index.h"
#include "sched/view.h"

namespace shmcomm::sched {

class RaceDetector {
 public:
  enum class Verdict : std::uint8_t { kOrdered, kRace, kFull };

  void Reset() { ++execution_; }
  Verdict Read(const void* where, std::size_t bytes, unsigned thread, const Clocks& clocks);
  Verdict Write(const void* where, std::size_t bytes, unsigned thread, const Clocks& clocks);

 private:
  static constexpr std::size_t kMaxCells = 512;

  struct Cell {
    std::uint32_t execution;
    bool is_written;
    unsigned writer;
    std::uint16_t written_at;
    Clocks read_at;  // per thread, 0 = never
  };

  Cell* Find(std::uintptr_t granule);
  Verdict ReadCell(std::uintptr_t granule, unsigned thread, const Clocks& clocks);
  Verdict WriteCell(std::uintptr_t granule, unsigned thread, const Clocks& clocks);

  AddressIndex<kMaxCells> index_;
  std::uint32_t execution_ = 0;
  Cell cells_[kMaxCells] = {};
};

}  // namespace shmcomm::sched
