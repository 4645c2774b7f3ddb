// SPDX-License-Identifier: Apache-2.0
// Waiting without the GIL, so that other threads run, Ctrl-C ends the wait, and a close() from another thread does too.
#pragma once

#include <nanobind/nanobind.h>

#include <algorithm>
#include <utility>

#include "absl/time/time.h"
#include "clock.h"
#include "notices.h"
#include "without_gil.h"

namespace shmcomm::python {

/// A wait is cut into pieces of this length: after each, Python handles signals and a close() from another thread.
inline constexpr absl::Duration kSlice = absl::Milliseconds(50);

/// Repeats `wait(slice)` without the GIL until it answers true, `timeout` passed, a signal raised or `close_wanted` is
/// set; `after_slice()` is called with it in between. Answers 1 done, 0 timed out, -1 closed or with an exception set.
template <class Wait, class AfterSlice>
int RepeatWait(const bool& close_wanted, absl::Duration timeout, Wait&& wait, AfterSlice&& after_slice) {
  const Deadline deadline(timeout);
  for (absl::Duration left = timeout; left > absl::ZeroDuration(); left = deadline.Left()) {
    bool is_done = false;
    {
      WithoutGil unlocked;
      is_done = wait(std::min(left, kSlice));
    }
    after_slice();
    if (close_wanted) return -1;
    if (is_done) return 1;
    if (PyErr_CheckSignals() != 0) return -1;
    if (close_wanted) return -1;  // by a signal handler
  }
  return 0;
}

template <class Wait>
int RepeatWait(const bool& close_wanted, absl::Duration timeout, Wait&& wait) {
  return RepeatWait(close_wanted, timeout, std::forward<Wait>(wait), TellNotices);
}

}  // namespace shmcomm::python
