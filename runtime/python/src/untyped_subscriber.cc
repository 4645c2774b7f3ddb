// SPDX-License-Identifier: Apache-2.0
// The receiving end of a channel without a schema.
#include <nanobind/stl/string.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <utility>

#include "arguments.h"
#include "endpoint.h"
#include "endpoints.h"
#include "reference.h"
#include "shmcomm/subscriber.h"
#include "taken_log.h"
#include "timeout.h"
#include "untyped_decode.h"
#include "untyped_options.h"
#include "waits.h"

namespace nb = nanobind;

namespace shmcomm::python {
namespace {

using Views = DecodeRules::Views;

/// The Python object; empty once closed.
struct UntypedSubscriber {
  std::optional<Subscriber> opened;
  std::string name;
  std::int64_t process = 0;
  std::optional<bool> allow_pickle;  ///< empty: from this user only
  SubscriberStats last_stats;
  std::shared_ptr<SubscriberWarnings> warnings = std::make_shared<SubscriberWarnings>();
  // What travelled with the message that was received last.
  std::uint64_t sequence = 0;
  std::uint64_t lost_before = 0;
  std::int64_t publish_ns = 0;
  std::uint32_t publisher = 0;
  std::deque<Reference> deferred;    ///< errors that recv_many met beside messages that it had to return
  int in_use = 0;
  bool close_wanted = false;
};

void Open(UntypedSubscriber* self, std::string name, std::string root, std::string domain, const nb::dict& chosen,
          nb::handle allow_pickle, nb::handle spin) {
  const UntypedChannel channel = ReadUntypedChannel(Pattern::kPubSub, chosen);
  auto options = CommonOptions<SubscriberOptions>(std::move(name), std::move(root), std::move(domain));
  options.adopted = channel.adopted;
  const bool is_reliable_asked = (channel.adopted & qos_option::kReliability) == 0;
  if (is_reliable_asked && channel.spec.qos.reliability == Reliability::kBestEffort) {
    options.reliability = Reliability::kBestEffort;  // for itself: whatever the channel is
    options.adopted |= qos_option::kReliability;
  }
  ReadDuration(spin, &options.spin);
  Subscriber subscriber = OpenEndpoint<Subscriber>(channel.spec, options);
  new (self) UntypedSubscriber{};
  self->name = subscriber.channel();
  self->process = ProcessNumber();
  if (!allow_pickle.is_none()) self->allow_pickle = nb::cast<bool>(allow_pickle);
  self->opened = std::move(subscriber);
}

void CloseNow(UntypedSubscriber& self) {
  self.last_stats = self.opened->stats();
  self.opened.reset();
}

/// The subscriber of a method's `self`, null with an exception set if it cannot be used now.
UntypedSubscriber* Usable(PyObject* object) {
  if (!nb::inst_ready(object)) {
    RefuseClosed("subscriber");
    return nullptr;
  }
  UntypedSubscriber& self = *nb::inst_ptr<UntypedSubscriber>(object);
  if (!self.opened) {
    RefuseClosed(self.name);
    return nullptr;
  }
  if (self.in_use > 0) {
    SetError(ErrorKind::kBase, "%s: another thread is waiting on this subscriber; give each thread its own",
             self.name.c_str());
    return nullptr;
  }
  if (self.deferred.empty()) return &self;
  const Reference error = std::move(self.deferred.front());
  self.deferred.pop_front();
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.get())), error.get());
  return nullptr;
}

/// The object that was sent.
PyObject* Decode(UntypedSubscriber& self, shmcomm::Sample sample, Views views) {
  self.sequence = sample.sequence();
  self.lost_before = sample.lost();
  self.publish_ns = sample.publish_ns();
  self.publisher = sample.publisher();
  const TakenLog log(*self.opened, self.warnings, NameOf(sample.codec()), sample);
  const bool is_pickle = sample.codec() == Codec::kPickle;
  const bool may_unpickle = is_pickle && self.allow_pickle.value_or(self.opened->IsFromThisUser(sample));
  PyObject* message = DecodeSample(std::move(sample), {self.name, may_unpickle, views});
  log.Tell(message != nullptr);
  return message;
}

