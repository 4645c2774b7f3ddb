// SPDX-License-Identifier: Apache-2.0
// Where the runtime says what no call can return, such as a missed deadline. Off unless a program, or the environment, asks for it.
#pragma once

#include <cstdint>
#include <functional>

#include "absl/strings/string_view.h"

namespace shmcomm {

enum class LogLevel : std::uint8_t { kDebug = 0, kInfo = 1, kWarning = 2, kError = 3 };

/// Called with one sentence without a line end, on the thread in which it happened, which may be in the middle of a publish
/// or a take: it must not call the endpoint, and must not throw. Calls of several threads may overlap.
using LogSink = std::function<void(LogLevel level, absl::string_view message)>;

/// Sends what is said from now on to `sink`; an empty one turns it off, which is the default. From any thread.
void SetLogSink(LogSink sink);

/// Debug mode, for endpoints opened from now on: they also tell that they open and close and of every message (kDebug), and
/// of lost messages and nearly full rings (kWarning, each at most once a second). Where the program has set no sink, what is
/// said while it is on goes to standard error. It is on from the start where the environment has SHMCOMM_DEBUG with a value
/// other than 0. Costs some microseconds a message. From any thread.
void SetDebugMode(bool is_on);

}  // namespace shmcomm
