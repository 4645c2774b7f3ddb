// SPDX-License-Identifier: Apache-2.0
// What two writers and two readers of a channel do while they are stopped and continued, for each pattern, and how far each
// may get while others stand still.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "shmcomm/channel_spec.h"

namespace shmcomm::faults {

inline constexpr std::uint32_t kWriters = 2;
inline constexpr std::uint32_t kChildren = 4;   // writers first, then readers

/// What one child tells.
struct Told {
  std::atomic<bool> is_open;
  std::atomic<std::uint64_t> progress;   // messages that got to their end here
  std::atomic<std::uint64_t> timeouts;   // typed ones
  std::atomic<std::uint64_t> sum;        // of the values that got to their end here, and of a mix of them: both are right
  std::atomic<std::uint64_t> mixed;      // only if each was there once
  std::atomic<std::uint64_t> lost;
  std::atomic<std::uint64_t> demotions;
  std::atomic<std::uint64_t> unanswered; // calls that timed out, which may or may not have been executed
  std::atomic<bool> has_failed;
  char why[256];

  void Count(std::uint64_t value);
  /// To be returned by the child.
  int Fail(const std::string& reason);
  int Fail(const char* what, const absl::Status& status);
};

struct Stage {
  Told told[kChildren];
  std::atomic<bool> begin;               // all are open
  std::atomic<bool> end_writers;
  std::atomic<bool> end_readers;         // once they find nothing more
  std::atomic<bool> rest;                // nobody does anything meanwhile
};

/// What a child that goes on has to do while others stand still.
enum class Must : std::uint8_t { kProgress, kTimeOut, kEither };

struct Kind {
  const char* name;
  ChannelSpec (*spec)();
  int (*write)(const std::string& root, Stage& stage, std::uint32_t self);
  int (*read)(const std::string& root, Stage& stage, std::uint32_t self);
  /// Opens a reader and closes it again: as it joins, it cleans up after the dead.
  absl::Status (*join)(const std::string& root);
  /// Of a writer, a reader that goes on.
  Must (*writer_must)(std::uint32_t stopped_readers);
  Must (*reader_must)(std::uint32_t stopped_writers, std::uint32_t stopped_readers);
  /// Everything that was written got where it should; an empty text, or what is wrong.
  std::string (*account)(const Stage& stage);
};

extern const Kind kBestEffort, kDemoting, kWaiting, kJobs, kCalls;

}  // namespace shmcomm::faults
