// SPDX-License-Identifier: Apache-2.0
#include "support/start.h"

#include <cstdlib>
#include <string>

#include "channel/start.h"

namespace shmcomm {
namespace {

constexpr std::uint32_t kBefore = 5;

}  // namespace

std::uint64_t test::FirstSequence(std::uint32_t entries) {
  const char* text = std::getenv("SHMCOMM_START");
  const std::string start = text == nullptr ? "" : text;
  if (start.empty()) return 0;
  if (start == "lap") return ring::kLapMask * entries - kBefore;  // where the lap goes from its last to zero
  if (start == "cursor") return (ring::Sequence{1} << 48) - kBefore;
  if (start == "sequence") return ring::Sequence{0} - kBefore;
  std::abort();
}

std::uint32_t test::FirstWord() { return FirstSequence() == 0 ? 0 : std::uint32_t{0} - std::uint32_t{kBefore}; }

std::uint32_t test::NthGeneration(std::uint32_t nth) {
  const std::uint32_t generation = FirstWord() + nth;
  return generation < nth && FirstWord() != 0 ? generation + 1 : generation;  // 0 is nobody's
}

channel::Start channel::StartOf(std::uint32_t entries) {
  return {test::FirstSequence(entries), test::FirstWord()};
}

}  // namespace shmcomm
