// SPDX-License-Identifier: Apache-2.0
#include "call.h"

#include <new>
#include <string>

#include "errors.h"
#include "reference.h"
#include "sample.h"
#include "timeout.h"
#include "waits.h"

namespace shmcomm::python {
namespace {

struct Content {
  std::weak_ptr<OpenedRequester> requester;  // it may be closed while the call's object lives
  CallId call;
  bool is_over = false;
};

struct CallObject {
  PyObject_HEAD
  alignas(Content) unsigned char storage[sizeof(Content)];

  Content& content() { return *std::launder(reinterpret_cast<Content*>(storage)); }
};

PyTypeObject* call_type = nullptr;

Content& ContentOf(PyObject* object) { return reinterpret_cast<CallObject*>(object)->content(); }

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
    SetError(ErrorKind::kReply, "%s", text.c_str());
    SetAttribute("code", PyUnicode_FromString(absl::StatusCodeToString(status.code()).c_str()));
    return;
  }
  SetUseError(status, self.process);
  SetAttribute("maybe_executed", PyBool_FromLong(MaybeExecuted(status)));
}

/// Waits until the call is settled, by a reply or an error. False with an exception set.
bool AwaitSettled(OpenedRequester& self, CallId call, absl::Duration timeout) {
  absl::StatusOr<bool> settled = self.endpoint.WaitForReply(call, absl::ZeroDuration());
  if (settled.ok() && !*settled) {
    self.is_waiting = true;
    const int waited = RepeatWait(self.close_wanted, timeout, [&](absl::Duration slice) {
      settled = self.endpoint.WaitForReply(call, slice);
      return !settled.ok() || *settled;
    });
    self.is_waiting = false;
    if (waited < 0 && !PyErr_Occurred()) RefuseClosed(self.name);
    if (waited == 0) {
      SetError(ErrorKind::kTimeout, "%s: no reply within %lld ms; the call goes on", self.name.c_str(),
               static_cast<long long>(absl::ToInt64Milliseconds(timeout)));
      SetAttribute("maybe_executed", Py_NewRef(Py_True));
    }
    if (waited <= 0) return false;
  }
  if (!settled.ok()) SetCallError(self, settled.status());
  return settled.ok();
}

/// The reply if it is there, None while it is not.
PyObject* TakeReply(OpenedRequester& self, CallId call, bool* is_over) {
  absl::StatusOr<std::optional<shmcomm::Sample>> reply = self.endpoint.TryReceive(call);
  if (reply.ok() && !reply->has_value()) return Py_NewRef(Py_None);
  *is_over = !absl::IsResourceExhausted(reply.status());
  if (reply.ok()) return NewSample(self.reply_class, *self.reply, **std::move(reply));
  SetCallError(self, reply.status());
  return nullptr;
}

/// The requester of a call that is not over; null with an exception set.
std::shared_ptr<OpenedRequester> Usable(PyObject* object) {
  Content& content = ContentOf(object);
  if (content.is_over) {
    PyErr_SetString(PyExc_ValueError, "this call is over: its reply was received, or it was cancelled");
    return nullptr;
  }
  std::shared_ptr<OpenedRequester> requester = content.requester.lock();
  if (requester == nullptr) RefuseClosed("requester");
  if (requester == nullptr || !CheckFree(*requester)) return nullptr;
  return requester;
}

/// result(timeout)
PyObject* Result(PyObject* object, PyObject* const* arguments, Py_ssize_t given, PyObject* names) {
  absl::Duration timeout = absl::InfiniteDuration();
  if (!TimeoutArgument("result", arguments, given, names, &timeout)) return nullptr;
  const std::shared_ptr<OpenedRequester> self = Usable(object);
  if (self == nullptr) return nullptr;
  const InUse mark(self->in_use);
  Content& content = ContentOf(object);
  return AwaitReply(*self, content.call, timeout, &content.is_over);
}

