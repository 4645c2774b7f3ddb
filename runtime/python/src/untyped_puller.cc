// SPDX-License-Identifier: Apache-2.0
// The end of a channel without a schema that takes jobs. The job that was received last is in hand: it is done when the next
// one is asked for, at done() and at close().
#include "shmcomm/puller.h"

#include <nanobind/stl/string.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "arguments.h"
#include "end_log.h"
#include "endpoint.h"
#include "endpoints.h"
#include "receiver.h"
#include "timeout.h"
#include "untyped_decode.h"
#include "untyped_options.h"

namespace nb = nanobind;

namespace shmcomm::python {
namespace {

using Views = DecodeRules::Views;

/// What travelled with the job that was received last; stays readable after close.
struct Travelled {
  std::uint64_t sequence = 0;
  std::int64_t publish_ns = 0;
  std::uint32_t pusher = 0;
  std::uint32_t attempt = 0;
};

struct PullerRecord : PullerStats {
  Travelled last;
};

/// Named apart from what puller.cc has: nanobind tells types apart by their names.
struct OpenedUntypedPuller : Opened<Puller> {
  OpenedUntypedPuller(Opened<Puller> end, std::optional<bool> may_unpickle)
      : Opened<Puller>(std::move(end)), allow_pickle(may_unpickle) {}
  OpenedUntypedPuller(OpenedUntypedPuller&&) = default;
  /// Whoever drops a puller without closing it has not said that its job is done.
  ~OpenedUntypedPuller() {
    if (in_hand) in_hand->GiveBack().IgnoreError();
  }

  PullerRecord stats() const { return {endpoint.stats(), last}; }
  void BeforeClose() {
    if (in_hand) in_hand->Ack().IgnoreError();
    in_hand.reset();
  }

  std::optional<bool> allow_pickle;  ///< empty: from this user only
  Views views = Views::kPrivate;     ///< of what is taken next
  Travelled last;
  std::optional<Job> in_hand;
};

struct UntypedPullerEnd {
  using Endpoint = Puller;
  using Opened = OpenedUntypedPuller;
  using Stats = PullerRecord;
  using Message = Job;
  static constexpr const char* kName = "puller";
  static constexpr const char* kWanted = "job";
  static constexpr const char* kSender = "pusher";

