// SPDX-License-Identifier: Apache-2.0
// The promised period of a channel: counts the messages that did not come in time. Plain arithmetic on the monotonic
// clock's readings; nothing runs in the background, so a silence is noticed when somebody next looks.
#pragma once

#include <algorithm>
#include <cstdint>

namespace shmcomm::endpoint {

class Deadline {
 public:
  /// `period_ns` 0: nothing is promised.
  explicit Deadline(std::int64_t period_ns) : period_ns_(period_ns) {}

  bool is_set() const { return period_ns_ > 0; }
  std::int64_t period_ns() const { return period_ns_; }

  /// A message was published at `at_ns`; the next is due a period later. Returns the misses before it, as MissedBy.
  std::uint64_t Meet(std::int64_t at_ns) {
    const std::uint64_t missed = MissedBy(at_ns);
    Restart(at_ns);
    return missed;
  }

  /// The periods that have passed by `now_ns` without a message since the last one. Each is told once.
  std::uint64_t MissedBy(std::int64_t now_ns) {
    const std::uint64_t missed = PendingBy(now_ns);
    due_ns_ += static_cast<std::int64_t>(missed) * period_ns_;
    return missed;
  }

  /// The same without counting them as told. None before the first message.
  std::uint64_t PendingBy(std::int64_t now_ns) const {
    if (due_ns_ == 0 || now_ns <= due_ns_) return 0;
    return static_cast<std::uint64_t>((now_ns - due_ns_ - 1) / period_ns_ + 1);
  }

  /// As Meet where it is unknown what came before: messages were lost.
  void Restart(std::int64_t at_ns) { due_ns_ = std::max(due_ns_, at_ns + period_ns_); }

  /// How long until the next miss, at least 1; `never_ns` where none is to be expected.
  std::int64_t LeftNs(std::int64_t now_ns, std::int64_t never_ns) const {
    return due_ns_ == 0 ? never_ns : std::max<std::int64_t>(due_ns_ - now_ns + 1, 1);
  }

 private:
  std::int64_t period_ns_;
  std::int64_t due_ns_ = 0;        // 0 before the first message
};

}  // namespace shmcomm::endpoint
