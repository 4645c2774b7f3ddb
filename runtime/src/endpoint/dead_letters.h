// SPDX-License-Identifier: Apache-2.0
// The channel's count of jobs that were given up, as one endpoint has seen it grow; told to its callback, or else to the log.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "base/compiler.h"
#include "segment/layout.h"

namespace shmcomm::endpoint {

class DeadLetters {
 public:
  /// Counts from now on. `header` has the counter where messages are claimed. `channel` outlives this.
  DeadLetters(const std::string& channel, const layout::ReadersHeader& header)
      : channel_(channel), counter_(&header.dead_letters), opened_at_(Now()), told_(opened_at_) {}

  /// From now on `listener` is called from Report with how many there are more than at the last call.
  void TellTo(std::function<void(std::uint64_t)> listener) { listener_ = std::move(listener); }

  std::uint64_t count() const { return Now() - opened_at_; }

  void Report() {
    if (Now() != told_) Tell();
  }

 private:
  // relaxed: a counter, ordered with nothing.
  std::uint64_t Now() const { return counter_->load(std::memory_order_relaxed); }
  SHMCOMM_COLD void Tell();

  const std::string& channel_;
  const base::Atomic<std::uint64_t>* counter_;
  std::uint64_t opened_at_;
  std::uint64_t told_;
  std::function<void(std::uint64_t)> listener_;
};

}  // namespace shmcomm::endpoint
