// SPDX-License-Identifier: Apache-2.0
// What an endpoint noticed of jobs that were given up, on its way to a Python callback.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

namespace shmcomm::python {

/// The runtime tells in the middle of a push, take or wait, perhaps without the GIL, and must not be called from there. So that
/// only counts, and the callback is called when the runtime has returned.
class DeadLetterNews {
 public:
  explicit DeadLetterNews(nanobind::object callback) : callback_(std::move(callback)) {}

  /// For the runtime, whose endpoint may outlive everything of Python's: it holds nothing but the count.
  std::function<void(std::uint64_t)> Counter() const {
    return [more = more_](std::uint64_t noticed) { *more += noticed; };
  }

  /// Calls the callback if there is news. Whatever it raises is reported as unraisable. It may close the endpoint.
  void Tell() const {
    const std::uint64_t more = std::exchange(*more_, 0);
    if (more == 0) return;
    const nanobind::object callback = callback_;  // may be let go meanwhile
    PyObject* answer = PyObject_CallFunction(callback.ptr(), "K", static_cast<unsigned long long>(more));
    if (answer == nullptr) return PyErr_WriteUnraisable(callback.ptr());
    Py_DECREF(answer);
  }

 private:
  nanobind::object callback_;
  std::shared_ptr<std::uint64_t> more_ = std::make_shared<std::uint64_t>(0);
};

using DeadLetterNewsPtr = std::shared_ptr<const DeadLetterNews>;

/// Null for None, where the log is told.
inline DeadLetterNewsPtr NewsFor(nanobind::handle callback) {
  if (callback.is_none()) return nullptr;
  if (!PyCallable_Check(callback.ptr())) throw nanobind::type_error("on_dead_letters takes a function of one argument");
  return std::make_shared<const DeadLetterNews>(nanobind::borrow(callback));
}

}  // namespace shmcomm::python
