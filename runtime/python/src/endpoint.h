// SPDX-License-Identifier: Apache-2.0
// What the endpoints of all patterns have in common on the Python side.
#pragma once

#include <nanobind/nanobind.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "channel.h"
#include "end_log.h"
#include "errors.h"
#include "news.h"
#include "shmcomm/options.h"
#include "shmcomm/replier.h"
#include "without_gil.h"

namespace shmcomm::python {

/// How a receiving endpoint is used just now; what it gave out and needs its thread shares this.
struct InUseState {
  int in_use = 0;                          ///< calls under way
  bool close_wanted = false;
  std::vector<shmcomm::Request> dropped;   ///< unanswered, while another thread was waiting
};

/// One receiving endpoint of C++ with its channel. Its members are used with the GIL held, except while waiting.
template <class Endpoint>
struct Opened {
  Endpoint endpoint;
  std::string name;       ///< stays readable after close
  nanobind::object channel;
  Type* type;
  PyTypeObject* sample_class;
  std::int64_t process;
  Type* reply = nullptr;  ///< of requests
  NewsPtr news = nullptr;  ///< for a callback
  std::shared_ptr<InUseState> state = std::make_shared<InUseState>();

  // Receiver calls these; an end that has more to say has its own.
  auto stats() const { return endpoint.stats(); }
  void BeforeClose() {}
};

/// Marks a call on an endpoint as under way.
class InUse {
 public:
  explicit InUse(int& count) : count_(count) { ++count_; }
  ~InUse() { --count_; }
  InUse(const InUse&) = delete;
  InUse& operator=(const InUse&) = delete;

 private:
  int& count_;
};

/// Of this process, to tell use after fork() from a mismatch.
std::int64_t ProcessNumber();

/// Sets the exception for a failed call on an open endpoint.
void SetUseError(const absl::Status& status, std::int64_t opened_by_process);

/// Sets SHMConnectionError for an endpoint that is not open; returns null.
PyObject* RefuseClosed(const std::string& name);

/// Sets SHMTimeoutError where no `wanted` came in `timeout`, which a `sender` would have sent; returns null.
PyObject* NothingCame(const std::string& name, const char* wanted, const char* sender, absl::Duration timeout);

/// repr() of an endpoint, also of one that could not be opened.
template <class Handle>
PyObject* ReprOf(PyObject* object) {
  const char* kind = Py_TYPE(object)->tp_name;
  if (!nanobind::inst_ready(object)) return PyUnicode_FromFormat("<%s, never opened>", kind);
  const Handle& handle = *nanobind::inst_ptr<Handle>(object);
  return PyUnicode_FromFormat("<%s '%s'%s>", kind, handle.name.c_str(), handle.opened ? "" : ", closed");
}

/// The property `channel` of an endpoint. Throws SHMConnectionError for one that could not be opened.
template <class Handle>
nanobind::str ChannelOf(nanobind::handle_t<Handle> end) {
  if (!nanobind::inst_ready(end)) {
    RefuseClosed(Py_TYPE(end.ptr())->tp_name);
    throw nanobind::python_error();
  }
  const std::string& name = nanobind::inst_ptr<Handle>(end)->name;
  return nanobind::str(name.data(), name.size());
}

/// name, root and domain of an endpoint.
template <class Options>
Options CommonOptions(std::string name, std::string root, std::string domain) {
  Options options;
  options.channel = std::move(name);
  options.root = std::move(root);
  options.domain = std::move(domain);
  return options;
}

/// Reads a duration as timeouts are given, unless it is None. Throws TypeError, ValueError.
void ReadDuration(nanobind::handle value, absl::Duration* duration);

/// Reads "trusted", "verify" or "untrusted"; nothing of None. Throws TypeError, ValueError.
std::optional<Verify> ReadVerify(nanobind::handle value);

/// Opens an endpoint without the GIL. Logs and throws the exception that its status stands for.
template <class Endpoint, class Options>
Endpoint OpenEndpoint(const ChannelSpec& spec, const Options& options) {
  absl::StatusOr<Endpoint> endpoint = [&] {
    WithoutGil unlocked;
    return Endpoint::Open(spec, options);
  }();
  if (!endpoint.ok()) {
    SetError(endpoint.status(), Doing::kOpening);
    LogFailure(nullptr);
    nanobind::raise_python_error();
  }
  return *std::move(endpoint);
}

/// A method of the calling convention without tuples and dicts, as PyMethodDef holds it.
inline PyCFunction AsFunction(PyObject* (*function)(PyObject*, PyObject* const*, Py_ssize_t, PyObject*)) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

/// Adds a method in the calling convention without tuples and dicts, which nanobind's own functions do not have.
void AddFastMethod(nanobind::handle python_class, PyMethodDef& definition);

}  // namespace shmcomm::python
