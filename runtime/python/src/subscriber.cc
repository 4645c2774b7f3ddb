// SPDX-License-Identifier: Apache-2.0
#include "shmcomm/subscriber.h"

#include <nanobind/stl/string.h>

#include <memory>
#include <string>
#include <utility>

#include "collected.h"
#include "endpoints.h"
#include "receiver.h"
#include "sample.h"
#include "taken_log.h"

namespace nb = nanobind;

namespace shmcomm::python {
namespace {

struct OpenedSubscriber : Opened<Subscriber> {
  std::shared_ptr<SubscriberWarnings> warnings = std::make_shared<SubscriberWarnings>();
};

struct SubscriberEnd {
  using Endpoint = Subscriber;
  using Opened = OpenedSubscriber;
  using Stats = SubscriberStats;
  using Message = shmcomm::Sample;
  static constexpr const char* kName = "subscriber";
  static constexpr const char* kWanted = "message";
  static constexpr const char* kSender = "publisher";

  static PyObject* New(Opened& self, shmcomm::Sample sample) {
    const TakenLog log(self.endpoint, self.warnings, self.type->name.c_str(), sample);
    PyObject* made = NewSample(self.name, self.sample_class, *self.type, std::move(sample));
    if (made != nullptr) log.Tell();
    return made;
  }
  static void Refuse(shmcomm::Sample) {}
};

using SubscriberObject = Receiver<SubscriberEnd>;
using SubscriberHandle = SubscriberObject::Handle;

void Open(SubscriberHandle* self, nb::handle_t<DeclaredChannel> channel, std::string name, std::string root,
          std::string domain, nb::handle spin, nb::handle reliable, nb::handle verify,
          nb::handle on_deadline_missed) {
  auto options = CommonOptions<SubscriberOptions>(std::move(name), std::move(root), std::move(domain));
  ReadDuration(spin, &options.spin);
  options.verify = ReadVerify(verify);
  const NewsPtr news = NewsFor(on_deadline_missed, "on_deadline_missed");
  if (news != nullptr) options.on_deadline_missed = news->MissCounter();
  if (!reliable.is_none()) options.reliability = nb::cast<bool>(reliable) ? Reliability::kReliable : Reliability::kBestEffort;
  const ChannelSpec& spec = *nb::inst_ptr<DeclaredChannel>(channel)->spec;
  SubscriberObject::Construct(self, OpenEndpoint<Subscriber>(spec, options), channel);
  self->opened->news = news;
}

PyObject* Latest(PyObject* object, PyObject*) {
  auto* self = SubscriberObject::Usable(object);
  return self == nullptr ? nullptr : SubscriberObject::TakeOr(*self, self->endpoint.TakeLatest(), Py_None);
}

nb::tuple Counters(const SubscriberHandle& self) {
  const SubscriberStats stats = self.stats();
  return nb::make_tuple(stats.received, stats.bytes, stats.lost, stats.expired, stats.demotions, stats.incompatible,
                        stats.corrupt, stats.deadlines_missed);
}

PyMethodDef methods[] = {
    {"recv", AsFunction(Logged<SubscriberObject::Receive>), METH_FASTCALL | METH_KEYWORDS,
     "recv($self, timeout=None)\n--\n\n"
     "The next message, waited for up to `timeout`: an int of milliseconds, a timedelta, or None for ever.\n"
     "Other threads run meanwhile, and Ctrl-C ends the wait.\n"
     "Errors: SHMTimeoutError, SHMBufferFullError (too many borrowed), SHMCorruptionError, SHMSchemaMismatchError,\n"
     "SHMConnectionError (closed, forked).\n"
     "Cost: nothing is copied; no system call where a message is there; otherwise the thread sleeps, after a short look.\n\n"
     ">>> with CameraSubscriber() as sub, CameraPublisher() as pub:\n"
     "...     _ = pub.send(width=2, height=1, data=b\"ab\")\n"
     "...     image = sub.recv(timeout=100)\n"
     "...     image.width, image.encoding.name, image.data.tolist(), image.sequence, image.lost\n"
     "(2, 'Rgb8', [97, 98], 0, 0)\n"},
    {"try_recv", Logged<SubscriberObject::TryReceive>, METH_NOARGS,
     "try_recv($self)\n--\n\nThe next message, None if there is none. Errors as recv.\n"
     "Never waits.\n"
     "Cost: nothing is copied; no system call (once fileno() was called, one that arms it again where nothing is there).\n\n"
     ">>> with ImuSubscriber() as sub, ImuPublisher() as pub:\n"
     "...     print(sub.try_recv())\n"
     "...     _ = pub.send(stamp_ns=1)\n"
     "...     sub.try_recv().stamp_ns\n"
     "None\n"
     "1\n"},
    {"latest", Logged<Latest>, METH_NOARGS,
     "latest($self)\n--\n\nThe newest message, passing over older ones; None if there is none. Errors as recv.\n"
     "Never waits.\n"
     "Cost: as try_recv; what is passed over is not read.\n\n"
     ">>> with ImuSubscriber() as sub, ImuPublisher() as pub:\n"
     "...     for stamp in range(3):\n"
     "...         _ = pub.send(stamp_ns=stamp)\n"
     "...     sub.latest().stamp_ns\n"
     "2\n"},
    {"poll", AsFunction(SubscriberObject::Poll), METH_FASTCALL | METH_KEYWORDS,
     "poll($self, timeout=0)\n--\n\nWhether recv would return at once, waited for up to `timeout` (as in recv).\n"
     "Errors: SHMCorruptionError, SHMConnectionError (closed, forked).\n"
     "Cost: nothing is copied; no system call where a message is there, one with 0 where none is.\n\n"
     ">>> with ImuSubscriber() as sub, ImuPublisher() as pub:\n"
     "...     sub.poll(), pub.send(stamp_ns=1), sub.poll(timeout=100)\n"
     "(False, True, True)\n"},
    {"fileno", SubscriberObject::Descriptor, METH_NOARGS,
     "fileno($self)\n--\n\n"
     "A descriptor for select, selectors and event loops, the same at every call until this is closed. It is readable when a\n"
     "message may be there, and every 100 ms without: then receive with try_recv until there is nothing, which makes it\n"
     "unreadable and arms it again. Do not read it. In asyncio, arecv does all that.\n"
     "Errors: SHMBufferFullError (descriptors ran out), SHMConnectionError (closed, forked).\n"
     "Cost: the first call makes the descriptor, some system calls; later ones none.\n\n"
     ">>> import select\n"
     ">>> with ImuSubscriber() as sub, ImuPublisher() as pub:\n"
     "...     _ = sub.fileno(), pub.send(stamp_ns=5)\n"
     "...     readable, _, _ = select.select([sub], [], [], 1)\n"
     "...     [end.try_recv().stamp_ns for end in readable]\n"
     "[5]\n"},
};

PyType_Slot slots[] = {
    {Py_tp_repr, reinterpret_cast<void*>(ReprOf<SubscriberHandle>)},
    {Py_tp_traverse, reinterpret_cast<void*>(VisitCallback<SubscriberHandle>)},
    {Py_tp_clear, reinterpret_cast<void*>(DropCallback<SubscriberHandle>)},
    {Py_tp_iter, reinterpret_cast<void*>(SubscriberObject::Iterate)},
    {Py_tp_iternext, reinterpret_cast<void*>(SubscriberObject::Next)},
    {0, nullptr},
};

}  // namespace

void AddSubscriber(nb::module_& module) {
  nb::class_<SubscriberHandle> subscriber(module, "Subscriber", nb::type_slots(slots), "The receiving end of a channel.");
  subscriber
      .def("__init__", Open, nb::arg("channel"), nb::arg("name"), nb::arg("root"), nb::arg("domain"),
           nb::arg("spin").none(), nb::arg("reliable").none(), nb::arg("verify").none(),
           nb::arg("on_deadline_missed").none())
      .def("close", SubscriberObject::Close, "Leaves the channel; samples stay valid. A wait in another thread ends. Closing twice is allowed.")
      .def("counters", Counters, "(received, bytes, lost, expired, demotions, incompatible, corrupt, deadlines_missed)")
      .def_prop_ro("channel", ChannelOf<SubscriberHandle>, "Name of the channel. Error: SHMConnectionError where it was never opened.")
      .def_prop_ro("closed", [](const SubscriberHandle& self) { return !self.opened.has_value(); }, "Whether this end was closed.");
  for (PyMethodDef& method : methods) AddFastMethod(subscriber, method);
}

}  // namespace shmcomm::python