PyObject* Fail(UntypedSubscriber& self, const absl::Status& status) {
  SetUseError(status, self.process);
  return LogFailure(nullptr);
}

/// Waits for a message, `take` it. Null with an exception set; after that `self` may be closed.
PyObject* TakeWaiting(UntypedSubscriber& self, absl::Duration timeout, Views views) {
  absl::StatusOr<shmcomm::Sample> sample = absl::DeadlineExceededError("");
  int waited = 0;
  {
    const InUse mark(self.in_use);
    waited = RepeatWait(self.close_wanted, timeout, [&](absl::Duration slice) {
      sample = self.opened->Take(slice);
      return !absl::IsDeadlineExceeded(sample.status());
    });
  }
  if (self.close_wanted) {
    CloseNow(self);
    return PyErr_Occurred() ? nullptr : RefuseClosed(self.name);
  }
  if (waited < 0) return nullptr;
  if (waited == 0) return NothingCame(self.name, "message", "publisher", timeout);
  return sample.ok() ? LogFailure(Decode(self, *std::move(sample), views)) : Fail(self, sample.status());
}

/// The message that was taken, `otherwise` (a borrowed reference) if there was none.
PyObject* DecodeOr(UntypedSubscriber& self, absl::StatusOr<std::optional<shmcomm::Sample>> sample, Views views,
                   PyObject* otherwise) {
  if (!sample.ok()) return Fail(self, sample.status());
  if (!sample->has_value()) return Py_NewRef(otherwise);
  return LogFailure(Decode(self, **std::move(sample), views));
}

PyObject* Take(PyObject* object, absl::Duration timeout, Views views) {
  UntypedSubscriber* self = Usable(object);
  if (self == nullptr) return nullptr;
  absl::StatusOr<std::optional<shmcomm::Sample>> sample = self->opened->TryTake();
  if (sample.ok() && !sample->has_value()) return TakeWaiting(*self, timeout, views);
  return DecodeOr(*self, std::move(sample), views, Py_None);
}

/// recv(timeout=None, *, copy=False)
PyObject* Receive(PyObject* object, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  static constexpr Parameters<2> kParameters = {"recv", {"timeout", "copy"}, 1};
  std::array<PyObject*, 2> values;
  absl::Duration timeout = absl::InfiniteDuration();
  Views views = Views::kShared;
  if (!PlaceArguments(kParameters, given, count, keywords, &values)) return nullptr;
  if (!ParseTimeout(values[0], &timeout) || !ParseCopy(values[1], Views::kShared, &views)) return nullptr;
  return Take(object, timeout, views);
}

/// try_recv and latest: (default=None, *, copy=False)
template <class TakeNow>
PyObject* ReceiveNow(PyObject* object, const Parameters<2>& parameters, PyObject* const* given, Py_ssize_t count,
                     PyObject* keywords, TakeNow&& take_now) {
  std::array<PyObject*, 2> values;
  Views views = Views::kShared;
  if (!PlaceArguments(parameters, given, count, keywords, &values) || !ParseCopy(values[1], Views::kShared, &views)) return nullptr;
  UntypedSubscriber* self = Usable(object);
  if (self == nullptr) return nullptr;
  return DecodeOr(*self, take_now(*self->opened), views, values[0] == nullptr ? Py_None : values[0]);
}

PyObject* TryReceive(PyObject* object, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  static constexpr Parameters<2> kParameters = {"try_recv", {"default", "copy"}, 1};
  return ReceiveNow(object, kParameters, given, count, keywords, [](Subscriber& from) { return from.TryTake(); });
}

PyObject* Latest(PyObject* object, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  static constexpr Parameters<2> kParameters = {"latest", {"default", "copy"}, 1};
  return ReceiveNow(object, kParameters, given, count, keywords, [](Subscriber& from) { return from.TakeLatest(); });
}

