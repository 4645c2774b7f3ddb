// SPDX-License-Identifier: Apache-2.0
// Waiting for the next message: look for a while, then sleep.
#pragma once

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"
#include "base/atomic.h"
#include "endpoint/spin_budget.h"
#include "platform/os.h"
#include "wake/bell.h"

namespace shmcomm::endpoint {

inline constexpr std::int64_t kForeverNs = INT64_MAX;

/// A duration as nanoseconds to wait: negative counts as none, infinite as for ever.
inline std::int64_t WaitNs(absl::Duration timeout) {
  if (timeout == absl::InfiniteDuration()) return kForeverNs;
  return std::max<std::int64_t>(0, absl::ToInt64Nanoseconds(timeout));
}

/// When a wait ends that begins now; kForeverNs stays that.
inline std::int64_t EndNs(std::int64_t now_ns, std::int64_t timeout_ns) {
  return timeout_ns >= kForeverNs - now_ns ? kForeverNs : now_ns + timeout_ns;
}

/// What is left of it.
inline std::int64_t LeftNs(std::int64_t now_ns, std::int64_t end_ns) {
  return end_ns == kForeverNs ? kForeverNs : end_ns - now_ns;
}

/// `Sleeper` has SleepUnless as wake::Sleeper.
template <class Sleeper>
class WaitingOn {
 public:
  WaitingOn(Sleeper sleeper, absl::Duration spin) : sleeper_(sleeper), budget_(WaitNs(spin)) {}

  /// Where the next message will probably be written: polling fetches these lines along with the entry.
  void Hint(const void* header, const void* message) {
    hint_header_ = header;
    hint_message_ = message;
  }

  /// After each look that found nothing, because the writer takes the lines away again until it is done (2.3 -> 1.7 x the
  /// ideal way).
  void PrefetchHinted() const {
    base::PrefetchForRead(hint_header_);
    base::PrefetchForRead(hint_message_);
  }

  /// True when `is_available()` became true within `timeout_ns`. `may_go_on()` is asked after each sleep that brought
  /// nothing, so at least every 100 ms; when it says false, waiting ends.
  template <class IsAvailable, class MayGoOn>
  bool Until(IsAvailable&& is_available, std::int64_t timeout_ns, MayGoOn&& may_go_on) {
    if (is_available()) return true;
    if (timeout_ns <= 0) return false;
    const std::int64_t start_ns = platform::NowNs();
    if (budget_.most_ns() <= 0) return SleepUntil(is_available, EndNs(start_ns, timeout_ns), timeout_ns, may_go_on);
    if (Spin(is_available, start_ns, std::min(budget_.now_ns(), timeout_ns))) {
      budget_.Paid();
      return true;
    }
    budget_.WasInVain();
    const std::int64_t end_ns = EndNs(start_ns, timeout_ns);
    const std::int64_t left_ns = LeftNs(platform::NowNs(), end_ns);
    if (left_ns <= 0) return is_available();
    if (!SleepUntil(is_available, end_ns, left_ns, may_go_on)) return false;
    budget_.CameAfter(platform::NowNs() - start_ns);
    return true;
  }

  /// The same without looking first, where somebody who already sleeps should not be overtaken. Looks all the same where it
  /// was told never to sleep.
  template <class IsAvailable, class MayGoOn>
  bool UntilAsleep(IsAvailable&& is_available, std::int64_t timeout_ns, MayGoOn&& may_go_on) {
    if (budget_.most_ns() == kForeverNs) return Until(is_available, timeout_ns, may_go_on);
    if (is_available()) return true;
    return timeout_ns > 0 && SleepUntil(is_available, EndNs(platform::NowNs(), timeout_ns), timeout_ns, may_go_on);
  }

 private:
  static constexpr int kLooksPerClock = 64;
  // A pause is 140 cycles on some processors: a third of a message's way. The first microseconds do without.
  static constexpr int kLooksWithoutPause = 16 * kLooksPerClock;

  template <class IsAvailable>
  bool Spin(IsAvailable& is_available, std::int64_t start_ns, std::int64_t budget_ns) {
    for (int looks = 0;;) {
      for (int look = 0; look < kLooksPerClock; ++look) {
        if (is_available()) return true;
        PrefetchHinted();
        if (looks == kLooksWithoutPause) base::Pause();
      }
      looks = std::min(looks + kLooksPerClock, kLooksWithoutPause);
      if (budget_ns != kForeverNs && platform::NowNs() - start_ns >= budget_ns) return false;
    }
  }

  /// `left_ns` of the wait are left now.
  template <class IsAvailable, class MayGoOn>
  bool SleepUntil(IsAvailable& is_available, std::int64_t end_ns, std::int64_t left_ns, MayGoOn& may_go_on) {
    for (;;) {
      if (sleeper_.SleepUnless(is_available, left_ns) || is_available()) return true;
      if (end_ns != kForeverNs) left_ns = end_ns - platform::NowNs();
      if (left_ns <= 0 || !may_go_on()) return false;
    }
  }

  Sleeper sleeper_;
  SpinBudget budget_;
  const void* hint_header_ = nullptr;
  const void* hint_message_ = nullptr;
};

using Waiting = WaitingOn<wake::Sleeper>;

}  // namespace shmcomm::endpoint
