// SPDX-License-Identifier: Apache-2.0
// Participants of the kill test: publishers whose messages prove themselves, and readers that account for every one.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "shmcomm/channel_spec.h"

namespace shmcomm::crash {

/// What one participant tells its parent. Lies in memory shared with it, so that it outlives a kill.
struct Report {
  std::atomic<std::uint64_t> sent;
  std::atomic<std::uint64_t> received;
  std::atomic<std::uint64_t> lost;
  std::atomic<std::uint64_t> opens;
  std::atomic<std::uint64_t> wrongs;
  char first_wrong[256];

  /// Counts something that must not happen; the first is kept in words.
  void Wrong(const std::string& what);
};

struct Participant {
  ChannelSpec spec;
  std::string root;
  std::uint32_t source = 0;       // names the participant in its messages
  std::uint64_t seed = 0;
  bool comes_and_goes = false;    // closes and opens again every now and then
  Report* report = nullptr;
  const std::atomic<bool>* stop = nullptr;
};

/// What a newcomer may publish among the traffic: readers count it and look no further.
inline constexpr std::string_view kGreeting = "hello";

/// Publishes messages of random size until `stop`.
void PublishUntilStopped(const Participant& self);

/// Takes messages until `stop`, holding some for a while, and checks: content, order of each publisher, and that every
/// sequence was either taken or reported lost.
void ReadUntilStopped(const Participant& self);

}  // namespace shmcomm::crash
