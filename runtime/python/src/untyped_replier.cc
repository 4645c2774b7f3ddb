// SPDX-License-Identifier: Apache-2.0
// The answering end of a channel without a schema.
#include "shmcomm/replier.h"

#include <nanobind/stl/string.h>

#include <array>
#include <optional>
#include <utility>

#include "arguments.h"
#include "end_log.h"
#include "endpoints.h"
#include "receiver.h"
#include "untyped_options.h"
#include "untyped_request.h"

namespace nb = nanobind;

namespace shmcomm::python {
namespace {

using Views = DecodeRules::Views;

/// Named apart from what replier.cc has: nanobind tells types apart by their names.
struct UntypedReplierEnd {
  using Endpoint = Replier;
  using Opened = UntypedReplier;
  using Stats = ReplierStats;
  using Message = shmcomm::Request;
  static constexpr const char* kName = "replier";
  static constexpr const char* kWanted = "request";
  static constexpr const char* kSender = "requester";

  static PyObject* New(UntypedReplier& self, shmcomm::Request request) { return NewUntypedRequest(self, std::move(request)); }
  static void Refuse(shmcomm::Request) {}  // its caller is told
};

using ReplierObject = Receiver<UntypedReplierEnd>;
using ReplierHandle = ReplierObject::Handle;

void Open(ReplierHandle* self, std::string name, std::string root, std::string domain, const nb::dict& chosen,
          nb::handle max_size, nb::handle serializer, nb::handle allow_pickle, nb::handle spin) {
  const UntypedChannel channel = ReadUntypedChannel(Pattern::kReqRep, chosen);
  auto options = CommonOptions<ReplierOptions>(std::move(name), std::move(root), std::move(domain));
  options.adopted = channel.adopted;
  options.max_reply_size = max_size.is_none() ? kUntypedMaxSize : nb::cast<std::uint64_t>(max_size);
  Serializer own_serializer;
  const bool is_valid = ParseSerializer(serializer.ptr(), {}, &own_serializer) &&
                        (spin.is_none() || ParseTimeout(spin.ptr(), &options.spin));
  if (!is_valid) nb::raise_python_error();
  Replier replier = OpenEndpoint<Replier>(channel.spec, options);
  new (self) ReplierHandle{};
  self->name = replier.channel();
  std::optional<bool> may_unpickle;
  if (!allow_pickle.is_none()) may_unpickle = nb::cast<bool>(allow_pickle);
  Opened<Replier> end{std::move(replier), self->name, nb::object(), nullptr, nullptr, ProcessNumber()};
  self->opened.emplace(UntypedReplier{std::move(end), options.max_reply_size, own_serializer, may_unpickle, Views::kPrivate});
}

/// False with an exception set: what is taken next is decoded as `copy` says.
bool ChooseViews(PyObject* object, PyObject* copy) {
  Views views = Views::kPrivate;
  if (!ParseCopy(copy, Views::kPrivate, &views)) return false;
  UntypedReplier* self = ReplierObject::Usable(object);
  if (self != nullptr) self->views = views;
  return self != nullptr;
}

/// take(timeout=None, *, copy=False)
PyObject* Take(PyObject* object, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  static constexpr Parameters<2> kParameters = {"take", {"timeout", "copy"}, 1};
  std::array<PyObject*, 2> values;
  absl::Duration timeout = absl::InfiniteDuration();
  if (!PlaceArguments(kParameters, given, count, keywords, &values) || !ParseTimeout(values[0], &timeout)) return nullptr;
  return LogFailure(ChooseViews(object, values[1]) ? ReplierObject::Take(object, timeout) : nullptr);
}

/// try_take(*, copy=False)
PyObject* TryTake(PyObject* object, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  static constexpr Parameters<1> kParameters = {"try_take", {"copy"}, 0};
  std::array<PyObject*, 1> values;
  if (!PlaceArguments(kParameters, given, count, keywords, &values)) return nullptr;
  return LogFailure(ChooseViews(object, values[0]) ? ReplierObject::TryReceive(object, nullptr) : nullptr);
}

nb::tuple Counters(const ReplierHandle& self) {
  const ReplierStats stats = self.stats();
  return nb::make_tuple(stats.received, stats.replied, stats.late, stats.refused, stats.errors);
}

PyMethodDef methods[] = {
    {"take", AsFunction(Take), METH_FASTCALL | METH_KEYWORDS,
     "take($self, timeout=None, *, copy=False)\n--\n\n"
     "The next request as an object of its own, with `body`, `reply(message)` and `fail(message)`, waited for up to `timeout`: an\n"
     "int of milliseconds, a timedelta, or None for ever. No other replier gets it. Six may be open at once, answered in any\n"
     "order; one that is dropped is answered with an error.\n\n"
     "Its body arrives as Puller.recv gives jobs; with `copy` arrays are writable and bytes are bytes. Other threads run while\n"
     "it waits; Ctrl-C ends the wait.\n\n"
     "Errors: SHMTimeoutError, SHMBufferFullError (six requests are open), SHMSerializationError and SHMCorruptionError (it\n"
     "cannot be decoded here, and its caller has been told), SHMConnectionError (closed, forked).\n"
     "Cost: the request is copied; no system call where one is there; otherwise the thread sleeps, after a short look.\n\n"
     ">>> with Requester(\"doc/take\") as client, Replier(\"doc/take\") as server:\n"
     "...     calls = [client.start(word) for word in (\"one\", \"two\")]\n"
     "...     requests = [server.take(timeout=100) for _ in calls]\n"
     "...     for request in reversed(requests):\n"
     "...         request.reply(request.body.upper())\n"
     "...     [call.result(timeout=100) for call in calls]\n"
     "['ONE', 'TWO']\n"},
    {"try_take", AsFunction(TryTake), METH_FASTCALL | METH_KEYWORDS,
     "try_take($self, *, copy=False)\n--\n\nThe next request as take gives it, None if there is none. Never waits. Errors as take.\n"
     "Cost: the request is copied; no system call (once fileno() was called, one that arms it again where nothing is there).\n\n"
     ">>> with Replier(\"doc/try_take\") as server:\n"
     "...     print(server.try_take())\n"
     "None\n"},
    {"poll", AsFunction(ReplierObject::Poll), METH_FASTCALL | METH_KEYWORDS,
     "poll($self, timeout=0)\n--\n\n"
     "Whether there is a request, waited for up to `timeout` (as in take; 0 does not wait); another replier may take it first.\n"
     "Cost: nothing is copied; no system call where a request is there, one with 0 where none is.\n\n"
     ">>> with Replier(\"doc/poll_requests\") as server:\n"
     "...     server.poll(timeout=1)\n"
     "False\n"},
    {"fileno", ReplierObject::Descriptor, METH_NOARGS,
     "fileno($self)\n--\n\n"
     "A descriptor for select, selectors and event loops. As Subscriber.fileno.\n"
     "Cost: the first call makes the descriptor, some system calls; later ones none.\n\n"
     ">>> import select\n"
     ">>> with Replier(\"doc/serve_fileno\") as server, Requester(\"doc/serve_fileno\") as client:\n"
     "...     _ = server.fileno(), client.send(\"work\")\n"
     "...     readable, _, _ = select.select([server], [], [], 1)\n"
     "...     [end.try_recv() for end in readable]\n"
     "['work']\n"},
};

PyType_Slot slots[] = {
    {Py_tp_repr, reinterpret_cast<void*>(ReprOf<ReplierHandle>)},
    {0, nullptr},
};

}  // namespace

void AddUntypedReplier(nb::module_& module) {
  nb::class_<ReplierHandle> replier(module, "UntypedReplier", nb::type_slots(slots),
                                    "The answering end of a channel without a schema.");
  replier
      .def("__init__", Open, nb::arg("name"), nb::arg("root"), nb::arg("domain"), nb::arg("options"), nb::arg("max_size").none(),
           nb::arg("serializer").none(), nb::arg("allow_pickle").none(), nb::arg("spin").none())
      .def("close", ReplierObject::Close,
           "Leaves the channel, once its open requests are answered. A wait in another thread ends. Closing twice is allowed.")
      .def("counters", Counters, "(received, replied, late, refused, errors)")
      .def_prop_ro("channel", ChannelOf<ReplierHandle>, "Name of the channel. Error: SHMConnectionError where it was never opened.")
      .def_prop_ro("closed", [](const ReplierHandle& self) { return !self.opened.has_value(); }, "Whether this end was closed.");
  for (PyMethodDef& method : methods) AddFastMethod(replier, method);
}

}  // namespace shmcomm::python
