// SPDX-License-Identifier: Apache-2.0
#include "shmcomm/publisher.h"

#include <nanobind/stl/string.h>

#include <utility>

#include "collected.h"
#include "end_log.h"
#include "endpoints.h"
#include "sender_handle.h"

namespace nb = nanobind;

namespace shmcomm::python {
namespace {

/// Whether publishing waits for subscribers.
bool MayWait(const Qos& qos) { return qos.reliability == Reliability::kReliable && qos.on_full == OnFull::kBlock; }

struct OpenedPublisher final : SenderOver<Publisher> {
  using SenderOver::SenderOver;

  absl::StatusOr<bool> WaitForRoom(absl::Duration within) override { return endpoint.WaitForRoom(within); }
  absl::Status Give(shmcomm::Loan loan, absl::Duration within) override {
    Limit(within);
    return endpoint.Publish(std::move(loan));
  }
  absl::Status GiveStruct(shmcomm::Loan loan, absl::Duration within) override {
    Limit(within);
    return endpoint.PublishRaw(std::move(loan), Codec::kStruct);
  }
  absl::Status GiveCopy(const void* bytes, std::size_t size, Codec codec, absl::Duration within) override {
    Limit(within);
    return endpoint.PublishCopy(bytes, size, codec);
  }
  void Limit(absl::Duration within) {
    if (may_wait) endpoint.SetPublishTimeout(within);
  }
};

using PublisherHandle = SenderHandle<OpenedPublisher, PublisherStats>;

void Open(PublisherHandle* self, nb::handle_t<DeclaredChannel> channel, std::string name, std::string root,
          std::string domain, std::uint64_t max_size, nb::handle timeout, nb::handle demote_after, std::uint32_t max_loans,
          nb::handle on_deadline_missed) {
  const DeclaredChannel& declared = *nb::inst_ptr<DeclaredChannel>(channel);
  auto options = CommonOptions<PublisherOptions>(std::move(name), std::move(root), std::move(domain));
  options.max_size = max_size;
  options.max_loans = max_loans;
  if (!ParseTimeout(timeout.ptr(), &options.publish_timeout)) nb::raise_python_error();
  ReadDuration(demote_after, &options.demote_after);
  const NewsPtr news = NewsFor(on_deadline_missed, "on_deadline_missed");
  if (news != nullptr) options.on_deadline_missed = news->MissCounter();
  auto opened = std::make_shared<OpenedPublisher>(OpenEndpoint<Publisher>(*declared.spec, options));
  opened->may_wait = MayWait(declared.spec->qos);
  opened->news = news;
  Construct(self, std::move(opened), channel, options.publish_timeout);
}

/// send(message, /) or send(**fields).
PyObject* Send(PyObject* object, PyObject* const* arguments, Py_ssize_t given, PyObject* names) {
  if (!SendThrough<PublisherHandle>(object, "send", arguments, given, names)) return nullptr;
  TellNewsOf(*nb::inst_ptr<PublisherHandle>(object));
  return Py_NewRef(Py_True);
}

nb::tuple Counters(const PublisherHandle& self) {
  const PublisherStats stats = self.stats();
  return nb::make_tuple(stats.sent, stats.bytes, stats.errors, stats.deadlines_missed);
}

PyMethodDef send = {"send", AsFunction(Logged<Send>), METH_FASTCALL | METH_KEYWORDS,
                    "send($self, message=None, /, **fields)\n--\n\n"
                    "Publishes one message, given as an instance, a dict, or keywords; built directly in shared memory.\n"
                    "Waits for subscribers on a reliable channel only, as long as the publisher's timeout. Returns True.\n"
                    "Errors: SHMSerializationError, SHMMessageTooLargeError, SHMBufferFullError, SHMConnectionError.\n"
     "A small message costs about a microsecond; what is given is copied once.\n"
     "Cost: values are copied once, to where subscribers read them; a system call only to wake who sleeps, or for memory on first use.\n\n"
     ">>> with ImuSubscriber() as sub, ImuPublisher() as pub:\n"
     "...     pub.send(stamp_ns=1, accel=(0.0, 0.0, 9.75))\n"
     "...     pub.send({\"stamp_ns\": 2, \"accel\": Vec3(z=9.75)})\n"
     "...     [sub.recv(timeout=100).accel.z for _ in range(2)]\n"
     "True\n"
     "True\n"
     "[9.75, 9.75]\n"};

PyMethodDef loan = {"loan", AsFunction(Logged<Lend<PublisherHandle>>), METH_FASTCALL | METH_KEYWORDS,
                    "loan($self, /, **fields)\n--\n\n"
                    "A message to be written in shared memory: published when its `with` block ends, abandoned where that raises.\n"
                    "A vector of numbers or structs is given as its shape, an int or a tuple, and is then a writable NumPy array;\n"
                    "other fields are given as in send; scalars and structs can also be set in the block. Never waits.\n"
                    "Errors: SHMSerializationError, SHMMessageTooLargeError, SHMBufferFullError, SHMConnectionError.\n"
     "Cost: strings, tables and arrays that are given are copied; nothing on leaving. System calls as send.\n\n"
     ">>> with CameraSubscriber() as sub, CameraPublisher() as pub:\n"
     "...     with pub.loan(data=(2, 4, 3)) as image:\n"
     "...         image.data[:] = 7\n"
     "...         image.width, image.height = 4, 2\n"
     "...     received = sub.recv(timeout=100)\n"
     "...     received.width, received.data.size, int(received.data.sum())\n"
     "(4, 24, 168)\n"};

PyType_Slot slots[] = {
    {Py_tp_repr, reinterpret_cast<void*>(ReprOf<PublisherHandle>)},
    {Py_tp_traverse, reinterpret_cast<void*>(VisitCallback<PublisherHandle>)},
    {Py_tp_clear, reinterpret_cast<void*>(DropCallback<PublisherHandle>)},
    {0, nullptr},
};

}  // namespace

void AddPublisher(nb::module_& module) {
  nb::class_<PublisherHandle> publisher(module, "Publisher", nb::type_slots(slots), "The sending end of a channel.");
  publisher
      .def("__init__", Open, nb::arg("channel"), nb::arg("name"), nb::arg("root"), nb::arg("domain"), nb::arg("max_size"),
           nb::arg("timeout").none(), nb::arg("demote_after").none(), nb::arg("max_loans"),
           nb::arg("on_deadline_missed").none())
      .def("close", CloseSender<PublisherHandle>, "Leaves the channel; a wait in another thread ends. Closing twice is allowed.")
      .def("counters", Counters, "(sent, bytes, errors, deadlines_missed)")
      .def_prop_ro("channel", ChannelOf<PublisherHandle>, "Name of the channel. Error: SHMConnectionError where it was never opened.")
      .def_prop_ro("closed", [](const PublisherHandle& self) { return self.opened == nullptr; }, "Whether this end was closed.");
  AddFastMethod(publisher, send);
  AddFastMethod(publisher, loan);
}

}  // namespace shmcomm::python
