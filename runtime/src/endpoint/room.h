// SPDX-License-Identifier: Apache-2.0
// Waiting for room: until the slowest reader of a reliable channel lets a publisher go on (it moves, leaves, dies, or is
// demoted), or where messages are claimed until a job is over.
#pragma once

#include <cstdint>

#include "registry/site.h"
#include "ring/gate.h"
#include "ring/writer.h"

namespace shmcomm::endpoint {

class Room {
 public:
  /// A reader that does not move for `demote_after_ns` of this publisher's own trying loses its hold on publishers.
  Room(const registry::Site& site, std::int64_t demote_after_ns) : site_(site), demote_after_ns_(demote_after_ns) {}

  /// Returns when `slowest` is no longer as it was seen, or after at most `timeout_ns` and 20 ms. A reader that died is
  /// cleaned, so that it never holds anybody for longer. With `timeout_ns` 0 it does not wait, but looks all the same.
  void WaitFor(const ring::SlowestReader& slowest, std::int64_t timeout_ns);

 private:
  bool IsTheSameAsBefore(const ring::SlowestReader& slowest) const;
  void LookAfter(const ring::SlowestReader& slowest);

  registry::Site site_;
  std::int64_t demote_after_ns_;
  ring::SlowestReader stuck_;          // the reader waited for, as it was first found
  std::int64_t looked_ns_ = 0;         // when its death was last looked for, or when it was found
  std::int64_t tried_ns_ = 0;          // when it was last waited for
  std::int64_t stuck_for_ns_ = 0;      // how long this publisher has been trying, not counting its own absences
};

/// Where messages are claimed.
class JobRoom {
 public:
  explicit JobRoom(const registry::Site& site) : site_(site) {}

  /// Returns when `writer` may have room, or after at most `timeout_ns` and 20 ms. Jobs of the dead are given back, so that
  /// they never hold anybody for longer. With `timeout_ns` 0 it does not wait, but looks after the dead all the same.
  void WaitFor(ring::Writer& writer, std::int64_t timeout_ns);

 private:
  registry::Site site_;
  std::int64_t looked_ns_ = 0;         // when the dead were last looked for
};

}  // namespace shmcomm::endpoint
