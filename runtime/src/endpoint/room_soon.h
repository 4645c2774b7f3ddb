// SPDX-License-Identifier: Apache-2.0
// Looking for room before sleeping for it: a reader that is at work makes some within microseconds.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/atomic.h"
#include "endpoint/spin_budget.h"
#include "platform/os.h"

namespace shmcomm::endpoint {

/// One publisher's. How long it looks is learnt (SpinBudget): hardly at all where readers sleep between messages.
class RoomSoon {
 public:
  /// True when `has_room()` became true while it looked, within `timeout_ns`.
  template <class HasRoom>
  bool Comes(HasRoom&& has_room, std::int64_t timeout_ns) {
    const std::int64_t look_ns = std::min(budget_.now_ns(), timeout_ns);
    if (look_ns <= 0) return false;
    const std::int64_t start_ns = platform::NowNs();
    do {
      // Seldom, or the reader would have to fetch its own line back for each message, and room came one message at a time.
      for (int i = 0; i < kPausesPerLook; ++i) base::Pause();
      if (has_room()) {
        budget_.Paid();
        return true;
      }
    } while (platform::NowNs() - start_ns < look_ns);
    budget_.WasInVain();
    return false;
  }

  /// Room came by sleeping, `elapsed_ns` after it was missed.
  void CameAfter(std::int64_t elapsed_ns) { budget_.CameAfter(elapsed_ns); }

 private:
  static constexpr int kPausesPerLook = 8;
  static constexpr std::int64_t kMostLookNs = 10'000;

  SpinBudget budget_{kMostLookNs};
};

}  // namespace shmcomm::endpoint
