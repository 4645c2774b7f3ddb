// SPDX-License-Identifier: Apache-2.0
#include "request.h"

#include <memory>
#include <new>
#include <string>
#include <utility>

#include "errors.h"
#include "reference.h"
#include "request_content.h"
#include "sample.h"
#include "sender.h"

namespace shmcomm::python {
namespace {

/// What a request is besides a record.
struct Content : RequestContent {
  Type* reply;
};

struct RequestObject {
  RecordObject record;
  bool has_content;
  alignas(Content) unsigned char storage[sizeof(Content)];

  Content& content() { return *std::launder(reinterpret_cast<Content*>(storage)); }
};

PyTypeObject* request_type = nullptr;

Content& ContentOf(PyObject* object) { return reinterpret_cast<RequestObject*>(object)->content(); }

/// Where the answer goes.
struct Answer final : Sender {
  explicit Answer(Content& content) : request(content.request) {
    name = content.channel;
    type = content.reply;
    process = content.process;
  }

  absl::StatusOr<shmcomm::Loan> Lend() override { return request.ReplyLoan(); }
  absl::StatusOr<bool> WaitForRoom(absl::Duration) override { return true; }
  absl::Status Give(shmcomm::Loan loan, absl::Duration) override { return request.Reply(std::move(loan)); }
  absl::Status GiveStruct(shmcomm::Loan loan, absl::Duration) override {
    return request.ReplyRaw(std::move(loan), Codec::kStruct);
  }
  absl::Status GiveCopy(const void* bytes, std::size_t size, Codec codec, absl::Duration) override {
    return request.ReplyCopy(bytes, size, codec);
  }

