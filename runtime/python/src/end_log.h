// SPDX-License-Identifier: Apache-2.0
// What endpoints tell the logger `shmcomm`: shmcomm/log.py words it.
#pragma once

#include <Python.h>

#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace shmcomm::python {

/// Whether every message is logged.
extern bool is_debugging;

/// A message that was sent or received, in debug mode. An exception that is set stays.
void LogMessage(const char* what, const std::string& channel, const char* codec, std::uint64_t bytes);

/// What the runtime said, at its level. An exception that is set stays.
void LogNotice(int level, const std::string& text);

/// Answers `result`; if it is null, logs the SHMError that is set, unless it is a timeout or what a replier answered.
PyObject* LogFailure(PyObject* result);

/// A method whose failures are logged.
template <PyObject* (*kMethod)(PyObject*, PyObject* const*, Py_ssize_t, PyObject*)>
PyObject* Logged(PyObject* self, PyObject* const* arguments, Py_ssize_t given, PyObject* names) {
  return LogFailure(kMethod(self, arguments, given, names));
}
template <PyObject* (*kMethod)(PyObject*, PyObject*)>
PyObject* Logged(PyObject* self, PyObject* nothing) {
  return LogFailure(kMethod(self, nothing));
}

/// One kind of warning of one endpoint, logged at most once a second.
class Warning {
 public:
  /// Calls log.py's `function` with the channel and two numbers.
  void Log(const char* function, const std::string& channel, std::uint64_t first, std::uint64_t second);

 private:
  absl::Duration next_ = -absl::InfiniteDuration();  // of the monotonic clock
};

/// Adds `set_debug` to `module`.
bool AddLog(PyObject* module);

}  // namespace shmcomm::python
