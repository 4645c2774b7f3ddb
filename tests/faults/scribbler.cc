// SPDX-License-Identifier: Apache-2.0
// Apart from the rest, because it is compiled with optimisation and without sanitizers everywhere: it is the writer whom
// nothing checks, and it has to be fast.
#include "faults/scribbler.h"

#include <algorithm>

namespace shmcomm::faults {
namespace {

void WriteOne(const Region& region, CheapRandom& random) {
  const std::uint64_t choice = random();
  const std::size_t span = (choice & 1) != 0 ? region.bytes : std::min<std::size_t>(region.bytes, 4096);
  const std::size_t at = (choice >> 8) % (span / 8) * 8;
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

}  // namespace

void WriteSome(const Region* regions, std::size_t count, std::uint64_t words, CheapRandom& random) {
  for (std::uint64_t i = 0; i < words; ++i) WriteOne(regions[random() % count], random);
}

}  // namespace shmcomm::faults
