// SPDX-License-Identifier: Apache-2.0
// A fuzzer's bytes as numbers and choices. Past their end everything is zero.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace shmcomm::fuzz {

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t bytes) : data_(data), left_(bytes) {}

  bool empty() const { return left_ == 0; }
  std::size_t left() const { return left_; }
  std::uint8_t Byte() { return static_cast<std::uint8_t>(Number(1)); }
  std::uint32_t Word() { return static_cast<std::uint32_t>(Number(4)); }
  std::uint64_t LongWord() { return Number(8); }
  /// 0 to `below` - 1.
  std::uint32_t Below(std::uint32_t below) { return Word() % below; }

  /// Scribbles over `bytes` bytes: up to `most` words, each somewhere, each a number or a small change.
  void Damage(std::byte* bytes, std::size_t size, std::uint32_t most) {
    for (std::uint32_t count = Byte() % (most + 1); count > 0 && !empty(); --count) {
      const std::size_t at = Word() % (size / 8) * 8;
      std::uint64_t word;
      std::memcpy(&word, bytes + at, 8);
      const std::uint8_t kind = Byte();
      word = kind < 128 ? LongWord() : kind < 192 ? word ^ (std::uint64_t{1} << kind % 64) : word + kind - 224;
      std::memcpy(bytes + at, &word, 8);
    }
  }

 private:
  std::uint64_t Number(std::size_t bytes) {
    std::uint64_t number = 0;
    const std::size_t there = bytes < left_ ? bytes : left_;
    if (there > 0) std::memcpy(&number, data_, there);
    data_ += there;
    left_ -= there;
    return number;
  }

  const std::uint8_t* data_;
  std::size_t left_;
};

}  // namespace shmcomm::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
