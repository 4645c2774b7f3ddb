// SPDX-License-Identifier: Apache-2.0
#include "untyped_call.h"

#include <array>
#include <utility>

#include "arguments.h"
#include "end_log.h"
#include "timeout.h"

namespace shmcomm::python {
namespace {

using Views = DecodeRules::Views;

PyTypeObject* call_type = nullptr;

/// The requester of a call that is not over, which shall give its reply as `views`; null with an exception set.
std::shared_ptr<OpenedRequester> Usable(PyObject* object, Views views) {
  std::shared_ptr<OpenedRequester> self = UsableRequesterOf(object);
  if (self != nullptr) static_cast<UntypedRequester&>(*self).views = views;
  return self;
}

/// result(timeout=None, *, copy=False)
PyObject* Result(PyObject* object, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  static constexpr Parameters<2> kParameters = {"result", {"timeout", "copy"}, 1};
  std::array<PyObject*, 2> values;
  absl::Duration timeout = absl::InfiniteDuration();
  Views views = Views::kShared;
  if (!PlaceArguments(kParameters, given, count, keywords, &values)) return nullptr;
  if (!ParseTimeout(values[0], &timeout) || !ParseCopy(values[1], Views::kShared, &views)) return nullptr;
  const std::shared_ptr<OpenedRequester> self = Usable(object, views);
  if (self == nullptr) return nullptr;
  const InUse mark(self->in_use);
  CallContent& content = CallContentOf(object);
  return LogFailure(AwaitReply(*self, content.call, timeout, &content.is_over));
}

/// try_result(default=None, *, copy=False)
PyObject* TryResult(PyObject* object, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  static constexpr Parameters<2> kParameters = {"try_result", {"default", "copy"}, 1};
  std::array<PyObject*, 2> values;
  Views views = Views::kShared;
  if (!PlaceArguments(kParameters, given, count, keywords, &values) || !ParseCopy(values[1], Views::kShared, &views)) return nullptr;
  const std::shared_ptr<OpenedRequester> self = Usable(object, views);
  if (self == nullptr) return nullptr;
  const InUse mark(self->in_use);
  CallContent& content = CallContentOf(object);
  PyObject* reply = TakeReply(*self, content.call, &content.is_over);
  if (reply != nullptr || PyErr_Occurred()) return LogFailure(reply);
  return Py_NewRef(values[0] == nullptr ? Py_None : values[0]);
}

/// poll(timeout=0)
PyObject* Poll(PyObject* object, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  absl::Duration timeout = absl::ZeroDuration();
  if (!TimeoutArgument("poll", given, count, keywords, &timeout)) return nullptr;
  const std::shared_ptr<OpenedRequester> self = UsableRequesterOf(object);
  if (self == nullptr) return nullptr;
  const InUse mark(self->in_use);
  const std::optional<bool> settled = PollSettled(*self, CallContentOf(object).call, timeout);
  return settled.has_value() ? PyBool_FromLong(*settled) : LogFailure(nullptr);
}

PyObject* IsOver(PyObject* object, void*) { return PyBool_FromLong(CallContentOf(object).is_over); }

PyMethodDef methods[] = {
    {"result", AsFunction(Result), METH_FASTCALL | METH_KEYWORDS,
     "result($self, timeout=None, *, copy=False)\n--\n\n"
     "The reply, once, waited for until the call's own time is over, or up to `timeout` (milliseconds or a timedelta), after\n"
     "which the call goes on. It arrives as Subscriber.recv gives messages. Calls of one requester may be received in any order.\n"
     "Other threads run meanwhile, and Ctrl-C ends the wait.\n"
     "Errors: as Requester.call; ValueError (received already).\n"
     "Cost: as Subscriber.recv."},
    {"try_result", AsFunction(TryResult), METH_FASTCALL | METH_KEYWORDS,
     "try_result($self, default=None, *, copy=False)\n--\n\nThe reply, `default` while there is none. Errors as result.\n"
     "Cost: as Subscriber.try_recv."},
    {"poll", AsFunction(Poll), METH_FASTCALL | METH_KEYWORDS,
     "poll($self, timeout=0)\n--\n\nWhether result would return or raise at once, waited for up to `timeout`. The call goes on.\n"
     "Cost: as Subscriber.poll."},
    {"done", IsCallDone, METH_NOARGS, kDoneDoc},
    {"cancel", CancelCall, METH_NOARGS, kCancelDoc},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"over", IsOver, nullptr, "Whether the reply was received, the call failed, or it was cancelled.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

}  // namespace

PyObject* UntypedRequester::Read(shmcomm::Sample reply) {
  if (is_debugging) LogMessage("received", name, NameOf(reply.codec()), reply.size());
  const bool is_pickle = reply.codec() == Codec::kPickle;
  const bool may_unpickle = is_pickle && allow_pickle.value_or(endpoint.IsLastReplyFromThisUser());
  return DecodeSample(std::move(reply), {name, may_unpickle, views});
}

RequesterStats UntypedRequester::stats() const {
  RequesterStats stats = endpoint.stats();
  stats.errors += refused;
  return stats;
}

PyObject* NewUntypedCall(const std::shared_ptr<UntypedRequester>& requester, CallId call) {
  return NewCallOf(call_type, requester, call);
}

bool AddUntypedCallType(PyObject* module) {
  call_type = AddCallClass(module, "shmcomm._core.UntypedCall",
                           "A call under way, from a Requester's start(). Used on the requester's thread.", methods, properties);
  return call_type != nullptr;
}

}  // namespace shmcomm::python
