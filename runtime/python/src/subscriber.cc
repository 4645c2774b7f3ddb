// SPDX-License-Identifier: Apache-2.0
#include "shmcomm/subscriber.h"

#include <nanobind/stl/string.h>

#include <utility>

#include "endpoint.h"
#include "endpoints.h"
#include "sample.h"
#include "timeout.h"
#include "waits.h"

namespace nb = nanobind;

namespace shmcomm::python {
namespace {

using OpenedSubscriber = Opened<Subscriber>;

/// The Python object; empty once closed.
struct SubscriberHandle {
  std::optional<OpenedSubscriber> opened;
  std::string name;
  SubscriberStats last_stats;
};

void Open(SubscriberHandle* self, nb::handle_t<DeclaredChannel> channel, std::string name, std::string root,
          std::string domain) {
  const DeclaredChannel& declared = *nb::inst_ptr<DeclaredChannel>(channel);
  const auto options = CommonOptions<SubscriberOptions>(std::move(name), std::move(root), std::move(domain));
  absl::StatusOr<Subscriber> subscriber = [&] {
    nb::gil_scoped_release unlocked;
    return Subscriber::Open(*declared.spec, options);
  }();
  if (!subscriber.ok()) {
    SetError(subscriber.status(), Doing::kOpening);
    nb::raise_python_error();
  }
  new (self) SubscriberHandle{};
  self->name = subscriber->channel();
  auto* sample_class = reinterpret_cast<PyTypeObject*>(declared.sample_class.ptr());
  self->opened.emplace(OpenedSubscriber{*std::move(subscriber), self->name, nb::borrow(channel), declared.type, &declared.spec->qos,
                                        sample_class, ProcessNumber()});
}

void CloseNow(SubscriberHandle& self) {
  self.last_stats = self.opened->endpoint.stats();
  self.opened.reset();
}

/// The subscriber of a method's `self`, null with an exception set if it cannot be used now.
OpenedSubscriber* Usable(PyObject* object) {
  if (!nb::inst_ready(object)) {
    RefuseClosed("subscriber");
    return nullptr;
  }
  SubscriberHandle& handle = *nb::inst_ptr<SubscriberHandle>(object);
  if (!handle.opened) {
    RefuseClosed(handle.name);
    return nullptr;
  }
  if (handle.opened->in_use == 0) return &*handle.opened;
  SetError(ErrorKind::kBase, "%s: another thread is waiting on this subscriber; give each thread its own",
           handle.name.c_str());
  return nullptr;
}

PyObject* NewSampleOf(OpenedSubscriber& self, shmcomm::Sample sample) {
  return NewSample(self.sample_class, *self.type, std::move(sample));
}

PyObject* Fail(const OpenedSubscriber& self, const absl::Status& status) {
  SetUseError(status, self.process);
  return nullptr;
}

/// A message that was there already, None if there was none.
PyObject* SampleOrNone(OpenedSubscriber& self, absl::StatusOr<std::optional<shmcomm::Sample>> sample) {
  if (!sample.ok()) return Fail(self, sample.status());
  if (!sample->has_value()) return Py_NewRef(Py_None);
  return NewSampleOf(self, **std::move(sample));
}

PyObject* TryTake(OpenedSubscriber& self) { return SampleOrNone(self, self.endpoint.TryTake()); }

/// RepeatWait, during which nobody else may use the subscriber; a close() meanwhile is carried out at the end. After -1
/// `self` may be gone.
template <class Wait>
int WaitInSlices(PyObject* object, OpenedSubscriber& self, absl::Duration timeout, Wait&& wait) {
  int waited = 0;
  {
    const InUse mark(self.in_use);
    waited = RepeatWait(self.close_wanted, timeout, std::forward<Wait>(wait));
  }
  if (!self.close_wanted) return waited;
  SubscriberHandle& handle = *nb::inst_ptr<SubscriberHandle>(object);
  CloseNow(handle);
  if (!PyErr_Occurred()) RefuseClosed(handle.name);
  return -1;
}

PyObject* TakeWaiting(PyObject* object, OpenedSubscriber& self, absl::Duration timeout) {
  absl::StatusOr<shmcomm::Sample> sample = absl::DeadlineExceededError("");
  const int waited = WaitInSlices(object, self, timeout, [&](absl::Duration slice) {
    sample = self.endpoint.Take(slice);
    return !absl::IsDeadlineExceeded(sample.status());
  });
  if (waited < 0) return nullptr;
  if (waited == 0) {
    SetError(ErrorKind::kTimeout, "%s: no message within %lld ms", self.name.c_str(),
             static_cast<long long>(absl::ToInt64Milliseconds(timeout)));
    return nullptr;
  }
  if (!sample.ok()) return Fail(self, sample.status());
  return NewSampleOf(self, *std::move(sample));
}

PyObject* Take(PyObject* object, absl::Duration timeout) {
  OpenedSubscriber* self = Usable(object);
  if (self == nullptr) return nullptr;
  PyObject* waiting = TryTake(*self);
  if (waiting != Py_None) return waiting;
  Py_DECREF(waiting);
  return TakeWaiting(object, *self, timeout);
}

PyObject* Receive(PyObject* object, PyObject* const* arguments, Py_ssize_t given, PyObject* names) {
  absl::Duration timeout = absl::InfiniteDuration();
  if (!TimeoutArgument("recv", arguments, given, names, &timeout)) return nullptr;
  return Take(object, timeout);
}

PyObject* TryReceive(PyObject* object, PyObject*) {
  OpenedSubscriber* self = Usable(object);
  return self == nullptr ? nullptr : TryTake(*self);
}

PyObject* Latest(PyObject* object, PyObject*) {
  OpenedSubscriber* self = Usable(object);
  return self == nullptr ? nullptr : SampleOrNone(*self, self->endpoint.TakeLatest());
}

PyObject* Poll(PyObject* object, PyObject* const* arguments, Py_ssize_t given, PyObject* names) {
  absl::Duration timeout = absl::ZeroDuration();
  OpenedSubscriber* self = Usable(object);
  if (self == nullptr || !TimeoutArgument("poll", arguments, given, names, &timeout)) return nullptr;
  absl::StatusOr<bool> ready = self->endpoint.Wait(absl::ZeroDuration());
  if (ready.ok() && !*ready) {
    const int waited = WaitInSlices(object, *self, timeout, [&](absl::Duration slice) {
      ready = self->endpoint.Wait(slice);
      return !ready.ok() || *ready;
    });
    if (waited < 0) return nullptr;
  }
  return ready.ok() ? PyBool_FromLong(*ready) : Fail(*self, ready.status());
}

PyObject* Iterate(PyObject* object) { return Py_NewRef(object); }

/// Waits for ever; a closed subscriber ends the iteration.
PyObject* Next(PyObject* object) {
  const bool is_ready = nb::inst_ready(object);
  if (is_ready && !nb::inst_ptr<SubscriberHandle>(object)->opened) return nullptr;
  PyObject* sample = Take(object, absl::InfiniteDuration());
  const bool was_closed = sample == nullptr && is_ready && !nb::inst_ptr<SubscriberHandle>(object)->opened;
  if (was_closed && PyErr_ExceptionMatches(ErrorClass(ErrorKind::kConnection))) PyErr_Clear();
  return sample;
}

void Close(SubscriberHandle& self) {
  if (!self.opened) return;
  if (self.opened->in_use > 0) self.opened->close_wanted = true;  // the waiting thread closes within a slice
  else CloseNow(self);
}

nb::tuple Counters(const SubscriberHandle& self) {
  const SubscriberStats stats = self.opened ? self.opened->endpoint.stats() : self.last_stats;
  return nb::make_tuple(stats.received, stats.bytes, stats.lost, stats.expired, stats.demotions, stats.incompatible,
                        stats.corrupt);
}

PyCFunction Cast(PyObject* (*function)(PyObject*, PyObject* const*, Py_ssize_t, PyObject*)) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

PyMethodDef methods[] = {
    {"recv", Cast(Receive), METH_FASTCALL | METH_KEYWORDS,
     "recv($self, timeout=None)\n--\n\n"
     "The next message, waited for up to `timeout`: an int of milliseconds, a timedelta, or None for ever.\n"
     "Other threads run meanwhile, and Ctrl-C ends the wait.\n"
     "Errors: SHMTimeoutError, SHMBufferFullError (too many borrowed), SHMCorruptionError, SHMSchemaMismatchError,\n"
     "SHMConnectionError (closed, forked)."},
    {"try_recv", TryReceive, METH_NOARGS,
     "try_recv($self)\n--\n\nThe next message, None if there is none. Errors as recv."},
    {"latest", Latest, METH_NOARGS,
     "latest($self)\n--\n\nThe newest message, passing over older ones; None if there is none. Errors as recv."},
    {"poll", Cast(Poll), METH_FASTCALL | METH_KEYWORDS,
     "poll($self, timeout=0)\n--\n\nWhether recv would return at once, waited for up to `timeout` (as in recv)."},
};

PyType_Slot slots[] = {
    {Py_tp_repr, reinterpret_cast<void*>(ReprOf<SubscriberHandle>)},
    {Py_tp_iter, reinterpret_cast<void*>(Iterate)},
    {Py_tp_iternext, reinterpret_cast<void*>(Next)},
    {0, nullptr},
};

}  // namespace

void AddSubscriber(nb::module_& module) {
  nb::class_<SubscriberHandle> subscriber(module, "Subscriber", nb::type_slots(slots), "The receiving end of a channel.");
  subscriber
      .def("__init__", Open, nb::arg("channel"), nb::arg("name"), nb::arg("root"), nb::arg("domain"))
      .def("close", Close, "Leaves the channel; samples stay valid. A wait in another thread ends. Closing twice is allowed.")
      .def("counters", Counters, "(received, bytes, lost, expired, demotions, incompatible, corrupt)")
      .def_prop_ro("channel", [](const SubscriberHandle& self) { return self.name; }, "Name of the channel.")
      .def_prop_ro("closed", [](const SubscriberHandle& self) { return !self.opened.has_value(); });
  for (PyMethodDef& method : methods) AddFastMethod(subscriber, method);
}

}  // namespace shmcomm::python
