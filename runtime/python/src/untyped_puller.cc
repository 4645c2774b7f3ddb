// SPDX-License-Identifier: Apache-2.0
// The end of a channel without a schema that takes jobs. The job that was received last is in hand: it is done when the next
// one is asked for, at done() and at close().
#include "shmcomm/puller.h"

#include <nanobind/stl/string.h>

#include <array>
#include <optional>
#include <utility>

#include "arguments.h"
#include "endpoint.h"
#include "endpoints.h"
#include "timeout.h"
#include "untyped_decode.h"
#include "untyped_log.h"
#include "untyped_options.h"
#include "waits.h"

namespace nb = nanobind;

namespace shmcomm::python {
namespace {

using Views = DecodeRules::Views;

/// The Python object; empty once closed.
struct UntypedPuller {
  std::optional<Puller> opened;
  std::optional<Job> in_hand;
  std::string name;
  std::int64_t process = 0;
  std::optional<bool> allow_pickle;  ///< empty: from this user only
  PullerStats last_stats;
  // What travelled with the job that was received last.
  std::uint64_t sequence = 0;
  std::int64_t publish_ns = 0;
  std::uint32_t pusher = 0;
  std::uint32_t attempt = 0;
  int in_use = 0;
  bool close_wanted = false;

  /// Whoever drops a puller without closing it has not said that its job is done.
  ~UntypedPuller() {
    if (in_hand) in_hand->GiveBack().IgnoreError();
  }
};

void Open(UntypedPuller* self, std::string name, std::string root, std::string domain, const nb::dict& chosen,
          nb::handle allow_pickle, nb::handle spin) {
  const UntypedChannel channel = ReadUntypedChannel(Pattern::kPushPull, chosen);
  auto options = CommonOptions<PullerOptions>(std::move(name), std::move(root), std::move(domain));
  options.adopted = channel.adopted;
  ReadDuration(spin, &options.spin);
  Puller puller = OpenUntyped<Puller>(channel.spec, options);
  new (self) UntypedPuller{};
  self->name = puller.channel();
  self->process = ProcessNumber();
  if (!allow_pickle.is_none()) self->allow_pickle = nb::cast<bool>(allow_pickle);
  self->opened = std::move(puller);
}

PyObject* Fail(const UntypedPuller& self, const absl::Status& status) {
  SetUseError(status, self.process);
  return LogFailure(nullptr);
}

/// Says that the job in hand is done. False with an exception set where it was another's already.
bool Finish(UntypedPuller& self) {
  if (!self.in_hand) return true;
  const absl::Status status = self.in_hand->Ack();
  self.in_hand.reset();
  return status.ok() || Fail(self, status) != nullptr;
}

void CloseNow(UntypedPuller& self) {
  if (self.in_hand) self.in_hand->Ack().IgnoreError();
  self.in_hand.reset();
  self.last_stats = self.opened->stats();
  self.opened.reset();
}

/// The puller of a method's `self`, null with an exception set if it cannot be used now.
UntypedPuller* Usable(PyObject* object) {
  if (!nb::inst_ready(object)) return RefuseClosed("puller"), nullptr;
  UntypedPuller& self = *nb::inst_ptr<UntypedPuller>(object);
  if (!self.opened) return RefuseClosed(self.name), nullptr;
  if (self.in_use == 0) return &self;
  SetError(ErrorKind::kBase, "%s: another thread is waiting on this puller; give each thread its own", self.name.c_str());
  return nullptr;
}

/// The object that was sent, a copy: its slot belongs to the next job once this one is done. A job that cannot be decoded
/// here is in hand all the same.
PyObject* Decode(UntypedPuller& self, Job job, Views views) {
  self.sequence = job.sequence();
  self.publish_ns = job.publish_ns();
  self.pusher = job.pusher();
  self.attempt = job.attempt();
  if (is_debugging) LogMessage("received", self.name, NameOf(job.codec()), job.size());
  const bool is_pickle = job.codec() == Codec::kPickle;
  const bool may_unpickle = is_pickle && self.allow_pickle.value_or(self.opened->IsFromThisUser(job));
  const DecodeRules rules{self.name, may_unpickle, views};
  self.in_hand = std::move(job);
  return LogFailure(DecodeCopy(self.in_hand->data(), self.in_hand->size(), self.in_hand->codec(), self.sequence, rules));
}

/// RepeatWait, during which nobody else may use the puller; a close() meanwhile is carried out at the end.
template <class Wait>
int WaitInSlices(UntypedPuller& self, absl::Duration timeout, Wait&& wait) {
  int waited = 0;
  {
    const InUse mark(self.in_use);
    waited = RepeatWait(self.close_wanted, timeout, std::forward<Wait>(wait));
  }
  if (!self.close_wanted) return waited;
  CloseNow(self);
  if (!PyErr_Occurred()) RefuseClosed(self.name);
  return -1;
}

PyObject* TakeWaiting(UntypedPuller& self, absl::Duration timeout, Views views) {
  absl::StatusOr<Job> job = absl::DeadlineExceededError("");
  const int waited = WaitInSlices(self, timeout, [&](absl::Duration slice) {
    job = self.opened->Take(slice);
    return !absl::IsDeadlineExceeded(job.status());
  });
  if (waited < 0) {
    if (job.ok()) job->GiveBack().IgnoreError();  // it came as another thread closed
    return nullptr;
  }
  if (waited == 0) {
    SetError(ErrorKind::kTimeout, "%s: no job within %lld ms", self.name.c_str(),
             static_cast<long long>(absl::ToInt64Milliseconds(timeout)));
    return nullptr;
  }
  return job.ok() ? Decode(self, *std::move(job), views) : Fail(self, job.status());
}

/// `otherwise` is a borrowed reference: the answer where there is no job; null waits for one.
PyObject* Take(PyObject* object, absl::Duration timeout, Views views, PyObject* otherwise) {
  UntypedPuller* self = Usable(object);
  if (self == nullptr || !Finish(*self)) return nullptr;
  absl::StatusOr<std::optional<Job>> job = self->opened->TryTake();
  if (!job.ok()) return Fail(*self, job.status());
  if (job->has_value()) {
    PyObject* message = Decode(*self, **std::move(job), views);
    TellNotices();
    return message;
  }
  TellNotices();
  self = Usable(object);  // a handler of the log may have closed it
  if (self == nullptr) return nullptr;
  return otherwise == nullptr ? TakeWaiting(*self, timeout, views) : Py_NewRef(otherwise);
}

/// recv(timeout=None, *, copy=False)
PyObject* Receive(PyObject* object, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  static constexpr Parameters<2> kParameters = {"recv", {"timeout", "copy"}, 1};
  std::array<PyObject*, 2> values;
  absl::Duration timeout = absl::InfiniteDuration();
  Views views = Views::kPrivate;
  if (!PlaceArguments(kParameters, given, count, keywords, &values)) return nullptr;
  if (!ParseTimeout(values[0], &timeout) || !ParseCopy(values[1], Views::kPrivate, &views)) return nullptr;
  return Take(object, timeout, views, nullptr);
}

/// try_recv(default=None, *, copy=False)
PyObject* TryReceive(PyObject* object, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  static constexpr Parameters<2> kParameters = {"try_recv", {"default", "copy"}, 1};
  std::array<PyObject*, 2> values;
  Views views = Views::kPrivate;
  if (!PlaceArguments(kParameters, given, count, keywords, &values) || !ParseCopy(values[1], Views::kPrivate, &views)) return nullptr;
  return Take(object, absl::ZeroDuration(), views, values[0] == nullptr ? Py_None : values[0]);
}

PyObject* Poll(PyObject* object, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  absl::Duration timeout = absl::ZeroDuration();
  if (!TimeoutArgument("poll", given, count, keywords, &timeout)) return nullptr;
  UntypedPuller* self = Usable(object);
  if (self == nullptr) return nullptr;
  absl::StatusOr<bool> ready = self->opened->Wait(absl::ZeroDuration());
  if (ready.ok() && !*ready) {
    const int waited = WaitInSlices(*self, timeout, [&](absl::Duration slice) {
      ready = self->opened->Wait(slice);
      return !ready.ok() || *ready;
    });
    if (waited < 0) return nullptr;
  }
  return ready.ok() ? PyBool_FromLong(*ready) : Fail(*self, ready.status());
}

PyObject* Done(PyObject* object, PyObject*) {
  UntypedPuller* self = Usable(object);
  return self == nullptr || !Finish(*self) ? nullptr : Py_NewRef(Py_None);
}

PyObject* GiveBack(PyObject* object, PyObject*) {
  UntypedPuller* self = Usable(object);
  if (self == nullptr) return nullptr;
  if (!self->in_hand) return Py_NewRef(Py_None);
  const absl::Status status = self->in_hand->GiveBack();
  self->in_hand.reset();
  return status.ok() ? Py_NewRef(Py_None) : Fail(*self, status);
}

PyObject* Descriptor(PyObject* object, PyObject*) {
  UntypedPuller* self = Usable(object);
  if (self == nullptr) return nullptr;
  const absl::StatusOr<int> descriptor = self->opened->fd();
  return descriptor.ok() ? PyLong_FromLong(*descriptor) : Fail(*self, descriptor.status());
}

PyObject* Iterate(PyObject* object) { return Py_NewRef(object); }

/// Waits for ever; a closed puller ends the iteration.
PyObject* Next(PyObject* object) {
  const bool is_ready = nb::inst_ready(object);
  if (is_ready && !nb::inst_ptr<UntypedPuller>(object)->opened) return nullptr;
  PyObject* job = Take(object, absl::InfiniteDuration(), Views::kPrivate, nullptr);
  const bool was_closed = job == nullptr && is_ready && !nb::inst_ptr<UntypedPuller>(object)->opened;
  if (was_closed && PyErr_ExceptionMatches(ErrorClass(ErrorKind::kConnection))) PyErr_Clear();
  return job;
}

void Close(UntypedPuller& self) {
  if (!self.opened) return;
  if (self.in_use > 0) self.close_wanted = true;  // the waiting thread closes within a slice
  else CloseNow(self);
}

nb::tuple Counters(const UntypedPuller& self) {
  const PullerStats stats = self.opened ? self.opened->stats() : self.last_stats;
  return nb::make_tuple(stats.received, stats.bytes, stats.expired, stats.incompatible, stats.corrupt, stats.dead_letters);
}

nb::tuple LastMetadata(const UntypedPuller& self) {
  return nb::make_tuple(self.sequence, self.publish_ns, self.pusher, self.attempt);
}

PyMethodDef methods[] = {
    {"recv", AsFunction(Receive), METH_FASTCALL | METH_KEYWORDS,
     "recv($self, timeout=None, *, copy=False)\n--\n\n"
     "The next job, which no other puller gets while this process lives, waited for up to `timeout`: an int of milliseconds,\n"
     "a timedelta, or None for ever. The job before it counts as done from here on.\n\n"
     "Objects are as Subscriber.recv gives them, but none looks at shared memory; with `copy` arrays are writable and bytes are\n"
     "bytes. Other threads run while it waits; Ctrl-C ends the wait.\n\n"
     "Errors: SHMTimeoutError, SHMSerializationError (cannot be decoded here; give_back leaves it to another puller),\n"
     "SHMCorruptionError, SHMConnectionError (closed, forked), SHMError (the job before was taken from this process).\n\n"
     ">>> with Pusher(\"doc/pull\") as pusher, Puller(\"doc/pull\") as puller:\n"
     "...     _ = pusher.send({\"tile\": 7})\n"
     "...     puller.recv(timeout=100)\n"
     "{'tile': 7}\n"},
    {"try_recv", AsFunction(TryReceive), METH_FASTCALL | METH_KEYWORDS,
     "try_recv($self, default=None, *, copy=False)\n--\n\n"
     "The next job, or `default` if there is none. Never waits. The job before counts as done either way. Errors as recv.\n\n"
     ">>> with Puller(\"doc/try_pull\") as puller:\n"
     "...     puller.try_recv(\"nothing\")\n"
     "'nothing'\n"},
    {"poll", AsFunction(Poll), METH_FASTCALL | METH_KEYWORDS,
     "poll($self, timeout=0)\n--\n\n"
     "Whether there is a job, waited for up to `timeout` (as in recv; 0 does not wait); another puller may take it first. The\n"
     "job in hand stays there.\n\n"
     ">>> with Puller(\"doc/poll_jobs\") as puller:\n"
     "...     puller.poll(timeout=1)\n"
     "False\n"},
    {"done", Done, METH_NOARGS,
     "done($self)\n--\n\n"
     "Says that the job in hand is done, before the next one is asked for. Nothing where none is in hand.\n"
     "Errors: SHMError (it was taken from this process, whose descriptors were closed), SHMConnectionError (closed, forked).\n\n"
     ">>> with Pusher(\"doc/done\") as pusher, Puller(\"doc/done\") as puller:\n"
     "...     _ = pusher.send(\"work\"), puller.recv(timeout=100)\n"
     "...     puller.done()\n"
     "...     puller.give_back()  # too late\n"
     "...     puller.try_recv(\"nothing\")\n"
     "'nothing'\n"},
    {"give_back", GiveBack, METH_NOARGS,
     "give_back($self)\n--\n\n"
     "Leaves the job in hand to another puller, or to this one again, with `attempt` one more. Nothing where none is in hand.\n"
     "Errors as done.\n\n"
     ">>> with Pusher(\"doc/back\") as pusher, Puller(\"doc/back\") as puller:\n"
     "...     _ = pusher.send(\"work\"), puller.recv(timeout=100)\n"
     "...     puller.give_back()\n"
     "...     puller.recv(timeout=100), puller.metadata.attempt\n"
     "('work', 1)\n"},
    {"fileno", Descriptor, METH_NOARGS,
     "fileno($self)\n--\n\n"
     "A descriptor for select, selectors and event loops. As Subscriber.fileno.\n\n"
     ">>> import select\n"
     ">>> with Puller(\"doc/pull_fileno\") as puller, Pusher(\"doc/pull_fileno\") as pusher:\n"
     "...     _ = puller.fileno(), pusher.send(\"work\")\n"
     "...     readable, _, _ = select.select([puller], [], [], 1)\n"
     "...     [end.try_recv() for end in readable]\n"
     "['work']\n"},
};

PyType_Slot slots[] = {
    {Py_tp_repr, reinterpret_cast<void*>(ReprOf<UntypedPuller>)},
    {Py_tp_iter, reinterpret_cast<void*>(Iterate)},
    {Py_tp_iternext, reinterpret_cast<void*>(Next)},
    {0, nullptr},
};

}  // namespace

void AddUntypedPuller(nb::module_& module) {
  nb::class_<UntypedPuller> puller(module, "UntypedPuller", nb::type_slots(slots),
                                   "The end of a channel without a schema that takes jobs.");
  puller
      .def("__init__", Open, nb::arg("name"), nb::arg("root"), nb::arg("domain"), nb::arg("options"), nb::arg("allow_pickle").none(),
           nb::arg("spin").none())
      .def("close", Close, "Leaves the channel; the job in hand is done. A wait in another thread ends. Closing twice is allowed.")
      .def("counters", Counters, "(received, bytes, expired, incompatible, corrupt, dead_letters)")
      .def("last_metadata", LastMetadata, "(sequence, publish_ns, pusher, attempt) of the job received last")
      .def_prop_ro("channel", [](const UntypedPuller& self) { return self.name; }, "Name of the channel.")
      .def_prop_ro("closed", [](const UntypedPuller& self) { return !self.opened.has_value(); },
                   "Whether this end was closed.");
  for (PyMethodDef& method : methods) AddFastMethod(puller, method);
}

}  // namespace shmcomm::python
