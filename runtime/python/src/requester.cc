// SPDX-License-Identifier: Apache-2.0
#include "shmcomm/requester.h"

#include <nanobind/stl/string.h>

#include <utility>

#include "call.h"
#include "call_room.h"
#include "end_log.h"
#include "endpoints.h"
#include "sample.h"
#include "sender_handle.h"

namespace nb = nanobind;

namespace shmcomm::python {
namespace {

struct TypedRequester final : OpenedRequester {
  using OpenedRequester::OpenedRequester;

  PyObject* Read(shmcomm::Sample sample) override {
    const std::uint64_t bytes = sample.size();
    PyObject* made = NewSample(name, reply_class, *reply, std::move(sample));
    if (made != nullptr && is_debugging) LogMessage("received", name, reply->name.c_str(), bytes);
    return made;
  }

  Type* reply = nullptr;
  PyTypeObject* reply_class = nullptr;
};

using RequesterHandle = SenderHandle<TypedRequester, RequesterStats>;

void Open(RequesterHandle* self, nb::handle_t<DeclaredChannel> channel, std::string name, std::string root,
          std::string domain, std::uint64_t max_size, bool wait_for_replier, nb::handle spin, std::uint32_t max_in_flight,
          nb::handle verify) {
  const DeclaredChannel& declared = *nb::inst_ptr<DeclaredChannel>(channel);
  auto options = CommonOptions<RequesterOptions>(std::move(name), std::move(root), std::move(domain));
  options.max_size = max_size;
  options.max_in_flight = max_in_flight;
  ReadDuration(spin, &options.spin);
  options.verify = ReadVerify(verify);
  options.publish_timeout = absl::ZeroDuration();  // waited for here, where Ctrl-C is seen
  auto opened = std::make_shared<TypedRequester>(OpenEndpoint<Requester>(*declared.spec, options));
  const Qos& qos = declared.spec->qos;
  opened->may_wait = qos.on_full == OnFull::kBlock;
  opened->takes_timeout = true;
  opened->waits_for_replier = wait_for_replier;
  opened->reply = declared.reply;
  opened->reply_class = reinterpret_cast<PyTypeObject*>(declared.reply_class.ptr());
  const absl::Duration own = qos.timeout_ns > 0 ? absl::Nanoseconds(qos.timeout_ns) : absl::InfiniteDuration();
  Construct(self, std::move(opened), channel, own);
}

/// Sends a request, and hands its call to `then(requester, call)`. Null with an exception set.
template <class Then>
PyObject* Send(PyObject* object, const char* name, PyObject* const* arguments, Py_ssize_t given, PyObject* names, Then&& then) {
  RequesterHandle* handle = OpenHandle<RequesterHandle>(object, "requester");
  if (handle == nullptr || !CheckFree(*handle->opened)) return nullptr;
  const std::shared_ptr<TypedRequester> self = handle->opened;  // another thread may close the handle while this one waits
  const InUse mark(self->in_use);
  if (!SendArguments(*self, name, arguments, given, names)) return nullptr;
  LogSent(*self);
  return then(self, self->call);
}

/// call(message, /, *, timeout) or call(*, timeout, **fields).
PyObject* Call(PyObject* object, PyObject* const* arguments, Py_ssize_t given, PyObject* names) {
  return Send(object, "call", arguments, given, names, [](const std::shared_ptr<OpenedRequester>& self, CallId call) {
    bool is_over = false;
    PyObject* reply = AwaitReply(*self, call, absl::InfiniteDuration(), &is_over);
    if (!is_over) self->endpoint.Forget(call);
    return reply;
  });
}

/// start(message, /, *, timeout) or start(*, timeout, **fields).
PyObject* Start(PyObject* object, PyObject* const* arguments, Py_ssize_t given, PyObject* names) {
  return Send(object, "start", arguments, given, names, NewCall);
}

PyObject* Descriptor(PyObject* object, PyObject*) {
  RequesterHandle* handle = OpenHandle<RequesterHandle>(object, "requester");
  if (handle == nullptr || !CheckFree(*handle->opened)) return nullptr;
  const absl::StatusOr<int> descriptor = handle->opened->endpoint.fd();
  if (descriptor.ok()) return PyLong_FromLong(*descriptor);
  SetUseError(descriptor.status(), handle->opened->process);
  return nullptr;
}

nb::tuple Counters(const RequesterHandle& self) {
  const RequesterStats stats = self.stats();
  return nb::make_tuple(stats.sent, stats.received, stats.timed_out, stats.late, stats.died, stats.errors);
}

PyMethodDef methods[] = {
    {"call", AsFunction(Logged<Call>), METH_FASTCALL | METH_KEYWORDS,
     "call($self, message=None, /, *, timeout=None, **fields)\n--\n\n"
     "Sends a request, as an instance, a dict, or keywords, and waits for its reply: a message read where it lies, borrowed while\n"
     "it lives. `timeout` is an int of milliseconds, a timedelta, or None for ever; the channel's own if not given. Other\n"
     "threads run meanwhile, and Ctrl-C ends the wait and gives the call up.\n"
     "Errors: SHMTimeoutError and SHMPeerDiedError, whose maybe_executed tells what may have been done (no replier at all is an\n"
     "SHMPeerDiedError at once, unless the requester waits for one), SHMReplyError (what the replier answered instead),\n"
     "SHMBufferFullError (max_in_flight calls are under way, the channel stayed full, or too many replies are held),\n"
     "SHMSerializationError, SHMMessageTooLargeError, SHMSchemaMismatchError, SHMCorruptionError, SHMConnectionError.\n"
     "A call of a few bytes takes some microseconds and the time of two switches between processes.\n"
     "Cost: values are copied once, to where the replier reads them, and the reply is not; the thread sleeps for it, after a short\n"
     "look.\n\n"
     ">>> from threading import Thread\n"
     ">>> with DriveReplier() as server, DriveRequester() as client:\n"
     "...     serving = Thread(target=server.serve, args=[lambda request: Ack(ok=request.linear < 1)])\n"
     "...     serving.start()\n"
     "...     print(client.call(linear=0.5, timeout=60_000).ok)\n"
     "...     server.stop()\n"
     "...     serving.join()\n"
     "True\n"},
    {"start", AsFunction(Logged<Start>), METH_FASTCALL | METH_KEYWORDS,
     "start($self, message=None, /, *, timeout=None, **fields)\n--\n\n"
     "Sends a request and returns the call, whose result(timeout) is the reply; several may be under way at once.\n"
     "Errors: of sending, as call.\n"
     "Cost: values are copied once, to where the replier reads them; a system call only to wake who sleeps.\n\n"
     ">>> with DriveReplier() as server, DriveRequester() as client:\n"
     "...     calls = [client.start(linear=speed, timeout=60_000) for speed in (0.5, 1.5)]\n"
     "...     for _ in calls:\n"
     "...         request = server.recv(timeout=100)\n"
     "...         request.reply(ok=request.linear < 1)\n"
     "...     [call.result(timeout=100).ok for call in calls]\n"
     "[True, False]\n"},
    {"_has_room", HasRoom<RequesterHandle>, METH_NOARGS, kHasRoomDoc},
    {"_own_timeout", OwnTimeout<RequesterHandle>, METH_NOARGS, kOwnTimeoutDoc},
    {"fileno", Descriptor, METH_NOARGS,
     "fileno($self)\n--\n\n"
     "A descriptor for select, selectors and event loops, the same at every call until this is closed. Readable when a call may\n"
     "be settled: then ask try_result of all calls, which makes it unreadable and arms it again. Do not read it.\n"
     "Errors: SHMBufferFullError (descriptors ran out), SHMConnectionError (closed, forked).\n"
     "Cost: the first call makes the descriptor, some system calls; later ones none.\n\n"
     ">>> import select\n"
     ">>> with DriveReplier() as server, DriveRequester() as client:\n"
     "...     _ = client.fileno()\n"
     "...     call = client.start(linear=0.5, timeout=60_000)\n"
     "...     server.recv(timeout=100).reply(ok=True)\n"
     "...     readable, _, _ = select.select([client], [], [], 1)\n"
     "...     [call.try_result().ok for _ in readable]\n"
     "[True]\n"},
};

PyType_Slot slots[] = {
    {Py_tp_repr, reinterpret_cast<void*>(ReprOf<RequesterHandle>)},
    {0, nullptr},
};

}  // namespace

void AddRequester(nb::module_& module) {
  nb::class_<RequesterHandle> requester(module, "Requester", nb::type_slots(slots), "The asking end of a channel.");
  requester
      .def("__init__", Open, nb::arg("channel"), nb::arg("name"), nb::arg("root"), nb::arg("domain"), nb::arg("max_size"),
           nb::arg("wait_for_replier"), nb::arg("spin").none(), nb::arg("max_in_flight"), nb::arg("verify").none())
      .def("close", CloseSender<RequesterHandle>,
           "Leaves the channel; calls under way are given up. A wait in another thread ends. Closing twice is allowed.")
      .def("counters", Counters, "(sent, received, timed_out, late, died, errors)")
      .def_prop_ro("channel", ChannelOf<RequesterHandle>, "Name of the channel. Error: SHMConnectionError where it was never opened.")
      .def_prop_ro("closed", [](const RequesterHandle& self) { return self.opened == nullptr; }, "Whether this end was closed.");
  for (PyMethodDef& method : methods) AddFastMethod(requester, method);
}

}  // namespace shmcomm::python
