// SPDX-License-Identifier: Apache-2.0
#include "shmcomm/replier.h"

#include <nanobind/stl/string.h>

#include <utility>

#include "endpoints.h"
#include "receiver.h"
#include "request.h"

namespace nb = nanobind;

namespace shmcomm::python {
namespace {

struct ReplierEnd {
  using Endpoint = Replier;
  using Opened = python::Opened<Replier>;
  using Stats = ReplierStats;
  using Message = shmcomm::Request;
  static constexpr const char* kName = "replier";
  static constexpr const char* kWanted = "request";
  static constexpr const char* kSender = "requester";

  static PyObject* New(Opened& self, shmcomm::Request request) {
    const std::uint64_t bytes = request.size();
    PyObject* made = NewRequest(self, std::move(request));
    if (made != nullptr) LogReceived(self, bytes);
    return made;
  }
  static void Refuse(shmcomm::Request) {}  // its caller is told
};

using ReplierObject = Receiver<ReplierEnd>;
using ReplierHandle = ReplierObject::Handle;

void Open(ReplierHandle* self, nb::handle_t<DeclaredChannel> channel, std::string name, std::string root, std::string domain,
          std::uint64_t max_reply_size, nb::handle spin, nb::handle verify) {
  auto options = CommonOptions<ReplierOptions>(std::move(name), std::move(root), std::move(domain));
  options.max_reply_size = max_reply_size;
  ReadDuration(spin, &options.spin);
  options.verify = ReadVerify(verify);
  const ChannelSpec& spec = *nb::inst_ptr<DeclaredChannel>(channel)->spec;
  ReplierObject::Construct(self, OpenEndpoint<Replier>(spec, options), channel);
}

nb::tuple Counters(const ReplierHandle& self) {
  const ReplierStats stats = self.stats();
  return nb::make_tuple(stats.received, stats.replied, stats.late, stats.refused, stats.errors);
}

PyMethodDef methods[] = {
    {"recv", AsFunction(Logged<ReplierObject::Receive>), METH_FASTCALL | METH_KEYWORDS,
     "recv($self, timeout=None)\n--\n\n"
     "The next request, which no other replier gets, waited for up to `timeout`: an int of milliseconds, a timedelta, or None for\n"
     "ever. It is a copy, and is to be answered by its reply(...) or fail(...). Other threads run meanwhile, and Ctrl-C ends the\n"
     "wait.\n"
     "Errors: SHMTimeoutError, SHMBufferFullError (max_borrowed requests are not answered), SHMCorruptionError (its caller has\n"
     "been told), SHMConnectionError (closed, forked).\n"
     "Cost: the request is copied; no system call where one is there; otherwise the thread sleeps, after a short look.\n\n"
     ">>> with DriveReplier() as server, DriveRequester() as client:\n"
     "...     call = client.start(linear=0.5, timeout=60_000)\n"
     "...     request = server.recv(timeout=100)\n"
     "...     request.linear, request.reply(ok=True), call.result(timeout=100).ok\n"
     "(0.5, None, True)\n"},
    {"try_recv", Logged<ReplierObject::TryReceive>, METH_NOARGS,
     "try_recv($self)\n--\n\nThe next request, None if there is none. Errors as recv.\n"
     "Never waits.\n"
     "Cost: the request is copied; no system call (once fileno() was called, one that arms it again where nothing is there).\n\n"
     ">>> with DriveReplier() as server:\n"
     "...     print(server.try_recv())\n"
     "None\n"},
    {"poll", AsFunction(ReplierObject::Poll), METH_FASTCALL | METH_KEYWORDS,
     "poll($self, timeout=0)\n--\n\n"
     "Whether there is a request, waited for up to `timeout` (as in recv); another replier may take it first.\n"
     "Errors: SHMCorruptionError, SHMConnectionError (closed, forked).\n"
     "Cost: nothing is copied; no system call where a request is there, one with 0 where none is.\n\n"
     ">>> with DriveReplier() as server, DriveRequester() as client:\n"
     "...     call = client.start(linear=0.5, timeout=60_000)\n"
     "...     server.poll(timeout=100)\n"
     "True\n"},
    {"fileno", ReplierObject::Descriptor, METH_NOARGS,
     "fileno($self)\n--\n\n"
     "A descriptor for select, selectors and event loops, the same at every call until this is closed. Readable when something\n"
     "may be there, and now and then without: then receive with try_recv until there is nothing, which makes it unreadable\n"
     "and arms it again. Do not read it.\n"
     "Errors: SHMBufferFullError (descriptors ran out), SHMConnectionError (closed, forked).\n"
     "Cost: the first call makes the descriptor, some system calls; later ones none.\n\n"
     ">>> import select\n"
     ">>> with DriveReplier() as server, DriveRequester() as client:\n"
     "...     _ = server.fileno()\n"
     "...     call = client.start(linear=0.5, timeout=60_000)\n"
     "...     readable, _, _ = select.select([server], [], [], 1)\n"
     "...     [end.try_recv().linear for end in readable]\n"
     "[0.5]\n"},
};

PyType_Slot slots[] = {
    {Py_tp_repr, reinterpret_cast<void*>(ReprOf<ReplierHandle>)},
    {Py_tp_iter, reinterpret_cast<void*>(ReplierObject::Iterate)},
    {Py_tp_iternext, reinterpret_cast<void*>(ReplierObject::Next)},
    {0, nullptr},
};

}  // namespace

void AddReplier(nb::module_& module) {
  nb::class_<ReplierHandle> replier(module, "Replier", nb::type_slots(slots), "The answering end of a channel.");
  replier
      .def("__init__", Open, nb::arg("channel"), nb::arg("name"), nb::arg("root"), nb::arg("domain"),
           nb::arg("max_reply_size"), nb::arg("spin").none(), nb::arg("verify").none())
      .def("close", ReplierObject::Close,
           "Leaves the channel, once its open requests are answered. A wait in another thread ends. Closing twice is allowed.")
      .def("counters", Counters, "(received, replied, late, refused, errors)")
      .def_prop_ro("channel", ChannelOf<ReplierHandle>, "Name of the channel. Error: SHMConnectionError where it was never opened.")
      .def_prop_ro("closed", [](const ReplierHandle& self) { return !self.opened.has_value(); }, "Whether this end was closed.");
  for (PyMethodDef& method : methods) AddFastMethod(replier, method);
}

}  // namespace shmcomm::python
