// SPDX-License-Identifier: Apache-2.0
// What a thread, a message or a fence knows of all locations: how new a value it must at least see there. Joining two
// views takes the newer of each. Beside it a vector clock of the threads, which only synchronisation carries on: the
// happens-before of the race detector.
#pragma once

#include <cstddef>
#include <cstdint>

namespace shmcomm::sched {

inline constexpr std::size_t kMaxLocations = 128;
inline constexpr std::size_t kMaxThreads = 8;
inline constexpr unsigned kMaxStamp = 255;  // stores to one location in one execution

using Stamps = std::uint8_t __attribute__((vector_size(16)));
using Clocks = std::uint16_t __attribute__((vector_size(16)));
static_assert(sizeof(Clocks) / sizeof(std::uint16_t) == kMaxThreads);

template <class Vector>
inline Vector Newer(Vector a, Vector b) {
  return a > b ? a : b;
}

struct alignas(16) View {
  Clocks clocks;
  Stamps stamps[kMaxLocations / sizeof(Stamps)];

  unsigned stamp(std::size_t location) const { return stamps[location / 16][location % 16]; }
  void Raise(std::size_t location, unsigned stamp) {
    std::uint8_t* known = reinterpret_cast<std::uint8_t*>(stamps) + location;
    if (*known < stamp) *known = static_cast<std::uint8_t>(stamp);
  }

  /// `blocks`: how many vectors of stamps are in use; the rest is zero everywhere.
  void JoinStamps(const View& other, std::size_t blocks) {
    for (std::size_t i = 0; i < blocks; ++i) stamps[i] = Newer(stamps[i], other.stamps[i]);
  }
  void Join(const View& other, std::size_t blocks) {
    clocks = Newer(clocks, other.clocks);
    JoinStamps(other, blocks);
  }
  void Assign(const View& other, std::size_t blocks) {
    clocks = other.clocks;
    for (std::size_t i = 0; i < blocks; ++i) stamps[i] = other.stamps[i];
  }
};

inline constexpr std::size_t BlocksFor(std::size_t locations) { return (locations + 15) / 16; }

}  // namespace shmcomm::sched
