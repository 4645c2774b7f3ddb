// SPDX-License-Identifier: Apache-2.0
// The asking end of a channel without a schema: it sends any object and gives out calls, which bring any object back.
#include "shmcomm/requester.h"

#include <nanobind/stl/string.h>

#include <array>
#include <optional>
#include <utility>

#include "arguments.h"
#include "call.h"
#include "call_room.h"
#include "end_log.h"
#include "endpoints.h"
#include "sender_handle.h"
#include "untyped_call.h"
#include "untyped_options.h"
#include "untyped_write.h"

namespace nb = nanobind;

namespace shmcomm::python {
namespace {

using RequesterHandle = SenderHandle<UntypedRequester, RequesterStats>;

void Open(RequesterHandle* self, std::string name, std::string root, std::string domain, const nb::dict& chosen,
          nb::handle max_size, nb::handle timeout, nb::handle serializer, nb::handle allow_pickle, nb::handle spin,
          bool wait_for_replier) {
  const UntypedChannel channel = ReadUntypedChannel(Pattern::kReqRep, chosen);
  auto options = CommonOptions<RequesterOptions>(std::move(name), std::move(root), std::move(domain));
  options.adopted = channel.adopted;
  options.max_size = max_size.is_none() ? kUntypedMaxSize : nb::cast<std::uint64_t>(max_size);
  options.publish_timeout = absl::ZeroDuration();  // waited for here, where Ctrl-C is seen
  options.wait_for_replier = wait_for_replier;
  absl::Duration own;
  Serializer own_serializer;
  const bool is_valid = ParseTimeout(timeout.ptr(), &own) && ParseSerializer(serializer.ptr(), {}, &own_serializer) &&
                        (spin.is_none() || ParseTimeout(spin.ptr(), &options.spin));
  if (!is_valid) nb::raise_python_error();
  auto opened = std::make_shared<UntypedRequester>(OpenEndpoint<Requester>(channel.spec, options));
  opened->may_wait = true;
  opened->timeout = own;
  opened->max_size = options.max_size;
  opened->serializer = own_serializer;
  if (!allow_pickle.is_none()) opened->allow_pickle = nb::cast<bool>(allow_pickle);
  const std::string used_name = opened->name;
  new (self) RequesterHandle{std::move(opened), used_name, {}};
}

/// Where a request is written to.
struct Outlet {
  absl::Status GiveCopy(const void* data, std::size_t bytes, Codec codec) {
    return self.GiveCopy(data, bytes, codec, absl::ZeroDuration());
  }
  absl::StatusOr<shmcomm::Loan> Lend() { return self.Lend(); }
  absl::Status GiveRaw(shmcomm::Loan loan, Codec codec) {
    return self.Keep(self.endpoint.SendRaw(std::move(loan), codec, self.Left()));
  }

