// SPDX-License-Identifier: Apache-2.0
#include "endpoint/deadline_watch.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "endpoint/log.h"

namespace shmcomm::endpoint {

void DeadlineWatch::Tell(std::uint64_t missed) {
  if (missed == 0) return;
  missed_ += missed;
  const absl::Duration deadline = absl::Nanoseconds(deadline_.period_ns());
  if (on_missed_) return on_missed_(DeadlineMiss{channel_, deadline, missed, missed_});
  if (!IsLogging()) return;
  Log(LogLevel::kWarning,
      absl::StrCat(channel_, ": ", missed, " promised message", missed == 1 ? "" : "s", " did not come within the deadline of ",
                   absl::FormatDuration(deadline), "; ", missed_, " in all"));
}

}  // namespace shmcomm::endpoint
