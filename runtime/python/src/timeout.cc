// SPDX-License-Identifier: Apache-2.0
#include "timeout.h"

#include <datetime.h>

#include "reference.h"

namespace shmcomm::python {
namespace {

absl::Duration FromTimedelta(PyObject* value) {
  return absl::Hours(24) * PyDateTime_DELTA_GET_DAYS(value) + absl::Seconds(PyDateTime_DELTA_GET_SECONDS(value)) +
         absl::Microseconds(PyDateTime_DELTA_GET_MICROSECONDS(value));
}

PyObject* timeout_name = nullptr;  // interned, as call sites have it

bool FromInt(PyObject* value, absl::Duration* timeout) {
  const Reference number(PyNumber_Index(value));
  if (!number) return false;
  int overflow = 0;
  const long long milliseconds = PyLong_AsLongLongAndOverflow(number.get(), &overflow);
  if (overflow > 0) *timeout = absl::InfiniteDuration();
  else *timeout = absl::Milliseconds(overflow < 0 ? -1 : milliseconds);
  return true;
}

PyObject* TimeoutSeconds(PyObject*, PyObject* value) {
  absl::Duration timeout;
  if (!ParseTimeout(value, &timeout)) return nullptr;
  return timeout == absl::InfiniteDuration() ? Py_NewRef(Py_None) : PyFloat_FromDouble(absl::ToDoubleSeconds(timeout));
}

PyMethodDef timeout_seconds = {"timeout_seconds", TimeoutSeconds, METH_O,
                               "timeout_seconds(timeout, /)\n--\n\nA timeout in seconds, None for ever."};

}  // namespace

bool ParseTimeout(PyObject* value, absl::Duration* timeout) {
  *timeout = absl::InfiniteDuration();
  if (value == nullptr || value == Py_None) return true;
  if (!PyLong_CheckExact(value) && PyDelta_Check(value)) {
    *timeout = FromTimedelta(value);
  } else if (!PyIndex_Check(value) || PyBool_Check(value)) {
    PyErr_Format(PyExc_TypeError,
                 "timeout is an int of milliseconds (timeout=100) or a timedelta (timeout=timedelta(seconds=0.1)), not %R",
                 value);
    return false;
  } else if (!FromInt(value, timeout)) {
    return false;
  }
  if (*timeout >= absl::ZeroDuration()) return true;
  PyErr_Format(PyExc_ValueError, "timeout must not be negative, got %R; None waits for ever", value);
  return false;
}

bool IsTimeout(PyObject* name) { return name == timeout_name || PyUnicode_CompareWithASCIIString(name, "timeout") == 0; }

bool TimeoutArgument(const char* method, PyObject* const* arguments, Py_ssize_t given, PyObject* names,
                     absl::Duration* timeout) {
  const Py_ssize_t named = names == nullptr ? 0 : PyTuple_GET_SIZE(names);
  const bool is_timeout = named == 0 || IsTimeout(PyTuple_GET_ITEM(names, 0));
  if (given + named > 1 || !is_timeout) {
    PyErr_Format(PyExc_TypeError, "%s takes one argument, timeout", method);
    return false;
  }
  return given + named == 0 || ParseTimeout(arguments[0], timeout);
}

bool AddTimeout(PyObject* module) {
  PyDateTime_IMPORT;
  timeout_name = PyUnicode_InternFromString("timeout");
  if (PyDateTimeAPI == nullptr || timeout_name == nullptr) return false;
  const Reference function(PyCFunction_New(&timeout_seconds, nullptr));
  return function && PyModule_AddObjectRef(module, "timeout_seconds", function.get()) == 0;
}

}  // namespace shmcomm::python
