// SPDX-License-Identifier: Apache-2.0
// For tests of what waits in reqrep.
#pragma once

#include "support/reqrep_channels.h"
#include "support/watchdog.h"

namespace shmcomm::test {

inline constexpr absl::Duration kAMoment = absl::Milliseconds(2);

class WaitingForCalls : public ReqRepTest {
 protected:
  /// What a wait answers that another thread ends by closing: as it waits, or just before.
  static bool IsEnded(const absl::Status& status) { return absl::IsCancelled(status) || absl::IsFailedPrecondition(status); }

  Watchdog watchdog_{"a wait of a call"};
};

}  // namespace shmcomm::test