/// Keeps the exception that is set for the next call.
void Defer(UntypedSubscriber& self) {
  PyObject *type = nullptr, *error = nullptr, *trace = nullptr;
  PyErr_Fetch(&type, &error, &trace);
  PyErr_NormalizeException(&type, &error, &trace);
  Py_XDECREF(type);
  Py_XDECREF(trace);
  self.deferred.emplace_back(error);
}

/// Adds the messages of `batch` to `list`.
void AddAll(UntypedSubscriber& self, PyObject* list, SampleBatch& batch) {
  for (shmcomm::Sample& sample : batch) {
    if (!self.opened) return;  // closed by what decoding ran
    const Reference message(LogFailure(Decode(self, std::move(sample), Views::kPrivate)));
    if (!message || PyList_Append(list, message.get()) != 0) Defer(self);
  }
}

/// Adds what is there to `list`, which holds one message, until it has `max`. What goes wrong is raised by the next call.
void TakeMore(UntypedSubscriber& self, PyObject* list, Py_ssize_t max) {
  while (self.opened && self.deferred.empty() && PyList_GET_SIZE(list) < max) {
    const auto missing = static_cast<std::size_t>(max - PyList_GET_SIZE(list));
    const auto most = static_cast<std::uint32_t>(std::min(missing, SampleBatch::kMost));
    absl::StatusOr<SampleBatch> batch = self.opened->TakeMany(most);
    if (!batch.ok()) {
      Fail(self, batch.status());
      return Defer(self);
    }
    if (batch->empty()) return;
    AddAll(self, list, *batch);
  }
}

/// recv_many(max=1000, timeout=None)
PyObject* ReceiveMany(PyObject* object, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  static constexpr Parameters<2> kParameters = {"recv_many", {"max", "timeout"}, 2};
  std::array<PyObject*, 2> values;
  absl::Duration timeout = absl::InfiniteDuration();
  if (!PlaceArguments(kParameters, given, count, keywords, &values) || !ParseTimeout(values[1], &timeout)) return nullptr;
  const Py_ssize_t max = values[0] == nullptr ? 1000 : PyNumber_AsSsize_t(values[0], PyExc_OverflowError);
  if (max < 1) {
    if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "recv_many: max must be at least 1");
    return nullptr;
  }
  const Reference first(Take(object, timeout, Views::kPrivate));
  Reference list(first ? PyList_New(0) : nullptr);
  if (!list || PyList_Append(list.get(), first.get()) != 0) return nullptr;
  TakeMore(*nb::inst_ptr<UntypedSubscriber>(object), list.get(), max);
  return list.Release();
}

PyObject* Poll(PyObject* object, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  absl::Duration timeout = absl::ZeroDuration();
  if (!TimeoutArgument("poll", given, count, keywords, &timeout)) return nullptr;
  UntypedSubscriber* self = Usable(object);
  if (self == nullptr) return nullptr;
  absl::StatusOr<bool> ready = self->opened->Wait(absl::ZeroDuration());
  if (ready.ok() && !*ready) {
    int waited = 0;
    {
      const InUse mark(self->in_use);
      waited = RepeatWait(self->close_wanted, timeout, [&](absl::Duration slice) {
        ready = self->opened->Wait(slice);
        return !ready.ok() || *ready;
      });
    }
    if (self->close_wanted) {
      CloseNow(*self);
      return PyErr_Occurred() ? nullptr : RefuseClosed(self->name);
    }
    if (waited < 0) return nullptr;
  }
  return ready.ok() ? PyBool_FromLong(*ready) : Fail(*self, ready.status());
}

PyObject* Descriptor(PyObject* object, PyObject*) {
  UntypedSubscriber* self = Usable(object);
  if (self == nullptr) return nullptr;
  const absl::StatusOr<int> descriptor = self->opened->fd();
  return descriptor.ok() ? PyLong_FromLong(*descriptor) : Fail(*self, descriptor.status());
}

