// SPDX-License-Identifier: Apache-2.0
// The runtime's end of shmcomm/log.h.
#pragma once

#include "absl/strings/string_view.h"
#include "shmcomm/log.h"

namespace shmcomm::endpoint {

/// Cheap while no sink is set: one load. Callers build their text only when this says true.
bool IsLogging();
void Log(LogLevel level, absl::string_view message);

/// Asked by every endpoint that opens, before it says anything: the first to ask looks at the environment.
bool IsDebugMode();

}  // namespace shmcomm::endpoint
