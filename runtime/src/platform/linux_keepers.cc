// SPDX-License-Identifier: Apache-2.0
// Who keeps which descriptor number. Numbers below 2^20, the most that Linux gives a process unless told otherwise; of others
// nothing is known. Asked in signal handlers and beside other threads: two levels of atomic words, and no lock.
#include <atomic>
#include <cstdint>
#include <new>

#include "base/atomic.h"
#include "platform/os.h"

namespace shmcomm::platform {
namespace {

constexpr std::uint32_t kInBlock = 1024;
constexpr std::uint32_t kBlocks = 1024;

/// The newest keeper of each of its numbers; 0 = nobody yet.
struct Block {
  base::Atomic<std::uint64_t> keepers[kInBlock] = {};
};

base::Atomic<Block*> blocks[kBlocks] = {};   // made at their first use, never deleted: endpoints live until exit
base::Atomic<std::uint64_t> last_keeper{0};

base::Atomic<std::uint64_t>* KeeperOf(int file) {
  const auto number = static_cast<std::uint32_t>(file);
  if (number >= kInBlock * kBlocks) return nullptr;
  Block* block = blocks[number / kInBlock].load(std::memory_order_acquire);
  return block != nullptr ? &block->keepers[number % kInBlock] : nullptr;
}

void MakeBlockOf(int file) {
  const auto number = static_cast<std::uint32_t>(file);
  if (number >= kInBlock * kBlocks || KeeperOf(file) != nullptr) return;
  auto* made = new (std::nothrow) Block;
  Block* none = nullptr;
  // acq_rel -> the acquire of KeeperOf: who finds the block finds it zeroed.
  if (!blocks[number / kInBlock].compare_exchange_strong(none, made, std::memory_order_acq_rel, std::memory_order_acquire)) delete made;
}

}  // namespace

std::uint64_t KeepNumber(int file) {
  MakeBlockOf(file);
  base::Atomic<std::uint64_t>* keeper = KeeperOf(file);
  if (keeper == nullptr) return 0;
  const std::uint64_t us = last_keeper.fetch_add(1, std::memory_order_relaxed) + 1;  // relaxed: only to be different
  keeper->store(us, std::memory_order_release);
  return us;
}

bool IsNewestKeeper(int file, std::uint64_t keeper) {
  const base::Atomic<std::uint64_t>* newest = KeeperOf(file);
  return keeper == 0 || newest == nullptr || newest->load(std::memory_order_acquire) == keeper;
}

}  // namespace shmcomm::platform
