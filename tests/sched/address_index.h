// SPDX-License-Identifier: Apache-2.0
// Gives each address a small number, the same in every execution of a model. Open addressing, nothing is ever removed.
#pragma once

#include <cstddef>
#include <cstdint>

namespace shmcomm::sched {

template <std::size_t kCapacity>
class AddressIndex {
 public:
  static constexpr std::size_t kFull = kCapacity;

  std::size_t size() const { return size_; }

  /// The address's number; kFull when there is none left.
  std::size_t FindOrAdd(const void* address) {
    const auto key = reinterpret_cast<std::uintptr_t>(address);
    std::size_t at = (key * 0x9E3779B97F4A7C15u) >> (64 - kBits);
    while (table_[at].key != key) {
      if (table_[at].key == 0) return Add(at, key);
      at = (at + 1) & (kTable - 1);
    }
    return table_[at].number;
  }

 private:
  static constexpr unsigned kBits = 12;
  static constexpr std::size_t kTable = std::size_t{1} << kBits;
  static_assert(kCapacity * 2 <= kTable);

  std::size_t Add(std::size_t at, std::uintptr_t key) {
    if (size_ == kCapacity) return kFull;
    table_[at] = {key, size_};
    return size_++;
  }

  struct Slot {
    std::uintptr_t key;
    std::size_t number;
  };
  Slot table_[kTable] = {};
  std::size_t size_ = 0;
};

}  // namespace shmcomm::sched