  /// The object that was sent, a copy: its slot belongs to the next job once this one is done. A job that cannot be decoded
  /// here is in hand all the same.
  static PyObject* New(Opened& self, Job job) {
    self.last = {job.sequence(), job.publish_ns(), job.pusher(), job.attempt()};
    const bool is_pickle = job.codec() == Codec::kPickle;
    const bool may_unpickle = is_pickle && self.allow_pickle.value_or(self.endpoint.IsFromThisUser(job));
    const std::string channel = self.name;
    const Codec codec = job.codec();
    const std::uint32_t bytes = job.size();
    const std::weak_ptr<InUseState> end = self.state;
    PyObject* made = DecodeCopy(job.data(), bytes, codec, job.sequence(), DecodeRules{channel, may_unpickle, self.views});
    if (!end.expired()) self.in_hand = std::move(job);  // otherwise closed by what decoding ran, and the job is done
    if (made != nullptr && is_debugging) LogMessage("received", channel, NameOf(codec), bytes);
    return made;
  }
  static void Refuse(Job job) { job.GiveBack().IgnoreError(); }
};

using PullerObject = Receiver<UntypedPullerEnd>;
using PullerHandle = PullerObject::Handle;

void Open(PullerHandle* self, std::string name, std::string root, std::string domain, const nb::dict& chosen,
          nb::handle allow_pickle, nb::handle spin) {
  const UntypedChannel channel = ReadUntypedChannel(Pattern::kPushPull, chosen);
  auto options = CommonOptions<PullerOptions>(std::move(name), std::move(root), std::move(domain));
  options.adopted = channel.adopted;
  ReadDuration(spin, &options.spin);
  Puller puller = OpenEndpoint<Puller>(channel.spec, options);
  new (self) PullerHandle{};
  self->name = puller.channel();
  std::optional<bool> may_unpickle;
  if (!allow_pickle.is_none()) may_unpickle = nb::cast<bool>(allow_pickle);
  Opened<Puller> end{std::move(puller), self->name, nb::object(), nullptr, nullptr, ProcessNumber()};
  self->opened.emplace(OpenedUntypedPuller{std::move(end), may_unpickle});
}

/// Ends the job in hand through `end`. False with an exception set where it was another's already.
bool EndInHand(OpenedUntypedPuller& self, absl::Status (Job::*end)()) {
  if (!self.in_hand) return true;
  const absl::Status status = ((*self.in_hand).*end)();
  self.in_hand.reset();
  return status.ok() || PullerObject::Fail(self, status) != nullptr;
}

/// The job before counts as done, and the next is decoded as `views`. Null with an exception set.
OpenedUntypedPuller* GoOn(PyObject* object, Views views) {
  OpenedUntypedPuller* self = PullerObject::Usable(object);
  if (self == nullptr || !EndInHand(*self, &Job::Ack)) return nullptr;
  self->views = views;
  return self;
}

/// recv(timeout=None, *, copy=False)
PyObject* Receive(PyObject* object, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  static constexpr Parameters<2> kParameters = {"recv", {"timeout", "copy"}, 1};
  std::array<PyObject*, 2> values;
  absl::Duration timeout = absl::InfiniteDuration();
  Views views = Views::kPrivate;
  if (!PlaceArguments(kParameters, given, count, keywords, &values)) return nullptr;
  if (!ParseTimeout(values[0], &timeout) || !ParseCopy(values[1], Views::kPrivate, &views)) return nullptr;
  return GoOn(object, views) == nullptr ? nullptr : PullerObject::Take(object, timeout);
}

/// try_recv(default=None, *, copy=False)
PyObject* TryReceive(PyObject* object, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  static constexpr Parameters<2> kParameters = {"try_recv", {"default", "copy"}, 1};
  std::array<PyObject*, 2> values;
  Views views = Views::kPrivate;
  if (!PlaceArguments(kParameters, given, count, keywords, &values) || !ParseCopy(values[1], Views::kPrivate, &views)) return nullptr;
  OpenedUntypedPuller* self = GoOn(object, views);
  if (self == nullptr) return nullptr;
  return PullerObject::TakeOr(*self, self->endpoint.TryTake(), values[0] == nullptr ? Py_None : values[0]);
}

PyObject* Done(PyObject* object, PyObject*) {
  OpenedUntypedPuller* self = PullerObject::Usable(object);
  return self == nullptr || !EndInHand(*self, &Job::Ack) ? nullptr : Py_NewRef(Py_None);
}

PyObject* GiveBack(PyObject* object, PyObject*) {
  OpenedUntypedPuller* self = PullerObject::Usable(object);
  return self == nullptr || !EndInHand(*self, &Job::GiveBack) ? nullptr : Py_NewRef(Py_None);
}

/// Waits for ever; a closed puller ends the iteration.
PyObject* Next(PyObject* object) {
  const bool is_open = nb::inst_ready(object) && nb::inst_ptr<PullerHandle>(object)->opened;
  if (is_open && GoOn(object, Views::kPrivate) == nullptr) return LogFailure(nullptr);
  return PullerObject::Next(object);
}

nb::tuple Counters(const PullerHandle& self) {
  const PullerStats stats = self.stats();
  return nb::make_tuple(stats.received, stats.bytes, stats.expired, stats.incompatible, stats.corrupt, stats.dead_letters);
}

nb::tuple LastMetadata(const PullerHandle& self) {
  const Travelled last = self.stats().last;
  return nb::make_tuple(last.sequence, last.publish_ns, last.pusher, last.attempt);
}

PyMethodDef methods[] = {
    {"recv", AsFunction(Logged<Receive>), METH_FASTCALL | METH_KEYWORDS,
     "recv($self, timeout=None, *, copy=False)\n--\n\n"
     "The next job, which no other puller gets while this process lives, waited for up to `timeout`: an int of milliseconds,\n"
     "a timedelta, or None for ever. The job before it counts as done from here on.\n\n"
     "Objects are as Subscriber.recv gives them, but none looks at shared memory; with `copy` arrays are writable and bytes are\n"
     "bytes. Other threads run while it waits; Ctrl-C ends the wait.\n\n"
     "Errors: SHMTimeoutError, SHMSerializationError (cannot be decoded here; give_back leaves it to another puller),\n"
     "SHMCorruptionError, SHMConnectionError (closed, forked), SHMError (the job before was taken from this process).\n"
     "Cost: the job is copied; no system call where one is there; otherwise the thread sleeps, after a short look.\n\n"
     ">>> with Pusher(\"doc/pull\") as pusher, Puller(\"doc/pull\") as puller:\n"
     "...     _ = pusher.send({\"tile\": 7})\n"
     "...     puller.recv(timeout=100)\n"
     "{'tile': 7}\n"},
    {"try_recv", AsFunction(Logged<TryReceive>), METH_FASTCALL | METH_KEYWORDS,
     "try_recv($self, default=None, *, copy=False)\n--\n\n"
     "The next job, or `default` if there is none. Never waits. The job before counts as done either way. Errors as recv.\n"
     "Cost: the job is copied; no system call (once fileno() was called, one that arms it again where nothing is there).\n\n"
     ">>> with Puller(\"doc/try_pull\") as puller:\n"
     "...     puller.try_recv(\"nothing\")\n"
     "'nothing'\n"},
    {"poll", AsFunction(PullerObject::Poll), METH_FASTCALL | METH_KEYWORDS,
     "poll($self, timeout=0)\n--\n\n"
     "Whether there is a job, waited for up to `timeout` (as in recv; 0 does not wait); another puller may take it first. The\n"
     "job in hand stays there.\n"
     "Cost: nothing is copied; no system call where a job is there, one with 0 where none is.\n\n"
     ">>> with Puller(\"doc/poll_jobs\") as puller:\n"
     "...     puller.poll(timeout=1)\n"
     "False\n"},
    {"done", Logged<Done>, METH_NOARGS,
     "done($self)\n--\n\n"
     "Says that the job in hand is done, before the next one is asked for. Nothing where none is in hand.\n"
     "Errors: SHMError (it was taken from this process, whose descriptors were closed), SHMConnectionError (closed, forked).\n"
     "Cost: no system call, unless a pusher sleeps for room.\n\n"
     ">>> with Pusher(\"doc/done\") as pusher, Puller(\"doc/done\") as puller:\n"
     "...     _ = pusher.send(\"work\"), puller.recv(timeout=100)\n"
     "...     puller.done()\n"
     "...     puller.give_back()  # too late\n"
     "...     puller.try_recv(\"nothing\")\n"
     "'nothing'\n"},
    {"give_back", Logged<GiveBack>, METH_NOARGS,
     "give_back($self)\n--\n\n"
     "Leaves the job in hand to another puller, or to this one again, with `attempt` one more. Nothing where none is in hand.\n"
     "Errors as done.\n"
     "Cost: no system call, unless a puller sleeps.\n\n"
     ">>> with Pusher(\"doc/back\") as pusher, Puller(\"doc/back\") as puller:\n"
     "...     _ = pusher.send(\"work\"), puller.recv(timeout=100)\n"
     "...     puller.give_back()\n"
     "...     puller.recv(timeout=100), puller.metadata.attempt\n"
     "('work', 1)\n"},
    {"fileno", PullerObject::Descriptor, METH_NOARGS,
     "fileno($self)\n--\n\n"
     "A descriptor for select, selectors and event loops. As Subscriber.fileno.\n"
     "Cost: the first call makes the descriptor, some system calls; later ones none.\n\n"
     ">>> import select\n"
     ">>> with Puller(\"doc/pull_fileno\") as puller, Pusher(\"doc/pull_fileno\") as pusher:\n"
     "...     _ = puller.fileno(), pusher.send(\"work\")\n"
     "...     readable, _, _ = select.select([puller], [], [], 1)\n"
     "...     [end.try_recv() for end in readable]\n"
     "['work']\n"},
};

PyType_Slot slots[] = {
    {Py_tp_repr, reinterpret_cast<void*>(ReprOf<PullerHandle>)},
    {Py_tp_iter, reinterpret_cast<void*>(PullerObject::Iterate)},
    {Py_tp_iternext, reinterpret_cast<void*>(Next)},
    {0, nullptr},
};

}  // namespace

void AddUntypedPuller(nb::module_& module) {
  nb::class_<PullerHandle> puller(module, "UntypedPuller", nb::type_slots(slots),
                                   "The end of a channel without a schema that takes jobs.");
  puller
      .def("__init__", Open, nb::arg("name"), nb::arg("root"), nb::arg("domain"), nb::arg("options"), nb::arg("allow_pickle").none(),
           nb::arg("spin").none())
      .def("close", PullerObject::Close, "Leaves the channel; the job in hand is done. A wait in another thread ends. Closing twice is allowed.")
      .def("counters", Counters, "(received, bytes, expired, incompatible, corrupt, dead_letters)")
      .def("last_metadata", LastMetadata, "(sequence, publish_ns, pusher, attempt) of the job received last")
      .def_prop_ro("channel", ChannelOf<PullerHandle>, "Name of the channel. Error: SHMConnectionError where it was never opened.")
      .def_prop_ro("closed", [](const PullerHandle& self) { return !self.opened.has_value(); },
                   "Whether this end was closed.");
  for (PyMethodDef& method : methods) AddFastMethod(puller, method);
}

}  // namespace shmcomm::python
