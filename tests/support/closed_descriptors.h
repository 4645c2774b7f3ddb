// SPDX-License-Identifier: Apache-2.0
// What a daemon does to the endpoints that it opened too early, and what they say to it.
#pragma once

#include <unistd.h>

#include <cstdio>

#include "absl/status/status.h"
#include "absl/strings/match.h"

namespace shmcomm::test {

/// All but the three standard ones.
inline void CloseAllDescriptors() {
  for (int descriptor = 3; descriptor < 1024; ++descriptor) close(descriptor);
}

inline bool SaysLocksAreGone(const absl::Status& status) {
  const bool it_does = absl::IsFailedPrecondition(status) && absl::StrContains(status.message(), "its lock is gone");
  if (!it_does) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return it_does;
}

}  // namespace shmcomm::test
