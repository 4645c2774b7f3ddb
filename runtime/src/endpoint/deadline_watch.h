// SPDX-License-Identifier: Apache-2.0
// Counts one endpoint's missed deadlines and tells of them: its callback, or else the log.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "endpoint/deadline.h"
#include "shmcomm/options.h"

namespace shmcomm::endpoint {

class DeadlineWatch {
 public:
  /// `period_ns` 0: the channel has no deadline. `channel` outlives this.
  DeadlineWatch(const std::string& channel, std::int64_t period_ns, std::function<void(const DeadlineMiss&)> on_missed)
      : channel_(channel), deadline_(period_ns), on_missed_(std::move(on_missed)) {}

  bool is_set() const { return deadline_.is_set(); }

  /// A message was published at `at_ns`.
  void Meet(std::int64_t at_ns) { Tell(deadline_.Meet(at_ns)); }
  /// The same after messages were lost, which may have come in time.
  void Restart(std::int64_t at_ns) { deadline_.Restart(at_ns); }
  /// Nothing has come by `now_ns`.
  void Look(std::int64_t now_ns) { Tell(deadline_.MissedBy(now_ns)); }

  std::int64_t LeftNs(std::int64_t now_ns, std::int64_t never_ns) const { return deadline_.LeftNs(now_ns, never_ns); }
  /// All of them, those of this moment too that nobody was told of.
  std::uint64_t MissedBy(std::int64_t now_ns) const { return missed_ + deadline_.PendingBy(now_ns); }

 private:
  void Tell(std::uint64_t missed);

  const std::string& channel_;
  Deadline deadline_;
  std::function<void(const DeadlineMiss&)> on_missed_;
  std::uint64_t missed_ = 0;
};

}  // namespace shmcomm::endpoint