  shmcomm::Request& request;
};

PyObject* New(PyTypeObject* python_class, PyObject*, PyObject*) {
  PyErr_Format(PyExc_TypeError, "%.100s comes from a replier; it cannot be made", python_class->tp_name);
  return nullptr;
}

void Dealloc(PyObject* object) {
  PyTypeObject* python_class = Py_TYPE(object);
  auto* self = reinterpret_cast<RequestObject*>(object);
  if (self->has_content) {
    self->content().Drop();
    self->content().~Content();
  }
  Py_XDECREF(self->record.owner);
  python_class->tp_free(object);
  Py_DECREF(python_class);
}

/// reply(message, /) or reply(**fields).
PyObject* Reply(PyObject* object, PyObject* const* arguments, Py_ssize_t given, PyObject* names) {
  Content& content = ContentOf(object);
  if (!content.CheckOpen()) return nullptr;
  const std::shared_ptr<InUseState> state = content.state;
  Answer answer(content);
  {
    const InUse mark(state->in_use);  // a value being converted may run Python code that answers
    if (!SendArguments(answer, "reply", arguments, given, names)) return nullptr;
  }
  LogSent(answer);
  return Py_NewRef(Py_None);
}

PyObject* Fail(PyObject* object, PyObject* message) { return ContentOf(object).Fail(message); }

RequestContent& CommonOf(PyObject* object) { return ContentOf(object); }
using Attributes = RequestAttributes<CommonOf>;

PyGetSetDef properties[] = {
    {"sequence", Attributes::Sequence, nullptr, "The request's number in its channel.", nullptr},
    {"publish_ns", Attributes::PublishNs, nullptr, "When it was sent: time.monotonic_ns() of this computer.", nullptr},
    {"requester", Attributes::RequesterId, nullptr, "Id of its requester, 1 to 255.", nullptr},
    {"attempt", Attributes::Attempt, nullptr, "0, or how many repliers died at it (idempotent channels).", nullptr},
    {"answered", Attributes::Answered, nullptr, "Whether it was answered.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMethodDef methods[] = {
    {"reply", AsFunction(Logged<Reply>), METH_FASTCALL | METH_KEYWORDS,
     "reply($self, message=None, /, **fields)\n--\n\n"
     "Answers, once: with an instance, a dict, or keywords; built directly in shared memory. Never waits.\n"
     "Errors: SHMError (answered already), SHMTimeoutError (its caller no longer waits), SHMPeerDiedError (its caller\n"
     "is gone), SHMBufferFullError (its caller does not take its replies), SHMConnectionError (forked). The request\n"
     "stays open after SHMSerializationError and SHMMessageTooLargeError.\n"
     "Cost: values are copied once, to where the caller reads them; a system call only to wake it.\n\n"
     ">>> with DriveReplier() as server, DriveRequester() as client:\n"
     "...     call = client.start(linear=0.5, timeout=60_000)\n"
     "...     server.recv(timeout=100).reply(ok=True, message=\"moving\")\n"
     "...     call.result(timeout=100).message\n"
     "'moving'\n"},
    {"fail", Logged<Fail>, METH_O,
     "fail($self, message, /)\n--\n\nAnswers with an error: its caller gets an SHMReplyError with this message. Errors as reply.\n"
     "Cost: the message is copied; a system call only to wake its caller.\n\n"
     ">>> with DriveReplier() as server, DriveRequester() as client:\n"
     "...     call = client.start(linear=0.5, timeout=60_000)\n"
     "...     server.recv(timeout=100).fail(\"out of order\")\n"
     "...     try:\n"
     "...         call.result(timeout=100)\n"
     "...     except shmcomm.SHMReplyError as error:\n"
     "...         print(error.message)\n"
     "out of order\n"},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>(
         "A request taken from a channel, a copy, to be answered once, on the replier's thread. One that is dropped is answered\n"
         "with an error.\n\n"
         ">>> with DriveReplier() as server, DriveRequester() as client:\n"
         "...     call = client.start(linear=0.5, timeout=60_000)\n"
         "...     request = server.recv(timeout=100)\n"
         "...     request.linear, request.answered, request.reply(ok=True), request.answered\n"
         "(0.5, False, None, True)\n")},
    {Py_tp_new, reinterpret_cast<void*>(New)},
    {Py_tp_dealloc, reinterpret_cast<void*>(Dealloc)},
    {Py_tp_getset, properties},
    {Py_tp_methods, methods},
    {0, nullptr},
};

PyType_Spec spec = {"shmcomm._core.Request", sizeof(RequestObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

/// The message copied and looked at; null with SHMCorruptionError.
PyObject* NewRecordOf(const std::string& channel, PyTypeObject* python_class, const Type& type, const shmcomm::Request& request) {
  if (!CheckMessage(channel, type, request.sequence(), request.size(), request.codec())) return nullptr;
  const Reference bytes(PyBytes_FromStringAndSize(reinterpret_cast<const char*>(request.data()),
                                                  static_cast<Py_ssize_t>(request.size())));
  return bytes ? NewValue(python_class, type, bytes.get()) : nullptr;
}

}  // namespace

bool BindRequestClass(PyObject* python_class) { return BindMessageClass(python_class, request_type, Dealloc); }

PyObject* NewRequest(const Opened<Replier>& replier, shmcomm::Request request) {
  PyObject* made = NewRecordOf(replier.name, replier.sample_class, *replier.type, request);
  if (made == nullptr) {
    NameChannel(replier.name);
    request.Fail(absl::DataLossError(replier.name + ": the request is no valid " + replier.type->name)).IgnoreError();
    return nullptr;
  }
  auto* self = reinterpret_cast<RequestObject*>(made);
  new (self->storage) Content{{std::move(request), replier.state, replier.name, replier.process}, replier.reply};
  self->has_content = true;
  return made;
}

bool AddRequestType(PyObject* module) {
  const Reference bases(PyTuple_Pack(1, RecordType()));
  if (!bases) return false;
  request_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpecWithBases(&spec, bases.get()));
  return request_type != nullptr && PyModule_AddType(module, request_type) == 0;
}

}  // namespace shmcomm::python
