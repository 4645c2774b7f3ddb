// SPDX-License-Identifier: Apache-2.0
// Where the runtime says what no call can return, such as a missed deadline. Off unless a program asks for it.
#pragma once

#include <cstdint>
#include <functional>

#include "absl/strings/string_view.h"

namespace shmcomm {

enum class LogLevel : std::uint8_t { kDebug = 0, kInfo = 1, kWarning = 2, kError = 3 };

/// Called with one sentence without a line end, on the thread in which it happened, which may be in the middle of a publish
/// or a take: it must not call the endpoint. Calls of several threads may overlap.
using LogSink = std::function<void(LogLevel level, absl::string_view message)>;

/// Sends what is said from now on to `sink`; an empty one turns it off, which is the default. From any thread.
void SetLogSink(LogSink sink);

}  // namespace shmcomm