PyObject* TryResult(PyObject* object, PyObject*) {
  const std::shared_ptr<OpenedRequester> self = Usable(object);
  Content& content = ContentOf(object);
  return self == nullptr ? nullptr : TakeReply(*self, content.call, &content.is_over);
}

PyObject* Done(PyObject* object, PyObject*) {
  if (ContentOf(object).is_over) Py_RETURN_TRUE;
  const std::shared_ptr<OpenedRequester> self = Usable(object);
  if (self == nullptr) return nullptr;
  const absl::StatusOr<bool> settled = self->endpoint.WaitForReply(ContentOf(object).call, absl::ZeroDuration());
  if (settled.ok()) return PyBool_FromLong(*settled);
  SetCallError(*self, settled.status());
  return nullptr;
}

void Forget(Content& content) {
  const std::shared_ptr<OpenedRequester> requester = content.requester.lock();
  if (content.is_over || requester == nullptr || ProcessNumber() != requester->process) return;
  content.is_over = true;
  if (requester->in_use > 0) requester->forgotten.push_back(content.call);
  else requester->endpoint.Forget(content.call);
}

PyObject* Cancel(PyObject* object, PyObject*) {
  Forget(ContentOf(object));
  Py_RETURN_NONE;
}

void Dealloc(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  Forget(ContentOf(object));
  ContentOf(object).~Content();
  type->tp_free(object);
  Py_DECREF(type);
}

PyMethodDef methods[] = {
    {"result", AsFunction(Result), METH_FASTCALL | METH_KEYWORDS,
     "result($self, timeout=None)\n--\n\n"
     "The reply, once, waited for until the call's own time is over, or up to `timeout` (milliseconds or a timedelta), after\n"
     "which the call goes on. Calls of one requester may be received in any order. Other threads run meanwhile, and Ctrl-C\n"
     "ends the wait.\n"
     "Errors: SHMTimeoutError, SHMPeerDiedError (both with maybe_executed), SHMReplyError (what the replier answered),\n"
     "SHMBufferFullError (too many replies are held; the call goes on), SHMConnectionError (closed, forked), SHMCorruptionError,\n"
     "SHMSchemaMismatchError, ValueError (received already)."},
    {"try_result", TryResult, METH_NOARGS, "try_result($self)\n--\n\nThe reply, None while there is none. Errors as result."},
    {"done", Done, METH_NOARGS, "done($self)\n--\n\nWhether result would return or raise at once."},
    {"cancel", Cancel, METH_NOARGS,
     "cancel($self)\n--\n\nGives the call up; its request is taken back if no replier has begun it. Dropping it does so, too."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("A call under way, from a requester's start(). Used on the requester's thread.")},
    {Py_tp_dealloc, reinterpret_cast<void*>(Dealloc)},
    {Py_tp_methods, methods},
    {0, nullptr},
};

PyType_Spec spec = {"shmcomm._core.Call", sizeof(CallObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

}  // namespace

bool OpenedRequester::Begin(absl::Duration within) {
  deadline = absl::Now() + within;
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
    if (waited == 0) SetError(ErrorKind::kTimeout, "%s: no replier came in time; nothing was sent", name.c_str());
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

PyObject* AwaitReply(OpenedRequester& self, CallId call, absl::Duration timeout, bool* is_over) {
  PyObject* reply = Py_None;
  while (reply == Py_None) {  // settled once, it stays so
    if (!AwaitSettled(self, call, timeout)) return nullptr;
    reply = TakeReply(self, call, is_over);
  }
  return reply;
}

PyObject* NewCall(const std::shared_ptr<OpenedRequester>& requester, CallId call) {
  PyObject* made = call_type->tp_alloc(call_type, 0);
  if (made != nullptr) new (reinterpret_cast<CallObject*>(made)->storage) Content{requester, call};
  return made;
}

bool AddCallType(PyObject* module) {
  call_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return call_type != nullptr && PyModule_AddType(module, call_type) == 0;
}

}  // namespace shmcomm::python