PyObject* Iterate(PyObject* object) { return Py_NewRef(object); }

/// Waits for ever; a closed subscriber ends the iteration.
PyObject* Next(PyObject* object) {
  const bool is_ready = nb::inst_ready(object);
  if (is_ready && !nb::inst_ptr<UntypedSubscriber>(object)->opened) return nullptr;
  PyObject* message = Take(object, absl::InfiniteDuration(), Views::kShared);
  const bool was_closed = message == nullptr && is_ready && !nb::inst_ptr<UntypedSubscriber>(object)->opened;
  if (was_closed && PyErr_ExceptionMatches(ErrorClass(ErrorKind::kConnection))) PyErr_Clear();
  return message;
}

void Close(UntypedSubscriber& self) {
  if (!self.opened) return;
  if (self.in_use > 0) self.close_wanted = true;  // the waiting thread closes within a slice
  else CloseNow(self);
}

nb::tuple Counters(const UntypedSubscriber& self) {
  const SubscriberStats stats = self.opened ? self.opened->stats() : self.last_stats;
  return nb::make_tuple(stats.received, stats.bytes, stats.lost, stats.expired, stats.demotions, stats.incompatible,
                        stats.corrupt, stats.deadlines_missed);
}

nb::tuple LastMetadata(const UntypedSubscriber& self) {
  return nb::make_tuple(self.sequence, self.lost_before, self.publish_ns, self.publisher);
}

PyCFunction Cast(PyObject* (*function)(PyObject*, PyObject* const*, Py_ssize_t, PyObject*)) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

