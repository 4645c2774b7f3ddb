// SPDX-License-Identifier: Apache-2.0
// Suites that link start.cc run from wherever SHMCOMM_START says: `lap`, `cursor` or `sequence` is five before that counter
// wraps, with every bell and generation five before its own wrap. Unset: zero, as in every shipped program.
#pragma once

#include <cstdint>

namespace shmcomm::test {

/// The first sequence of a channel that this process makes, with a ring of `entries`.
std::uint64_t FirstSequence(std::uint32_t entries = 16);

/// Which message of such a channel has this sequence, counted from 0.
inline std::uint64_t IndexOf(std::uint64_t sequence, std::uint32_t entries = 16) { return sequence - FirstSequence(entries); }

/// Where bells and generations of such a channel begin.
std::uint32_t FirstWord();

/// The generation of the `nth` owner of a publisher's number, counted from 1.
std::uint32_t NthGeneration(std::uint32_t nth);

}  // namespace shmcomm::test
