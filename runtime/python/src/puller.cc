// SPDX-License-Identifier: Apache-2.0
#include "shmcomm/puller.h"

#include <nanobind/stl/string.h>

#include <utility>

#include "collected.h"
#include "endpoints.h"
#include "job.h"
#include "receiver.h"

namespace nb = nanobind;

namespace shmcomm::python {
namespace {

struct PullerEnd {
  using Endpoint = Puller;
  using Opened = python::Opened<Puller>;
  using Stats = PullerStats;
  using Message = shmcomm::Job;
  static constexpr const char* kName = "puller";
  static constexpr const char* kWanted = "job";
  static constexpr const char* kSender = "pusher";

  static PyObject* New(Opened& self, shmcomm::Job job) {
    const std::uint64_t bytes = job.size();
    PyObject* made = NewJob(self.name, self.process, self.sample_class, *self.type, std::move(job));
    if (made != nullptr) LogReceived(self, bytes);
    return made;
  }
  static void Refuse(shmcomm::Job job) { job.GiveBack().IgnoreError(); }
};

using PullerObject = Receiver<PullerEnd>;
using PullerHandle = PullerObject::Handle;

void Open(PullerHandle* self, nb::handle_t<DeclaredChannel> channel, std::string name, std::string root, std::string domain,
          nb::handle spin, nb::handle verify, nb::handle on_dead_letters) {
  auto options = CommonOptions<PullerOptions>(std::move(name), std::move(root), std::move(domain));
  const ChannelSpec& spec = *nb::inst_ptr<DeclaredChannel>(channel)->spec;
  ReadDuration(spin, &options.spin);
  options.verify = ReadVerify(verify);
  const NewsPtr news = NewsFor(on_dead_letters, "on_dead_letters");
  if (news != nullptr) options.on_dead_letters = news->Counter();
  PullerObject::Construct(self, OpenEndpoint<Puller>(spec, options), channel);
  self->opened->news = news;
}

nb::tuple Counters(const PullerHandle& self) {
  const PullerStats stats = self.stats();
  return nb::make_tuple(stats.received, stats.bytes, stats.expired, stats.incompatible, stats.corrupt, stats.dead_letters);
}

PyMethodDef methods[] = {
    {"recv", AsFunction(Logged<PullerObject::Receive>), METH_FASTCALL | METH_KEYWORDS,
     "recv($self, timeout=None)\n--\n\n"
     "The next job, which no other puller gets while this process lives, waited for up to `timeout`: an int of milliseconds, a\n"
     "timedelta, or None for ever. Other threads run meanwhile, and Ctrl-C ends the wait.\n"
     "Errors: SHMTimeoutError, SHMBufferFullError (max_borrowed jobs are not done), SHMCorruptionError,\n"
     "SHMSchemaMismatchError (once per pusher, whose jobs are then left to others), SHMConnectionError (closed, forked).\n"
     "Cost: nothing is copied; no system call where a job is there; otherwise the thread sleeps, after a short look.\n\n"
     ">>> with TilesPuller() as puller, TilesPusher() as pusher:\n"
     "...     pusher.push(id=7)\n"
     "...     with puller.recv(timeout=100) as job:\n"
     "...         job.id, job.attempt\n"
     "(7, 0)\n"},
    {"try_recv", Logged<PullerObject::TryReceive>, METH_NOARGS,
     "try_recv($self)\n--\n\nThe next job, None if there is none. Errors as recv.\n"
     "Never waits.\n"
     "Cost: nothing is copied; no system call (once fileno() was called, one that arms it again where nothing is there).\n\n"
     ">>> with TilesPuller() as puller:\n"
     "...     print(puller.try_recv())\n"
     "None\n"},
    {"poll", AsFunction(PullerObject::Poll), METH_FASTCALL | METH_KEYWORDS,
     "poll($self, timeout=0)\n--\n\n"
     "Whether there is a job, waited for up to `timeout` (as in recv); another puller may take it first.\n"
     "Errors: SHMCorruptionError, SHMConnectionError (closed, forked).\n"
     "Cost: nothing is copied; no system call where a job is there, one with 0 where none is.\n\n"
     ">>> with TilesPuller() as puller, TilesPusher() as pusher:\n"
     "...     puller.poll(), pusher.push(id=7), puller.poll(timeout=100)\n"
     "(False, None, True)\n"},
    {"fileno", PullerObject::Descriptor, METH_NOARGS,
     "fileno($self)\n--\n\n"
     "A descriptor for select, selectors and event loops, the same at every call until this is closed. It is readable when a\n"
     "job may be there, and every 100 ms without: then receive with try_recv until there is nothing, which makes it\n"
     "unreadable and arms it again. Do not read it. In asyncio, arecv does all that.\n"
     "Errors: SHMBufferFullError (descriptors ran out), SHMConnectionError (closed, forked).\n"
     "Cost: the first call makes the descriptor, some system calls; later ones none.\n\n"
     ">>> import select\n"
     ">>> with TilesPuller() as puller, TilesPusher() as pusher:\n"
     "...     _ = puller.fileno(), pusher.push(id=5)\n"
     "...     readable, _, _ = select.select([puller], [], [], 1)\n"
     "...     [end.try_recv().id for end in readable]\n"
     "[5]\n"},
};

PyType_Slot slots[] = {
    {Py_tp_repr, reinterpret_cast<void*>(ReprOf<PullerHandle>)},
    {Py_tp_traverse, reinterpret_cast<void*>(VisitCallback<PullerHandle>)},
    {Py_tp_clear, reinterpret_cast<void*>(DropCallback<PullerHandle>)},
    {Py_tp_iter, reinterpret_cast<void*>(PullerObject::Iterate)},
    {Py_tp_iternext, reinterpret_cast<void*>(PullerObject::Next)},
    {0, nullptr},
};

}  // namespace

void AddPuller(nb::module_& module) {
  nb::class_<PullerHandle> puller(module, "Puller", nb::type_slots(slots), "The end of a channel that takes jobs.");
  puller
      .def("__init__", Open, nb::arg("channel"), nb::arg("name"), nb::arg("root"), nb::arg("domain"),
           nb::arg("spin").none(), nb::arg("verify").none(), nb::arg("on_dead_letters").none())
      .def("close", PullerObject::Close,
           "Leaves the channel, once the jobs it has are done. A wait in another thread ends. Closing twice is allowed.")
      .def("counters", Counters, "(received, bytes, expired, incompatible, corrupt, dead_letters)")
      .def_prop_ro("channel", ChannelOf<PullerHandle>, "Name of the channel. Error: SHMConnectionError where it was never opened.")
      .def_prop_ro("closed", [](const PullerHandle& self) { return !self.opened.has_value(); }, "Whether this end was closed.");
  for (PyMethodDef& method : methods) AddFastMethod(puller, method);
}

}  // namespace shmcomm::python