PyMethodDef methods[] = {
    {"recv", Cast(Receive), METH_FASTCALL | METH_KEYWORDS,
     "recv($self, timeout=None, *, copy=False)\n--\n\n"
     "The next message, waited for up to `timeout`: an int of milliseconds, a timedelta, or None for ever.\n\n"
     "Bytes arrive as a read-only memoryview and arrays as read-only arrays. Above 1 KiB these, and arrays inside other\n"
     "objects, look at shared memory: the message stays borrowed while one of them lives, and six may be borrowed at once.\n"
     "With `copy` they are bytes and writable arrays of their own. Other threads run while it waits; Ctrl-C ends the wait.\n\n"
     "Errors: SHMTimeoutError, SHMBufferFullError (too many borrowed), SHMSerializationError (cannot be decoded here, or a\n"
     "pickle of another user), SHMCorruptionError, SHMConnectionError (closed, forked), TypeError for a float.\n"
     "Cost: up to 1 KiB, pickles and msgpack are copied; no system call where a message is there; otherwise the thread sleeps, after a\n"
     "short look.\n\n"
     ">>> with Subscriber(\"doc/recv\") as sub, Publisher(\"doc/recv\") as pub:\n"
     "...     pub.send({\"cmd\": \"stop\"})\n"
     "...     sub.recv(timeout=100)\n"
     "True\n{'cmd': 'stop'}\n"},
    {"try_recv", Cast(TryReceive), METH_FASTCALL | METH_KEYWORDS,
     "try_recv($self, default=None, *, copy=False)\n--\n\n"
     "The next message, or `default` if there is none. Never waits. Where None is sent, another default tells it apart.\n"
     "Errors as recv.\n"
     "Cost: copies as recv; no system call (once fileno() was called, one that arms it again where nothing is there).\n\n"
     ">>> with Subscriber(\"doc/try\") as sub:\n"
     "...     sub.try_recv(\"nothing\")\n"
     "'nothing'\n"},
    {"recv_many", Cast(ReceiveMany), METH_FASTCALL | METH_KEYWORDS,
     "recv_many($self, max=1000, timeout=None)\n--\n\n"
     "A list of 1 to `max` messages: waits for the first as recv does, then takes those that are there. For many small\n"
     "messages; all are copies, so that none stays borrowed. Errors as recv; those that are met beside other messages are\n"
     "raised by the next calls, one each.\n"
     "Cost: all messages are copied; no system call where one is there. Cheaper for each message than recv.\n\n"
     ">>> with Subscriber(\"doc/many\") as sub, Publisher(\"doc/many\") as pub:\n"
     "...     _ = [pub.send(n) for n in range(5)]\n"
     "...     sub.recv_many(3), sub.recv_many()\n"
     "([0, 1, 2], [3, 4])\n"},
    {"latest", Cast(Latest), METH_FASTCALL | METH_KEYWORDS,
     "latest($self, default=None, *, copy=False)\n--\n\n"
     "The newest message, passing over older ones; `default` if there is none. Never waits. For control loops.\n"
     "Errors as recv.\n"
     "Cost: as try_recv; what is passed over is not read.\n\n"
     ">>> with Subscriber(\"doc/latest\") as sub, Publisher(\"doc/latest\") as pub:\n"
     "...     _ = [pub.send(n) for n in range(5)]\n"
     "...     sub.latest()\n"
     "4\n"},
    {"poll", Cast(Poll), METH_FASTCALL | METH_KEYWORDS,
     "poll($self, timeout=0)\n--\n\n"
     "Whether recv would return at once, waited for up to `timeout` (as in recv; 0 does not wait).\n"
     "Cost: nothing is copied; no system call where a message is there, one with 0 where none is.\n\n"
     ">>> with Subscriber(\"doc/poll\") as sub:\n"
     "...     sub.poll(timeout=1)\n"
     "False\n"},
    {"fileno", Descriptor, METH_NOARGS,
     "fileno($self)\n--\n\n"
     "A descriptor for select, selectors and event loops, the same at every call until this is closed. It is readable when a\n"
     "message may be there, and every 100 ms without: then receive with try_recv until there is nothing, which makes it\n"
     "unreadable and arms it again. Do not read it. In asyncio, arecv does all that.\n"
     "Errors: SHMBufferFullError (descriptors ran out), SHMConnectionError (closed, forked).\n"
     "Cost: the first call makes the descriptor, some system calls; later ones none.\n\n"
     ">>> import select\n"
     ">>> with Subscriber(\"doc/fileno\") as sub, Publisher(\"doc/fileno\") as pub:\n"
     "...     _ = sub.fileno(), pub.send(\"hello\")\n"
     "...     readable, _, _ = select.select([sub], [], [], 1)\n"
     "...     [end.try_recv() for end in readable]\n"
     "['hello']\n"},
};

PyType_Slot slots[] = {
    {Py_tp_repr, reinterpret_cast<void*>(ReprOf<UntypedSubscriber>)},
    {Py_tp_iter, reinterpret_cast<void*>(Iterate)},
    {Py_tp_iternext, reinterpret_cast<void*>(Next)},
    {0, nullptr},
};

}  // namespace

void AddUntypedSubscriber(nb::module_& module) {
  nb::class_<UntypedSubscriber> subscriber(module, "UntypedSubscriber", nb::type_slots(slots),
                                           "The receiving end of a channel without a schema.");
  subscriber
      .def("__init__", Open, nb::arg("name"), nb::arg("root"), nb::arg("domain"), nb::arg("options"),
           nb::arg("allow_pickle").none(), nb::arg("spin").none())
      .def("close", Close, "Leaves the channel; messages stay valid. A wait in another thread ends. Closing twice is allowed.")
      .def("counters", Counters, "(received, bytes, lost, expired, demotions, incompatible, corrupt, deadlines_missed)")
      .def("last_metadata", LastMetadata, "(sequence, lost, publish_ns, publisher) of the message received last")
      .def_prop_ro("channel", ChannelOf<UntypedSubscriber>, "Name of the channel. Error: SHMConnectionError where it was never opened.")
      .def_prop_ro("closed", [](const UntypedSubscriber& self) { return !self.opened.has_value(); },
                   "Whether this end was closed.");
  for (PyMethodDef& method : methods) AddFastMethod(subscriber, method);
}

}  // namespace shmcomm::python
