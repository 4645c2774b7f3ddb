// SPDX-License-Identifier: Apache-2.0
#include "job.h"

#include <new>
#include <utility>

#include "endpoint.h"
#include "errors.h"
#include "sample.h"

namespace shmcomm::python {
namespace {

/// The claim. Views of the message hold it; it ends with the last of them.
struct ClaimObject {
  PyObject_HEAD
  bool gives_back;
  alignas(shmcomm::Job) unsigned char storage[sizeof(shmcomm::Job)];

  shmcomm::Job& job() { return *std::launder(reinterpret_cast<shmcomm::Job*>(storage)); }
};

enum class Ended : std::uint8_t { kNot, kDone, kGivenBack };

/// The record's owner is the claim, null once the job is done or given back.
struct JobObject {
  RecordObject record;
  Ended ended;
  std::uint64_t sequence;
  std::int64_t publish_ns;
  std::int64_t process;
  std::uint32_t pusher;
  std::uint32_t attempt;
};

PyTypeObject* claim_type = nullptr;
PyTypeObject* job_type = nullptr;

ClaimObject* AsClaim(PyObject* object) { return reinterpret_cast<ClaimObject*>(object); }
JobObject* AsJob(PyObject* object) { return reinterpret_cast<JobObject*>(object); }

void DeallocClaim(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  ClaimObject& self = *AsClaim(object);
  if (self.gives_back) self.job().GiveBack().IgnoreError();  // nobody is left to be told
  self.job().~Job();
  type->tp_free(object);
  Py_DECREF(type);
}

int GetClaimBuffer(PyObject* object, Py_buffer* view, int flags) {
  const shmcomm::Job& job = AsClaim(object)->job();
  return PyBuffer_FillInfo(view, object, const_cast<std::uint8_t*>(job.data()), static_cast<Py_ssize_t>(job.size()), 1, flags);
}

PyObject* New(PyTypeObject* python_class, PyObject*, PyObject*) {
  PyErr_Format(PyExc_TypeError, "%.100s comes from a puller; it cannot be made", python_class->tp_name);
  return nullptr;
}

void Dealloc(PyObject* object) {
  PyTypeObject* python_class = Py_TYPE(object);
  Py_XDECREF(AsRecord(object)->owner);
  python_class->tp_free(object);
  Py_DECREF(python_class);
}

int GetBuffer(PyObject* object, Py_buffer* view, int flags) {
  PyObject* claim = AsRecord(object)->owner;
  if (claim != nullptr) return PyObject_GetBuffer(claim, view, flags);
  view->obj = nullptr;
  PyErr_SetString(PyExc_BufferError, "this job is over; its message is gone");
  return -1;
}

/// Ends the claim now if nobody else looks at the message, otherwise with the last view.
bool End(JobObject& self, absl::Status (shmcomm::Job::*end)()) {
  PyObject* claim = std::exchange(self.record.owner, nullptr);
  if (claim == nullptr) return true;
  self.ended = end == &shmcomm::Job::Ack ? Ended::kDone : Ended::kGivenBack;
  MarkOver(self.record);
  absl::Status status;
  if (Py_REFCNT(claim) == 1) status = (AsClaim(claim)->job().*end)();
  else AsClaim(claim)->gives_back = end == &shmcomm::Job::GiveBack;
  Py_DECREF(claim);
  if (status.ok()) return true;
  SetUseError(status, self.process);
  return false;
}

PyObject* Done(PyObject* object, PyObject*) {
  if (AsJob(object)->ended == Ended::kGivenBack) {
    SetError(ErrorKind::kBase, "%s: this job was given back already, and will be done again; call either done() or give_back()",
             AsJob(object)->record.type->name.c_str());
    return nullptr;
  }
  return End(*AsJob(object), &shmcomm::Job::Ack) ? Py_NewRef(Py_None) : nullptr;
}

PyObject* GiveBack(PyObject* object, PyObject*) {
  if (AsJob(object)->ended == Ended::kDone) {
    SetError(ErrorKind::kBase, "%s: this job is done already, and nobody gets it again; call either done() or give_back()",
             AsJob(object)->record.type->name.c_str());
    return nullptr;
  }
  return End(*AsJob(object), &shmcomm::Job::GiveBack) ? Py_NewRef(Py_None) : nullptr;
}

PyObject* Enter(PyObject* object, PyObject*) { return Py_NewRef(object); }

PyObject* Exit(PyObject* object, PyObject* arguments) {
  PyObject* kind = PyTuple_GET_SIZE(arguments) > 0 ? PyTuple_GET_ITEM(arguments, 0) : Py_None;
  const bool ok = End(*AsJob(object), kind == Py_None ? &shmcomm::Job::Ack : &shmcomm::Job::GiveBack);
  return ok ? Py_NewRef(Py_False) : nullptr;
}

PyObject* GetSequence(PyObject* self, void*) { return PyLong_FromUnsignedLongLong(AsJob(self)->sequence); }
PyObject* GetPublishNs(PyObject* self, void*) { return PyLong_FromLongLong(AsJob(self)->publish_ns); }
PyObject* GetPusher(PyObject* self, void*) { return PyLong_FromUnsignedLong(AsJob(self)->pusher); }
PyObject* GetAttempt(PyObject* self, void*) { return PyLong_FromUnsignedLong(AsJob(self)->attempt); }

PyGetSetDef properties[] = {
    {"sequence", GetSequence, nullptr, "The job's number in its channel.", nullptr},
    {"publish_ns", GetPublishNs, nullptr, "When it was pushed: time.monotonic_ns() of this computer.", nullptr},
    {"pusher", GetPusher, nullptr, "Id of its pusher, 1 to 255.", nullptr},
    {"attempt", GetAttempt, nullptr, "0, or how many pullers died with it or gave it back.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMethodDef methods[] = {
    {"done", Logged<Done>, METH_NOARGS,
     "done($self)\n--\n\n"
     "Says that the job is done, on any thread: no other puller will get it. Its fields can no longer be read. While arrays or\n"
     "other parts of its message are held it counts as open, and is done with the last of them. Twice is allowed.\n"
     "Errors: SHMError after give_back(), and where another puller has got it, because this process's descriptors were\n"
     "closed under it; SHMConnectionError in a forked child.\n"
     "Cost: no system call, unless a pusher sleeps for room.\n\n"
     ">>> with TilesPuller() as puller, TilesPusher() as pusher:\n"
     "...     pusher.push(id=7)\n"
     "...     job = puller.recv(timeout=100)\n"
     "...     job.done()\n"},
    {"give_back", Logged<GiveBack>, METH_NOARGS,
     "give_back($self)\n--\n\n"
     "Gives the job to another puller, or to this one again, with `attempt` one more; after the channel's max_attempts it is a\n"
     "dead letter instead. SHMError after done(); as done otherwise.\n"
     "Cost: no system call, unless a puller sleeps.\n\n"
     ">>> with TilesPuller() as puller, TilesPusher() as pusher:\n"
     "...     pusher.push(id=7)\n"
     "...     puller.recv(timeout=100).give_back()\n"
     "...     job = puller.recv(timeout=100)\n"
     "...     job.id, job.attempt\n"
     "(7, 1)\n"},
    {"__enter__", Enter, METH_NOARGS, nullptr},
    {"__exit__", Logged<Exit>, METH_VARARGS, "The job is done, or given back where an exception passes."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot claim_slots[] = {
    {Py_tp_doc, const_cast<char*>("The claim of a job; its message stays as it is while a view lives.")},
    {Py_tp_dealloc, reinterpret_cast<void*>(DeallocClaim)},
    {Py_bf_getbuffer, reinterpret_cast<void*>(GetClaimBuffer)},
    {0, nullptr},
};

PyType_Spec claim_spec = {"shmcomm._core.Claim", sizeof(ClaimObject), 0,
                          Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, claim_slots};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>(
         "A job taken from a channel. Done at the end of its `with` block, or when it is dropped; given back where the block raises.\n\n"
         ">>> with TilesPuller() as puller, TilesPusher() as pusher:\n"
         "...     pusher.push(id=7)\n"
         "...     with puller.recv(timeout=100) as job:\n"
         "...         job.id, job.sequence, job.attempt\n"
         "(7, 0, 0)\n")},
    {Py_tp_new, reinterpret_cast<void*>(New)},
    {Py_tp_dealloc, reinterpret_cast<void*>(Dealloc)},
    {Py_tp_getset, properties},
    {Py_tp_methods, methods},
    {Py_bf_getbuffer, reinterpret_cast<void*>(GetBuffer)},
    {0, nullptr},
};

PyType_Spec spec = {"shmcomm._core.Job", sizeof(JobObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

PyObject* NewClaim(shmcomm::Job job) {
  PyObject* made = claim_type->tp_alloc(claim_type, 0);
  if (made != nullptr) new (AsClaim(made)->storage) shmcomm::Job(std::move(job));
  return made;
}

}  // namespace

bool BindJobClass(PyObject* python_class) { return BindMessageClass(python_class, job_type, Dealloc); }

PyObject* NewJob(const std::string& channel, std::int64_t process, PyTypeObject* python_class, const Type& type, shmcomm::Job job) {
  if (!CheckMessage(channel, type, job.sequence(), job.size(), job.codec())) return nullptr;
  PyObject* made = python_class->tp_alloc(python_class, 0);
  if (made == nullptr) return nullptr;
  JobObject& self = *AsJob(made);
  self.sequence = job.sequence();
  self.publish_ns = job.publish_ns();
  self.process = process;
  self.pusher = job.pusher();
  self.attempt = job.attempt();
  const Region region{job.data(), job.size()};
  self.record.owner = NewClaim(std::move(job));
  if (self.record.owner != nullptr && PlaceRoot(self.record, type, region)) return made;
  NameChannel(channel);
  Py_DECREF(made);
  return nullptr;
}

bool AddJobType(PyObject* module) {
  claim_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&claim_spec));
  PyObject* bases = PyTuple_Pack(1, RecordType());
  if (bases == nullptr) return false;
  job_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpecWithBases(&spec, bases));
  Py_DECREF(bases);
  return claim_type != nullptr && job_type != nullptr && PyModule_AddType(module, job_type) == 0;
}

}  // namespace shmcomm::python
