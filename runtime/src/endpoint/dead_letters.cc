// SPDX-License-Identifier: Apache-2.0
#include "endpoint/dead_letters.h"

#include "absl/strings/str_cat.h"
#include "endpoint/log.h"

namespace shmcomm::endpoint {

void DeadLetters::Tell() {
  const std::uint64_t now = Now();
  const std::uint64_t more = now - std::exchange(told_, now);
  if (listener_) return listener_(more);
  if (!IsLogging()) return;
  Log(LogLevel::kWarning,
      absl::StrCat(channel_, ": ", more, more == 1 ? " job was" : " jobs were", " given up after the last attempt"));
}

}  // namespace shmcomm::endpoint
