// SPDX-License-Identifier: Apache-2.0
// What requests as Python objects have in common, with a schema or without: the request of C++, its one answer, and what
// travelled with it.
#pragma once

#include <Python.h>

#include <cstdint>
#include <memory>
#include <string>

#include "endpoint.h"

namespace shmcomm::python {

struct RequestContent {
  shmcomm::Request request;
  std::shared_ptr<InUseState> state;   // of the replier, which is used by one thread at a time together with its requests
  std::string channel;
  std::int64_t process;

  /// Unanswered, it is answered with an error: at once, or when the thread that waits on the replier wakes.
  void Drop();
  /// False with SHMError where it cannot be answered, or not here.
  bool CheckOpen() const;
  /// fail(message). Null with an exception set.
  PyObject* Fail(PyObject* message);
};

/// Attributes of an object whose content `content_of` finds.
template <RequestContent& (*content_of)(PyObject*)>
struct RequestAttributes {
  static PyObject* Sequence(PyObject* self, void*) {
    return PyLong_FromUnsignedLongLong(content_of(self).request.sequence());
  }
  static PyObject* PublishNs(PyObject* self, void*) { return PyLong_FromLongLong(content_of(self).request.publish_ns()); }
  static PyObject* RequesterId(PyObject* self, void*) {
    return PyLong_FromUnsignedLong(content_of(self).request.requester());
  }
  static PyObject* Attempt(PyObject* self, void*) { return PyLong_FromUnsignedLong(content_of(self).request.attempt()); }
  static PyObject* Answered(PyObject* self, void*) { return PyBool_FromLong(content_of(self).request.is_answered()); }
};

}  // namespace shmcomm::python
