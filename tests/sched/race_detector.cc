// SPDX-License-Identifier: Apache-2.0
#include "sched/race_detector.h"

namespace shmcomm::sched {
namespace {

constexpr std::uintptr_t kGranule = 8;

}  // namespace

RaceDetector::Cell* RaceDetector::Find(std::uintptr_t granule) {
  const std::size_t number = index_.FindOrAdd(reinterpret_cast<const void*>(granule));
  if (number == kMaxCells) return nullptr;
  Cell& cell = cells_[number];
  if (cell.execution != execution_) cell = Cell{execution_, false, 0, 0, Clocks{}};
  return &cell;
}

RaceDetector::Verdict RaceDetector::ReadCell(std::uintptr_t granule, unsigned thread, const Clocks& clocks) {
  Cell* cell = Find(granule);
  if (cell == nullptr) return Verdict::kFull;
  cell->read_at[thread] = clocks[thread];
  return cell->is_written && clocks[cell->writer] < cell->written_at ? Verdict::kRace : Verdict::kOrdered;
}

RaceDetector::Verdict RaceDetector::WriteCell(std::uintptr_t granule, unsigned thread, const Clocks& clocks) {
  Cell* cell = Find(granule);
  if (cell == nullptr) return Verdict::kFull;
  bool is_ordered = !cell->is_written || clocks[cell->writer] >= cell->written_at;
  for (unsigned reader = 0; reader < kMaxThreads; ++reader) is_ordered &= clocks[reader] >= cell->read_at[reader];
  cell->is_written = true;
  cell->writer = thread;
  cell->written_at = clocks[thread];
  return is_ordered ? Verdict::kOrdered : Verdict::kRace;
}

RaceDetector::Verdict RaceDetector::Read(const void* where, std::size_t bytes, unsigned thread, const Clocks& clocks) {
  const auto begin = reinterpret_cast<std::uintptr_t>(where);
  Verdict verdict = Verdict::kOrdered;
  for (std::uintptr_t at = begin / kGranule; at <= (begin + bytes - 1) / kGranule && verdict == Verdict::kOrdered; ++at) {
    verdict = ReadCell(at, thread, clocks);
  }
  return verdict;
}

RaceDetector::Verdict RaceDetector::Write(const void* where, std::size_t bytes, unsigned thread, const Clocks& clocks) {
  const auto begin = reinterpret_cast<std::uintptr_t>(where);
  Verdict verdict = Verdict::kOrdered;
  for (std::uintptr_t at = begin / kGranule; at <= (begin + bytes - 1) / kGranule && verdict == Verdict::kOrdered; ++at) {
    verdict = WriteCell(at, thread, clocks);
  }
  return verdict;
}

}  // namespace shmcomm::sched
