// SPDX-License-Identifier: Apache-2.0
// How long a wait looks before it sleeps, learnt from the waits before: looking pays where messages come quickly and only
// burns a core where they do not. Reasons: runtime/doc/decisions/looking_before_sleeping.md.
#pragma once

#include <algorithm>
#include <cstdint>

namespace shmcomm::endpoint {

/// One waiting thread's. Nanoseconds; INT64_MAX never gives up looking.
class SpinBudget {
 public:
  explicit SpinBudget(std::int64_t most_ns) : most_ns_(most_ns), now_ns_(most_ns) {}

  std::int64_t most_ns() const { return most_ns_; }
  std::int64_t now_ns() const { return now_ns_; }

  /// Looking found something.
  void Paid() {
    now_ns_ = most_ns_;
    soon_ = 0;
    patience_ = 1;
  }

  /// Looking was in vain: look less long next time, but never stop, or a channel that becomes fast would not be noticed.
  void WasInVain() {
    if (most_ns_ != INT64_MAX) now_ns_ = std::max(most_ns_ / 8, now_ns_ / 2);
  }

  /// After a sleep something came `elapsed_ns` after the wait began. If that is soon, it may be late only because its
  /// sender slept, too, and both would go on sleeping for each other: a long look again, less often the less that helps.
  void CameAfter(std::int64_t elapsed_ns) {
    if (elapsed_ns / kSoon >= most_ns_ || ++soon_ < patience_) return;
    now_ns_ = most_ns_;
    soon_ = 0;
    patience_ = std::min(2 * patience_, kMostPatience);
  }

 private:
  // Two wake-ups between cores and the longest look on the way take about so many times the default.
  static constexpr std::int64_t kSoon = 5;
  static constexpr std::uint32_t kMostPatience = 64;

  std::int64_t most_ns_;
  std::int64_t now_ns_;
  std::uint32_t soon_ = 0;      // sleeps that ended soon since the last long look
  std::uint32_t patience_ = 1;  // how many of them until the next
};

}  // namespace shmcomm::endpoint
