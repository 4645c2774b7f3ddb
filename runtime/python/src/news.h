// SPDX-License-Identifier: Apache-2.0
// What an endpoint noticed, jobs given up or deadlines missed, on its way to a Python callback.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "notices.h"
#include "shmcomm/options.h"

namespace shmcomm::python {

/// The runtime tells in the middle of a push, take or wait, perhaps without the GIL, and must not be called from there. So that
/// only counts, and the callback is called when the runtime has returned.
class News {
 public:
  explicit News(nanobind::object callback) : callback_(std::move(callback)) {}

  /// For the runtime, whose endpoint may outlive everything of Python's: these hold nothing but the count.
  std::function<void(std::uint64_t)> Counter() const {
    return [more = more_](std::uint64_t noticed) { *more += noticed; };
  }
  std::function<void(const DeadlineMiss&)> MissCounter() const {
    return [more = more_](const DeadlineMiss& miss) { *more += miss.missed; };
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

  PyObject* callback() const { return callback_.ptr(); }

 private:
  nanobind::object callback_;
  std::shared_ptr<std::uint64_t> more_ = std::make_shared<std::uint64_t>(0);
};

using NewsPtr = std::shared_ptr<const News>;

/// Tells what an endpoint noticed, to its callback or to the log. Either may close the endpoint.
inline void TellNews(const NewsPtr& news) {
  if (news != nullptr) news->Tell();
  TellNotices();
}

/// Null for None, where the log is told. `option` names it for errors.
inline NewsPtr NewsFor(nanobind::handle callback, const char* option) {
  if (callback.is_none()) return nullptr;
  if (!PyCallable_Check(callback.ptr())) {
    throw nanobind::type_error((std::string(option) + " takes a function of one argument").c_str());
  }
  return std::make_shared<const News>(nanobind::borrow(callback));
}

}  // namespace shmcomm::python
