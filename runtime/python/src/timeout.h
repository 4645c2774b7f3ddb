// SPDX-License-Identifier: Apache-2.0
// Timeouts as users give them: whole milliseconds, a timedelta, or None for ever.
#pragma once

#include <Python.h>

#include "absl/time/time.h"

namespace shmcomm::python {

/// False with TypeError (a float or a bool among others) or ValueError (negative).
bool ParseTimeout(PyObject* value, absl::Duration* timeout);

/// Whether a keyword is `timeout`.
bool IsTimeout(PyObject* name);

/// The only argument of `method`, by position or as `timeout=`; false with TypeError.
bool TimeoutArgument(const char* method, PyObject* const* arguments, Py_ssize_t given, PyObject* names,
                     absl::Duration* timeout);

/// Loads what ParseTimeout needs and adds `timeout_seconds(timeout)` to `module`: a float, or None for ever; errors as ParseTimeout.
bool AddTimeout(PyObject* module);

}  // namespace shmcomm::python
