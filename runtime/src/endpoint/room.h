// SPDX-License-Identifier: Apache-2.0
// Waiting until the slowest reader of a reliable channel lets a publisher go on: it moves, leaves, dies, or is demoted.
#pragma once

#include <cstdint>

#include "registry/site.h"
#include "ring/gate.h"

namespace shmcomm::endpoint {

class Room {
 public:
  /// A reader that does not move for `demote_after_ns` of this process's own waiting loses its hold on publishers.
  Room(const registry::Site& site, std::int64_t demote_after_ns) : site_(site), demote_after_ns_(demote_after_ns) {}

  /// Returns when `slowest` is no longer as it was seen, or after at most `timeout_ns` and 20 ms. A reader that died is
  /// cleaned, so that it never holds anybody for longer.
  void WaitFor(const ring::SlowestReader& slowest, std::int64_t timeout_ns);

 private:
  void CountStuck(const ring::SlowestReader& slowest, std::int64_t waited_ns);

  registry::Site site_;
  std::int64_t demote_after_ns_;
  ring::SlowestReader stuck_;
  std::int64_t stuck_ns_ = 0;
};

}  // namespace shmcomm::endpoint
