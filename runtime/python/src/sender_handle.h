// SPDX-License-Identifier: Apache-2.0
// What the Python classes of sending ends have in common.
#pragma once

#include <nanobind/nanobind.h>

#include <memory>
#include <string>
#include <utility>

#include "end_log.h"
#include "endpoint.h"
#include "sender.h"
#include "timeout.h"

namespace shmcomm::python {

/// The Python object; empty once closed.
template <class OpenedSender, class EndpointStats>
struct SenderHandle {
  using Stats = EndpointStats;

  std::shared_ptr<OpenedSender> opened;
  std::string name;
  Stats last_stats;

  Stats stats() const { return opened ? opened->stats() : last_stats; }
};

/// Makes `self` the handle of `opened`, a sender on `channel`.
template <class Handle, class OpenedSender>
void Construct(Handle* self, std::shared_ptr<OpenedSender> opened, nanobind::handle_t<DeclaredChannel> channel,
               absl::Duration timeout) {
  const DeclaredChannel& declared = *nanobind::inst_ptr<DeclaredChannel>(channel);
  opened->channel = nanobind::borrow(channel);
  opened->type = declared.type;
  opened->loan_class = reinterpret_cast<PyTypeObject*>(declared.loan_class.ptr());
  opened->timeout = timeout;
  new (self) Handle{opened, opened->name, {}};
}

/// The handle of a method's `self`, null with SHMConnectionError if it is not open.
template <class Handle>
Handle* OpenHandle(PyObject* object, const char* kind) {
  if (!nanobind::inst_ready(object)) return RefuseClosed(kind), nullptr;
  Handle& handle = *nanobind::inst_ptr<Handle>(object);
  if (!handle.opened) return RefuseClosed(handle.name), nullptr;
  return &handle;
}

/// The method `name` of a handle: sends one message. False with an exception set.
template <class Handle>
bool SendThrough(PyObject* object, const char* name, PyObject* const* arguments, Py_ssize_t given, PyObject* names) {
  Handle* handle = OpenHandle<Handle>(object, name);
  if (handle == nullptr || !CheckNotSending(*handle->opened)) return false;
  Sender& self = *handle->opened;
  // Another thread may close the handle while this one waits.
  const std::shared_ptr<Sender> kept = self.may_wait ? handle->opened : nullptr;
  {
    const InUse mark(self.in_use);
    if (!SendArguments(self, name, arguments, given, names)) return false;
  }
  if (handle->opened) LogSent(*handle->opened);
  return true;
}

/// Tells what sending noticed; the callback may close the handle.
template <class Handle>
void TellNewsOf(const Handle& handle) {
  const NewsPtr news = handle.opened ? handle.opened->news : nullptr;
  TellNews(news);
}

/// loan(**fields).
template <class Handle>
PyObject* Lend(PyObject* object, PyObject* const* arguments, Py_ssize_t given, PyObject* names) {
  Handle* handle = OpenHandle<Handle>(object, "loan");
  return handle == nullptr ? nullptr : LendMessage(handle->opened, arguments, given, names);
}

/// close(). A wait for room in another thread ends within a slice.
template <class Handle>
void CloseSender(Handle& self) {
  if (!self.opened) return;
  if (self.opened->in_use > 0 && !self.opened->is_waiting) {
    SetError(ErrorKind::kBase, "%s: closed while it sends; close it afterwards", self.name.c_str());
    nanobind::raise_python_error();
  }
  self.last_stats = self.opened->stats();
  self.opened->close_wanted = true;  // for waits, and for loans that are still open
  self.opened.reset();
}

}  // namespace shmcomm::python
