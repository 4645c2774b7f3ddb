// SPDX-License-Identifier: Apache-2.0
// The loop of every take: look, pass over what the program does not get, wait, look again.
#pragma once

#include <cstdint>

#include "absl/time/time.h"
#include "endpoint/waiting.h"
#include "platform/os.h"

namespace shmcomm::endpoint {

/// What one look at the ring brought. What was found, or the error, is left in members of whoever looks, because copying
/// them costs more than finding them.
enum class Look : std::uint8_t { kEmpty, kFound, kSkipped, kError };

// Messages skipped in one call before its caller hears of it: a call must end however fast publishers are.
inline constexpr int kMaxSkips = 1024;

/// `look_once()` until it did not skip.
template <class LookOnce>
Look LookPastSkipped(LookOnce&& look_once) {
  Look look = Look::kSkipped;
  for (int skips = 0; skips < kMaxSkips && look == Look::kSkipped; ++skips) look = look_once();
  return look == Look::kSkipped ? Look::kEmpty : look;
}

/// `look()` until it brings something or `timeout` passes. In between `wait(left_ns)`, which says false to give up. The
/// clock is read only once there is nothing.
template <class LookFor, class Wait>
Look LookWithin(absl::Duration timeout, LookFor&& look, Wait&& wait) {
  const std::int64_t timeout_ns = WaitNs(timeout);
  std::int64_t end_ns = 0;
  for (;;) {
    const Look found = look();
    if (found != Look::kEmpty) return found;
    const std::int64_t now_ns = platform::NowNs();
    if (end_ns == 0) end_ns = EndNs(now_ns, timeout_ns);
    const std::int64_t left_ns = LeftNs(now_ns, end_ns);
    if (left_ns <= 0 || !wait(left_ns)) return Look::kEmpty;
  }
}

}  // namespace shmcomm::endpoint
