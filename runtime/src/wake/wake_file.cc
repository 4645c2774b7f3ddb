// SPDX-License-Identifier: Apache-2.0
#include "wake/wake_file.h"

#include <new>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/crash_point.h"

namespace shmcomm::wake {
namespace {

constexpr char kPrefix[] = "wake.";

std::uint64_t BitOf(std::uint32_t line) { return std::uint64_t{1} << (line % 64); }

}  // namespace

std::string WakeFileName(std::uint32_t line) { return absl::StrCat(kPrefix, line); }

bool IsWakeFileName(const std::string& name) {
  std::uint32_t line = 0;
  return absl::StartsWith(name, kPrefix) && absl::SimpleAtoi(name.substr(sizeof(kPrefix) - 1), &line);
}

absl::StatusOr<platform::Descriptor> MakeWakeFile(const WakeFileTable& table, std::uint32_t line) {
  const std::string name = WakeFileName(line);
  // An earlier owner's, which died before its cleaner or in between: nobody else makes one under this lock.
  if (absl::Status gone = platform::UnlinkAt(table.directory, name); !gone.ok()) return gone;
  if (absl::Status made = platform::MakeFifoAt(table.directory, name); !made.ok()) return made;
  SHMCOMM_CRASH_POINT("wake.file.after_make");
  absl::StatusOr<platform::Descriptor> file = platform::OpenFifoAt(table.directory, name);
  if (!file.ok()) return file;
  base::Atomic<std::uint32_t>& generation = table.lines[line].descriptor;
  const std::uint32_t last = generation.load(std::memory_order_relaxed);  // the lock's holder is its only writer
  generation.store(last + 1 == 0 ? 1 : last + 1, std::memory_order_relaxed);
  // E15 release -> WakeFileRinger::RingAll acquire: who sees the bit finds the generation and the file.
  table.bits[line / 64].fetch_or(BitOf(line), std::memory_order_acq_rel);
  SHMCOMM_CRASH_POINT("wake.file.after_bit");
  return file;
}

void RemoveWakeFile(const WakeFileTable& table, std::uint32_t line) {
  table.bits[line / 64].fetch_and(~BitOf(line), std::memory_order_acq_rel);
  SHMCOMM_CRASH_POINT("wake.file.before_unlink");
  platform::UnlinkAt(table.directory, WakeFileName(line)).IgnoreError();
}

void RemoveWakeFileIfAny(const WakeFileTable& table, std::uint32_t line) {
  // relaxed: only the lock's holder changes this bit.
  if ((table.bits[line / 64].load(std::memory_order_relaxed) & BitOf(line)) != 0) RemoveWakeFile(table, line);
}

void WakeFileRinger::RingAll() {
  for (std::uint32_t word = 0; word < layout::BitmapWords(table_.count); ++word) {
    // E15 acquire <- MakeWakeFile release.
    std::uint64_t bits = table_.bits[word].load(std::memory_order_acquire);
    while (bits != 0) {
      const std::uint32_t line = word * 64 + static_cast<std::uint32_t>(__builtin_ctzll(bits));
      bits &= bits - 1;
      if (line >= table_.count) break;  // I9
      Ring(line);
    }
  }
}

void WakeFileRinger::Ring(std::uint32_t line) {
  if ((table_.bits[line / 64].load(std::memory_order_acquire) & BitOf(line)) == 0) return;
  const platform::KeptDescriptor* file = nullptr;
  try {
    file = &FileOf(line);
  } catch (const std::bad_alloc&) {
    return;  // the message is published all the same: its reader finds it when its bounded sleep is over
  }
  platform::WriteByte(*file);
}

const platform::KeptDescriptor& WakeFileRinger::FileOf(std::uint32_t line) {
  if (opened_.empty()) opened_.resize(table_.count);
  Opened& opened = opened_[line];
  const std::uint32_t generation = table_.lines[line].descriptor.load(std::memory_order_relaxed);  // ordered by the bit
  if (opened.generation != generation) {
    absl::StatusOr<platform::Descriptor> file = platform::OpenFifoAt(table_.directory, WakeFileName(line));
    opened.file = file.ok() ? platform::KeptDescriptor(*std::move(file)) : platform::KeptDescriptor();
    opened.generation = generation;
  }
  return opened.file;
}

}  // namespace shmcomm::wake
