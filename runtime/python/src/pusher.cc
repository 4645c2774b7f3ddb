// SPDX-License-Identifier: Apache-2.0
#include "shmcomm/pusher.h"

#include <nanobind/stl/string.h>

#include <utility>

#include "collected.h"
#include "end_log.h"
#include "endpoints.h"
#include "sender_handle.h"

namespace nb = nanobind;

namespace shmcomm::python {
namespace {

struct OpenedPusher final : SenderOver<Pusher> {
  using SenderOver::SenderOver;

  absl::StatusOr<bool> WaitForRoom(absl::Duration within) override { return endpoint.WaitForRoom(within); }
  absl::Status Give(shmcomm::Loan loan, absl::Duration within) override { return endpoint.Push(std::move(loan), within); }
  absl::Status GiveStruct(shmcomm::Loan loan, absl::Duration within) override {
    return endpoint.PushRaw(std::move(loan), Codec::kStruct, within);
  }
  absl::Status GiveCopy(const void* bytes, std::size_t size, Codec codec, absl::Duration within) override {
    return endpoint.PushCopy(bytes, size, codec, within);
  }
};

using PusherHandle = SenderHandle<OpenedPusher, PusherStats>;

void Open(PusherHandle* self, nb::handle_t<DeclaredChannel> channel, std::string name, std::string root, std::string domain,
          std::uint64_t max_size, nb::handle timeout, std::uint32_t max_loans, nb::handle on_dead_letters) {
  const DeclaredChannel& declared = *nb::inst_ptr<DeclaredChannel>(channel);
  auto options = CommonOptions<PusherOptions>(std::move(name), std::move(root), std::move(domain));
  options.max_size = max_size;
  options.max_loans = max_loans;
  const NewsPtr news = NewsFor(on_dead_letters, "on_dead_letters");
  if (news != nullptr) options.on_dead_letters = news->Counter();
  absl::Duration within;
  if (!ParseTimeout(timeout.ptr(), &within)) nb::raise_python_error();
  auto opened = std::make_shared<OpenedPusher>(OpenEndpoint<Pusher>(*declared.spec, options));
  opened->may_wait = declared.spec->qos.on_full == OnFull::kBlock;
  opened->takes_timeout = true;
  opened->news = news;
  Construct(self, std::move(opened), channel, within);
}

/// push(message, /, *, timeout) or push(*, timeout, **fields).
PyObject* Push(PyObject* object, PyObject* const* arguments, Py_ssize_t given, PyObject* names) {
  if (!SendThrough<PusherHandle>(object, "push", arguments, given, names)) return nullptr;
  TellNewsOf(*nb::inst_ptr<PusherHandle>(object));
  return Py_NewRef(Py_None);
}

nb::tuple Counters(const PusherHandle& self) {
  const PusherStats stats = self.stats();
  return nb::make_tuple(stats.sent, stats.bytes, stats.errors, stats.dead_letters);
}

PyMethodDef methods[] = {
    {"push", AsFunction(Logged<Push>), METH_FASTCALL | METH_KEYWORDS,
     "push($self, message=None, /, *, timeout=None, **fields)\n--\n\n"
     "Gives out one job, as an instance, a dict, or keywords; built directly in shared memory. Waits up to `timeout` for room\n"
     "(an int of milliseconds, a timedelta, None for ever; the pusher's own if not given) while the ring is full of jobs that\n"
     "are not done; where the channel says on_full: fail it never waits. Other threads run meanwhile, and Ctrl-C ends the wait.\n"
     "Errors: SHMBufferFullError (the ring stayed full; the job was not given out), SHMSerializationError,\n"
     "SHMMessageTooLargeError, SHMConnectionError (closed, forked).\n"
     "Cost: values are copied once, to where a puller reads them; a system call only to wake who sleeps, or to sleep for room.\n\n"
     ">>> with TilesPuller() as puller, TilesPusher() as pusher:\n"
     "...     pusher.push(id=7, tile=b\"abc\", timeout=1000)\n"
     "...     with puller.recv(timeout=100) as job:\n"
     "...         job.id, bytes(job.tile)\n"
     "(7, b'abc')\n"},
    {"loan", AsFunction(Logged<Lend<PusherHandle>>), METH_FASTCALL | METH_KEYWORDS,
     "loan($self, /, **fields)\n--\n\n"
     "A job to be written in shared memory: given out when its `with` block ends, abandoned where that raises. Fields are given\n"
     "as in Publisher.loan. Waits for room at the end of the block only, as long as the pusher's timeout.\n"
     "Errors: as push.\n"
     "Cost: strings, tables and arrays that are given are copied; nothing on leaving. System calls as push.\n\n"
     ">>> with TilesPuller() as puller, TilesPusher() as pusher:\n"
     "...     with pusher.loan(id=7, tile=3) as job:\n"
     "...         job.tile[:] = 1, 2, 3\n"
     "...     puller.recv(timeout=100).tile.tolist()\n"
     "[1, 2, 3]\n"},
};

PyType_Slot slots[] = {
    {Py_tp_repr, reinterpret_cast<void*>(ReprOf<PusherHandle>)},
    {Py_tp_traverse, reinterpret_cast<void*>(VisitCallback<PusherHandle>)},
    {Py_tp_clear, reinterpret_cast<void*>(DropCallback<PusherHandle>)},
    {0, nullptr},
};

}  // namespace

void AddPusher(nb::module_& module) {
  nb::class_<PusherHandle> pusher(module, "Pusher", nb::type_slots(slots), "The end of a channel that gives out jobs.");
  pusher
      .def("__init__", Open, nb::arg("channel"), nb::arg("name"), nb::arg("root"), nb::arg("domain"), nb::arg("max_size"),
           nb::arg("timeout").none(), nb::arg("max_loans"), nb::arg("on_dead_letters").none())
      .def("close", CloseSender<PusherHandle>,
           "Leaves the channel; its jobs stay while anybody is attached. A wait in another thread ends. Closing twice is allowed.")
      .def("counters", Counters, "(sent, bytes, errors, dead_letters)")
      .def_prop_ro("channel", ChannelOf<PusherHandle>, "Name of the channel. Error: SHMConnectionError where it was never opened.")
      .def_prop_ro("closed", [](const PusherHandle& self) { return self.opened == nullptr; }, "Whether this end was closed.");
  for (PyMethodDef& method : methods) AddFastMethod(pusher, method);
}

}  // namespace shmcomm::python