  UntypedRequester& self;
};

/// False with an exception set.
bool SendObject(UntypedRequester& self, PyObject* message, absl::Duration timeout, const Serializer& serializer) {
  Encoded encoded;
  if (!encoded.Encode(self.name, message, serializer) || !CheckFits(self.name, encoded.bytes(), self.max_size, "requester")) {
    ++self.refused;
    return false;
  }
  const bool is_sent = self.Begin(timeout) && Deliver(self, timeout, [&] { return WriteMessage(Outlet{self}, encoded); });
  if (is_sent && is_debugging) LogMessage("sent", self.name, NameOf(encoded.codec()), encoded.bytes());
  return is_sent;
}

/// What call and start take: (message, /, *, timeout, serializer), and call alone copy.
struct Asked {
  PyObject* message = nullptr;
  absl::Duration timeout;
  Serializer serializer;
  DecodeRules::Views views = DecodeRules::Views::kShared;
};

/// False with an exception set.
template <std::size_t kCount>
bool ParseAsked(const UntypedRequester& self, const Parameters<kCount>& parameters, PyObject* const* given, Py_ssize_t count,
                PyObject* keywords, Asked* asked) {
  std::array<PyObject*, kCount> values;
  if (!PlaceArguments(parameters, given, count, keywords, &values)) return false;
  asked->message = values[0];
  asked->timeout = self.timeout;
  asked->serializer = self.serializer;
  if (values[1] != nullptr && !ParseTimeout(values[1], &asked->timeout)) return false;
  if (values[2] != nullptr && !ParseSerializer(values[2], self.serializer, &asked->serializer)) return false;
  if constexpr (kCount > 3) {
    if (!ParseCopy(values[3], DecodeRules::Views::kShared, &asked->views)) return false;
  }
  if (asked->message != nullptr) return true;
  PyErr_Format(PyExc_TypeError, "%s takes the message to send", parameters.method);
  return false;
}

/// Sends a request, and hands its call to `then(requester, call, asked)`. Null with an exception set.
template <std::size_t kCount, class Then>
PyObject* Ask(PyObject* object, const Parameters<kCount>& parameters, PyObject* const* given, Py_ssize_t count,
              PyObject* keywords, Then&& then) {
  RequesterHandle* handle = OpenHandle<RequesterHandle>(object, "requester");
  if (handle == nullptr || !CheckFree(*handle->opened)) return nullptr;
  const std::shared_ptr<UntypedRequester> self = handle->opened;  // another thread may close the handle while this one waits
  Asked asked;
  if (!ParseAsked(*self, parameters, given, count, keywords, &asked)) return nullptr;
  const InUse mark(self->in_use);
  if (!SendObject(*self, asked.message, asked.timeout, asked.serializer)) return LogFailure(nullptr);
  return LogFailure(then(self, self->call, asked));
}

PyObject* Call(PyObject* object, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  static constexpr Parameters<4> kParameters = {"call", {"message", "timeout", "serializer", "copy"}, 1};
  return Ask(object, kParameters, given, count, keywords,
             [](const std::shared_ptr<UntypedRequester>& self, CallId call, const Asked& asked) {
               bool is_over = false;
               self->views = asked.views;
               PyObject* reply = AwaitReply(*self, call, absl::InfiniteDuration(), &is_over);
               if (!is_over) self->endpoint.Forget(call);
               return reply;
             });
}

PyObject* Start(PyObject* object, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  static constexpr Parameters<3> kParameters = {"start", {"message", "timeout", "serializer"}, 1};
  return Ask(object, kParameters, given, count, keywords,
             [](const std::shared_ptr<UntypedRequester>& self, CallId call, const Asked&) { return NewUntypedCall(self, call); });
}

PyObject* Descriptor(PyObject* object, PyObject*) {
  RequesterHandle* handle = OpenHandle<RequesterHandle>(object, "requester");
  if (handle == nullptr || !CheckFree(*handle->opened)) return nullptr;
  const absl::StatusOr<int> descriptor = handle->opened->endpoint.fd();
  if (descriptor.ok()) return PyLong_FromLong(*descriptor);
  SetUseError(descriptor.status(), handle->opened->process);
  return LogFailure(nullptr);
}

nb::tuple Counters(const RequesterHandle& self) {
  const RequesterStats stats = self.stats();
  return nb::make_tuple(stats.sent, stats.received, stats.timed_out, stats.late, stats.died, stats.errors);
}

PyMethodDef methods[] = {
    {"call", AsFunction(Call), METH_FASTCALL | METH_KEYWORDS,
     "call($self, message, /, *, timeout=None, serializer=None, copy=False)\n--\n\n"
     "Sends a request, encoded as Publisher.send does, and waits for its reply, which arrives as Subscriber.recv gives messages.\n\n"
     "`timeout` is an int of milliseconds, a timedelta, or None for ever; the requester's own if not given. Other threads run\n"
     "meanwhile, and Ctrl-C ends the wait and gives the call up. A call of a few bytes takes some microseconds and the time of\n"
     "two switches between processes.\n\n"
     "Errors: SHMTimeoutError and SHMPeerDiedError, whose maybe_executed tells what may have been done; SHMReplyError (what the\n"
     "replier answered instead, a handler's exception among others); SHMBufferFullError (16 calls are under way, the channel\n"
     "stayed full, or six replies are borrowed); SHMSerializationError, SHMMessageTooLargeError, SHMCorruptionError,\n"
     "SHMConnectionError (closed, forked).\n"
     "Cost: request and reply are copied or looked at as Publisher.send and Subscriber.recv do; the thread sleeps for the reply, after\n"
     "a short look.\n\n"
     ">>> with Requester(\"doc/call\") as client, Replier(\"doc/call\") as server:\n"
     "...     from threading import Thread\n"
     "...     _ = Thread(target=server.serve, args=[lambda number: number + 1], daemon=True).start()\n"
     "...     client.call(41, timeout=60_000)\n"
     "42\n"},
    {"start", AsFunction(Start), METH_FASTCALL | METH_KEYWORDS,
     "start($self, message, /, *, timeout=None, serializer=None)\n--\n\n"
     "Sends a request and returns the call, whose result(timeout) is the reply. Up to 16 may be under way at once; one that is\n"
     "dropped is given up. `timeout` is that of the whole call. Errors: of sending, as call.\n"
     "Cost: what is sent is encoded and copied once, into shared memory; a system call only to wake who sleeps, or for memory on first use.\n\n"
     ">>> with Requester(\"doc/start\") as client, Replier(\"doc/start\") as server:\n"
     "...     calls = [client.start(number) for number in range(3)]\n"
     "...     for _ in calls:\n"
     "...         _ = server.send(10 * server.recv(timeout=100))\n"
     "...     [call.result(timeout=100) for call in calls]\n"
     "[0, 10, 20]\n"},
    {"_has_room", HasRoom<RequesterHandle>, METH_NOARGS, kHasRoomDoc},
    {"_own_timeout", OwnTimeout<RequesterHandle>, METH_NOARGS, kOwnTimeoutDoc},
    {"fileno", Descriptor, METH_NOARGS,
     "fileno($self)\n--\n\n"
     "A descriptor for select, selectors and event loops, the same at every call until this is closed. Readable when a call may\n"
     "be settled: then ask try_recv, or try_result of all calls, which makes it unreadable and arms it again. Do not read it.\n"
     "Errors: SHMBufferFullError (descriptors ran out), SHMConnectionError (closed, forked).\n"
     "Cost: the first call makes the descriptor, some system calls; later ones none.\n\n"
     ">>> import select\n"
     ">>> with Requester(\"doc/call_fileno\") as client, Replier(\"doc/call_fileno\") as server:\n"
     "...     _ = client.fileno(), client.send(\"work\"), server.recv(timeout=100), server.send(\"done\")\n"
     "...     readable, _, _ = select.select([client], [], [], 1)\n"
     "...     [end.try_recv() for end in readable]\n"
     "['done']\n"},
};

PyType_Slot slots[] = {
    {Py_tp_repr, reinterpret_cast<void*>(ReprOf<RequesterHandle>)},
    {0, nullptr},
};

}  // namespace

void AddUntypedRequester(nb::module_& module) {
  nb::class_<RequesterHandle> requester(module, "UntypedRequester", nb::type_slots(slots),
                                        "The asking end of a channel without a schema.");
  requester
      .def("__init__", Open, nb::arg("name"), nb::arg("root"), nb::arg("domain"), nb::arg("options"), nb::arg("max_size").none(),
           nb::arg("timeout").none(), nb::arg("serializer").none(), nb::arg("allow_pickle").none(), nb::arg("spin").none(),
           nb::arg("wait_for_replier"))
      .def("close", CloseSender<RequesterHandle>,
           "Leaves the channel; calls under way are given up. A wait in another thread ends. Closing twice is allowed.")
      .def("counters", Counters, "(sent, received, timed_out, late, died, errors)")
      .def_prop_ro("channel", ChannelOf<RequesterHandle>, "Name of the channel. Error: SHMConnectionError where it was never opened.")
      .def_prop_ro("closed", [](const RequesterHandle& self) { return self.opened == nullptr; }, "Whether this end was closed.");
  for (PyMethodDef& method : methods) AddFastMethod(requester, method);
}

}  // namespace shmcomm::python
