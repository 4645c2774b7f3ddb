// SPDX-License-Identifier: Apache-2.0
// An owned Python reference, for functions that would otherwise count by hand on every way out.
#pragma once

#include <Python.h>

#include <utility>

namespace shmcomm::python {

/// Owns one reference, or none: null, usually with an exception set.
class Reference {
 public:
  Reference() = default;
  explicit Reference(PyObject* stolen) : object_(stolen) {}
  Reference(const Reference& other) : object_(Py_XNewRef(other.object_)) {}
  Reference(Reference&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Reference& operator=(Reference other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Reference() { Py_XDECREF(object_); }

  PyObject* get() const { return object_; }
  PyObject* Release() { return std::exchange(object_, nullptr); }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  PyObject* object_ = nullptr;
};

}  // namespace shmcomm::python
