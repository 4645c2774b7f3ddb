// SPDX-License-Identifier: Apache-2.0
// Time for timeouts, from the monotonic clock: setting the computer's clock must neither end a wait nor prolong it.
#pragma once

#include <chrono>

#include "absl/time/time.h"

namespace shmcomm::python {

/// Since some moment in the past.
inline absl::Duration MonotonicNow() { return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch()); }

/// When a timeout that begins now is over. That of an infinite one never is.
class Deadline {
 public:
  Deadline() = default;  ///< is over
  explicit Deadline(absl::Duration timeout) {
    if (timeout > absl::ZeroDuration()) end_ = timeout == absl::InfiniteDuration() ? timeout : MonotonicNow() + timeout;
  }

  /// Negative once it is over.
  absl::Duration Left() const { return end_ - MonotonicNow(); }

 private:
  absl::Duration end_ = -absl::InfiniteDuration();
};

}  // namespace shmcomm::python
