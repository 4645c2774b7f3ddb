// SPDX-License-Identifier: Apache-2.0
#include "call.h"

#include <new>
#include <string>

#include "call_room.h"
#include "end_log.h"
#include "errors.h"
#include "reference.h"
#include "timeout.h"
#include "waits.h"

namespace shmcomm::python {
namespace {

struct CallObject {
  PyObject_HEAD
  alignas(CallContent) unsigned char storage[sizeof(CallContent)];
};

PyTypeObject* call_type = nullptr;

void SetAttribute(const char* name, PyObject* stolen_value) {
  PyObject* kind = nullptr;
  PyObject* error = nullptr;
  PyObject* trace = nullptr;
  PyErr_Fetch(&kind, &error, &trace);
  PyErr_NormalizeException(&kind, &error, &trace);
  const Reference value(stolen_value);
  if (!value || PyObject_SetAttrString(error, name, value.get()) != 0) PyErr_Clear();
  PyErr_Restore(kind, error, trace);
}

void SetCallError(const OpenedRequester& self, const absl::Status& status) {
  if (IsFromReplier(status)) {
    const std::string text(status.message());
    SetError(ErrorKind::kReply, "%s: the replier answered with an error: %s\n  options: another request; the replier's log may say more",
             self.name.c_str(), text.c_str());
    SetAttribute("message", PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace"));
    SetAttribute("code", PyUnicode_FromString(absl::StatusCodeToString(status.code()).c_str()));
    return;
  }
  SetUseError(status, self.process);
  SetAttribute("maybe_executed", PyBool_FromLong(MaybeExecuted(status)));
}

void SetNotInTime(const OpenedRequester& self, absl::Duration timeout) {
  SetError(ErrorKind::kTimeout, "%s: no reply within %lld ms; the call goes on: receive it later, or give it up", self.name.c_str(),
           static_cast<long long>(absl::ToInt64Milliseconds(timeout)));
  SetAttribute("maybe_executed", Py_NewRef(Py_True));
}

/// result(timeout)
PyObject* Result(PyObject* object, PyObject* const* arguments, Py_ssize_t given, PyObject* names) {
  absl::Duration timeout = absl::InfiniteDuration();
  if (!TimeoutArgument("result", arguments, given, names, &timeout)) return nullptr;
  const std::shared_ptr<OpenedRequester> self = UsableRequesterOf(object);
  if (self == nullptr) return nullptr;
  const InUse mark(self->in_use);
  CallContent& content = CallContentOf(object);
  return AwaitReply(*self, content.call, timeout, &content.is_over);
}

PyObject* TryResult(PyObject* object, PyObject*) {
  const std::shared_ptr<OpenedRequester> self = UsableRequesterOf(object);
  if (self == nullptr) return nullptr;
  CallContent& content = CallContentOf(object);
  PyObject* reply = TakeReply(*self, content.call, &content.is_over);
  return reply != nullptr || PyErr_Occurred() ? reply : Py_NewRef(Py_None);
}

void Dealloc(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  CallContentOf(object).Forget();
  CallContentOf(object).~CallContent();
  type->tp_free(object);
  Py_DECREF(type);
}

PyMethodDef methods[] = {
    {"result", AsFunction(Logged<Result>), METH_FASTCALL | METH_KEYWORDS,
     "result($self, timeout=None)\n--\n\n"
     "The reply, once, waited for until the call's own time is over, or up to `timeout` (milliseconds or a timedelta), after\n"
     "which the call goes on. Calls of one requester may be received in any order. Other threads run meanwhile, and Ctrl-C\n"
     "ends the wait.\n"
     "Errors: SHMTimeoutError, SHMPeerDiedError (both with maybe_executed), SHMReplyError (what the replier answered),\n"
     "SHMBufferFullError (too many replies are held; the call goes on), SHMConnectionError (closed, forked), SHMCorruptionError,\n"
     "SHMSchemaMismatchError, ValueError (received already).\n"
     "Cost: nothing is copied; no system call where the reply is there; otherwise the thread sleeps, after a short look.\n\n"
     ">>> with DriveReplier() as server, DriveRequester() as client:\n"
     "...     call = client.start(linear=0.5, timeout=60_000)\n"
     "...     server.recv(timeout=100).reply(message=\"moving\")\n"
     "...     call.result(timeout=100).message\n"
     "'moving'\n"},
    {"try_result", Logged<TryResult>, METH_NOARGS, "try_result($self)\n--\n\nThe reply, None while there is none. Errors as result.\n"
     "Never waits.\n"
     "Cost: nothing is copied; no system call.\n\n"
     ">>> with DriveReplier() as server, DriveRequester() as client:\n"
     "...     call = client.start(linear=0.5, timeout=60_000)\n"
     "...     print(call.try_result())\n"
     "None\n"},
    {"done", IsCallDone, METH_NOARGS, kDoneDoc},
    {"cancel", CancelCall, METH_NOARGS, kCancelDoc},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool OpenedRequester::Begin(absl::Duration within) {
  deadline = Deadline(within);
  if (!waits_for_replier) return true;
  absl::StatusOr<bool> is_there = endpoint.WaitForReplier(absl::ZeroDuration());
  if (is_there.ok() && !*is_there) {
    is_waiting = true;
    const int waited = RepeatWait(close_wanted, within, [&](absl::Duration slice) {
      is_there = endpoint.WaitForReplier(slice);
      return !is_there.ok() || *is_there;
    });
    is_waiting = false;
    if (waited < 0 && !PyErr_Occurred()) RefuseClosed(name);
    if (waited == 0) SetError(ErrorKind::kTimeout, "%s: no replier came in time; nothing was sent: start one, or wait longer", name.c_str());
    if (waited <= 0) return false;
  }
  return Finish(*this, is_there.status());
}

absl::Status OpenedRequester::Keep(absl::StatusOr<CallId> sent) {
  if (sent.ok()) call = *sent;
  return sent.status();
}

bool CheckFree(OpenedRequester& self) {
  if (self.in_use > 0) {
    SetError(ErrorKind::kBase, "%s: another thread is calling through this requester; give each thread its own",
             self.name.c_str());
    return false;
  }
  for (const CallId call : self.forgotten) self.endpoint.Forget(call);
  self.forgotten.clear();
  return true;
}

bool MayCall(OpenedRequester& self) {
  if (self.waits_for_replier && !self.endpoint.WaitForReplier(absl::ZeroDuration()).value_or(true)) return false;
  if (!self.may_wait) return true;
  const absl::StatusOr<bool> has_room = self.endpoint.WaitForRoom(absl::ZeroDuration());
  return has_room.ok() ? *has_room : !absl::IsResourceExhausted(has_room.status());
}

std::optional<bool> PollSettled(OpenedRequester& self, CallId call, absl::Duration timeout) {
  absl::StatusOr<bool> settled = self.endpoint.WaitForReply(call, absl::ZeroDuration());
  if (settled.ok() && !*settled) {
    self.is_waiting = true;
    const int waited = RepeatWait(self.close_wanted, timeout, [&](absl::Duration slice) {
      settled = self.endpoint.WaitForReply(call, slice);
      return !settled.ok() || *settled;
    });
    self.is_waiting = false;
    if (waited < 0 && !PyErr_Occurred()) RefuseClosed(self.name);
    if (waited < 0) return std::nullopt;
    if (waited == 0) return false;
  }
  if (settled.ok()) return true;
  SetCallError(self, settled.status());
  return std::nullopt;
}

PyObject* TakeReply(OpenedRequester& self, CallId call, bool* is_over) {
  absl::StatusOr<std::optional<shmcomm::Sample>> reply = self.endpoint.TryReceive(call);
  if (reply.ok() && !reply->has_value()) return nullptr;
  *is_over = !absl::IsResourceExhausted(reply.status());
  if (reply.ok()) return self.Read(**std::move(reply));
  SetCallError(self, reply.status());
  return nullptr;
}

PyObject* AwaitReply(OpenedRequester& self, CallId call, absl::Duration timeout, bool* is_over) {
  for (;;) {  // settled once, it stays so
    const std::optional<bool> settled = PollSettled(self, call, timeout);
    if (settled.has_value() && !*settled) SetNotInTime(self, timeout);
    if (!settled.value_or(false)) return nullptr;
    PyObject* reply = TakeReply(self, call, is_over);
    if (reply != nullptr || PyErr_Occurred()) return reply;
  }
}

CallContent& CallContentOf(PyObject* object) {
  return *std::launder(reinterpret_cast<CallContent*>(reinterpret_cast<CallObject*>(object)->storage));
}

void CallContent::Forget() {
  const std::shared_ptr<OpenedRequester> opened = requester.lock();
  if (is_over || opened == nullptr || ProcessNumber() != opened->process) return;
  is_over = true;
  if (opened->in_use > 0) opened->forgotten.push_back(call);
  else opened->endpoint.Forget(call);
}

std::shared_ptr<OpenedRequester> UsableRequesterOf(PyObject* object) {
  const CallContent& content = CallContentOf(object);
  if (content.is_over) {
    PyErr_Format(PyExc_ValueError, "%s: this call is over: its reply was received, or it was cancelled; start another",
                 content.channel.c_str());
    return nullptr;
  }
  std::shared_ptr<OpenedRequester> requester = content.requester.lock();
  if (requester == nullptr) RefuseClosed(content.channel);
  if (requester == nullptr || !CheckFree(*requester)) return nullptr;
  return requester;
}

PyObject* IsCallDone(PyObject* object, PyObject*) {
  if (CallContentOf(object).is_over) Py_RETURN_TRUE;
  const std::shared_ptr<OpenedRequester> self = UsableRequesterOf(object);
  if (self == nullptr) return nullptr;
  const absl::StatusOr<bool> settled = self->endpoint.WaitForReply(CallContentOf(object).call, absl::ZeroDuration());
  if (settled.ok()) return PyBool_FromLong(*settled);
  SetCallError(*self, settled.status());
  return nullptr;
}

PyObject* CancelCall(PyObject* object, PyObject*) {
  CallContentOf(object).Forget();
  Py_RETURN_NONE;
}

PyTypeObject* AddCallClass(PyObject* module, const char* name, const char* doc, PyMethodDef* methods, PyGetSetDef* properties) {
  PyType_Slot slots[] = {
      {Py_tp_doc, const_cast<char*>(doc)},
      {Py_tp_dealloc, reinterpret_cast<void*>(Dealloc)},
      {Py_tp_methods, methods},
      {Py_tp_getset, properties},
      {0, nullptr},
  };
  PyType_Spec spec = {name, sizeof(CallObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
  auto* made = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return made != nullptr && PyModule_AddType(module, made) == 0 ? made : nullptr;
}

PyObject* NewCallOf(PyTypeObject* call_class, const std::shared_ptr<OpenedRequester>& requester, CallId call) {
  PyObject* made = call_class->tp_alloc(call_class, 0);
  if (made != nullptr) new (reinterpret_cast<CallObject*>(made)->storage) CallContent{requester, call, requester->name};
  return made;
}

PyObject* NewCall(const std::shared_ptr<OpenedRequester>& requester, CallId call) {
  return NewCallOf(call_type, requester, call);
}

bool AddCallType(PyObject* module) {
  static PyGetSetDef no_properties[] = {{nullptr, nullptr, nullptr, nullptr, nullptr}};
  call_type = AddCallClass(module, "shmcomm._core.Call",
                           
                           "A call under way, from a requester's start(). Used on the requester's thread. One that is dropped is\n"
                           "given up.\n\n"
                           ">>> with DriveReplier() as server, DriveRequester() as client:\n"
                           "...     call = client.start(linear=0.5, timeout=60_000)\n"
                           "...     call.done(), server.recv(timeout=100).reply(ok=True), call.done(), call.result().ok\n"
                           "(False, None, True, True)\n", methods, no_properties);
  return call_type != nullptr;
}

}  // namespace shmcomm::python
