// SPDX-License-Identifier: Apache-2.0
// What tasks of an event loop ask a requester before they call, so that a call holds no loop up.
#pragma once

#include <Python.h>

#include "absl/time/time.h"
#include "call.h"
#include "endpoint.h"
#include "sender_handle.h"

namespace shmcomm::python {

/// Whether a call would be sent or refused at once. What cannot be told is told by sending.
bool MayCall(OpenedRequester& self);

/// _has_room()
template <class Handle>
PyObject* HasRoom(PyObject* object, PyObject*) {
  Handle* handle = OpenHandle<Handle>(object, "requester");
  if (handle == nullptr || !CheckFree(*handle->opened)) return nullptr;
  return PyBool_FromLong(MayCall(*handle->opened));
}

/// _own_timeout()
template <class Handle>
PyObject* OwnTimeout(PyObject* object, PyObject*) {
  Handle* handle = OpenHandle<Handle>(object, "requester");
  if (handle == nullptr) return nullptr;
  const absl::Duration timeout = handle->opened->timeout;
  return timeout == absl::InfiniteDuration() ? Py_NewRef(Py_None) : PyFloat_FromDouble(absl::ToDoubleSeconds(timeout));
}

inline constexpr const char* kHasRoomDoc =
    "_has_room($self)\n--\n\nWhether start would neither wait nor fail for want of a place.";
inline constexpr const char* kOwnTimeoutDoc =
    "_own_timeout($self)\n--\n\nHow long a call may take that does not say, in seconds; None for ever.";

}  // namespace shmcomm::python
