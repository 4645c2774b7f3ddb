// SPDX-License-Identifier: Apache-2.0
#include "untyped_request.h"

#include <array>
#include <new>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "arguments.h"
#include "end_log.h"
#include "errors.h"
#include "reference.h"
#include "request_content.h"
#include "untyped_write.h"

namespace shmcomm::python {
namespace {

/// What a request has besides its body.
struct Content : RequestContent {
  std::uint64_t max_size;
  Serializer serializer;   // of replies that do not say
};

struct RequestObject {
  PyObject_HEAD
  PyObject* body;
  alignas(Content) unsigned char storage[sizeof(Content)];
};

PyTypeObject* request_type = nullptr;

RequestObject* AsRequest(PyObject* object) { return reinterpret_cast<RequestObject*>(object); }
Content& ContentOf(PyObject* object) { return *std::launder(reinterpret_cast<Content*>(AsRequest(object)->storage)); }
RequestContent& CommonOf(PyObject* object) { return ContentOf(object); }

int Traverse(PyObject* object, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(AsRequest(object)->body);
  return 0;
}

int Clear(PyObject* object) {
  Py_CLEAR(AsRequest(object)->body);
  return 0;
}

void Dealloc(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  Clear(object);
  ContentOf(object).Drop();
  ContentOf(object).~Content();
  type->tp_free(object);
  Py_DECREF(type);
}

/// Where a reply is written to.
struct Outlet {
  absl::Status GiveCopy(const void* data, std::size_t bytes, Codec codec) { return request.ReplyCopy(data, bytes, codec); }
  absl::StatusOr<shmcomm::Loan> Lend() { return request.ReplyLoan(); }
  absl::Status GiveRaw(shmcomm::Loan loan, Codec codec) { return request.ReplyRaw(std::move(loan), codec); }

  shmcomm::Request& request;
};

PyObject* Answer(Content& content, PyObject* message, const Serializer& serializer) {
  Encoded encoded;
  if (!encoded.Encode(content.channel, message, serializer)) return nullptr;
  if (!content.CheckOpen()) return nullptr;  // answered by what encoding ran
  if (!CheckFits(content.channel, encoded.bytes(), content.max_size, "replier")) return nullptr;
  const absl::Status status = WriteMessage(Outlet{content.request}, encoded);
  if (status.ok()) {
    if (is_debugging) LogMessage("sent", content.channel, NameOf(encoded.codec()), encoded.bytes());
    return Py_NewRef(Py_None);
  }
  SetUseError(status, content.process);
  const bool is_lost = !absl::IsOutOfRange(status) && !absl::IsInvalidArgument(status) && !content.request.is_answered();
  if (is_lost) content.request.Fail(absl::AbortedError("the replier could not send its reply")).IgnoreError();
  return nullptr;
}

/// reply(message, /, *, serializer=None)
PyObject* Reply(PyObject* object, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  static constexpr Parameters<2> kParameters = {"reply", {"message", "serializer"}, 1};
  Content& content = ContentOf(object);
  std::array<PyObject*, 2> values;
  Serializer serializer = content.serializer;
  if (!PlaceArguments(kParameters, given, count, keywords, &values)) return nullptr;
  if (values[1] != nullptr && !ParseSerializer(values[1], content.serializer, &serializer)) return nullptr;
  if (values[0] == nullptr) {
    PyErr_SetString(PyExc_TypeError, "reply takes the message to answer with");
    return nullptr;
  }
  if (!content.CheckOpen()) return LogFailure(nullptr);
  return LogFailure(Answer(content, values[0], serializer));
}

PyObject* Fail(PyObject* object, PyObject* message) { return LogFailure(ContentOf(object).Fail(message)); }

PyObject* Body(PyObject* object, void*) {
  PyObject* body = AsRequest(object)->body;
  return Py_NewRef(body == nullptr ? Py_None : body);
}

PyObject* Repr(PyObject* object) {
  const Content& content = ContentOf(object);
  return PyUnicode_FromFormat("<request %llu of '%s'%s>", static_cast<unsigned long long>(content.request.sequence()),
                              content.channel.c_str(), content.request.is_answered() ? ", answered" : "");
}

using Attributes = RequestAttributes<CommonOf>;

PyGetSetDef properties[] = {
    {"body", Body, nullptr, "The object that was sent.", nullptr},
    {"sequence", Attributes::Sequence, nullptr, "The request's number in its channel.", nullptr},
    {"publish_ns", Attributes::PublishNs, nullptr, "When it was sent: time.monotonic_ns() of this computer.", nullptr},
    {"requester", Attributes::RequesterId, nullptr, "Id of its requester, 1 to 255.", nullptr},
    {"attempt", Attributes::Attempt, nullptr, "0: a request whose replier died is not given to another.", nullptr},
    {"answered", Attributes::Answered, nullptr, "Whether it was answered.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMethodDef methods[] = {
    {"reply", AsFunction(Reply), METH_FASTCALL | METH_KEYWORDS,
     "reply($self, message, /, *, serializer=None)\n--\n\n"
     "Answers, once, with any object, encoded as Publisher.send does. Never waits.\n"
     "Errors: SHMError (answered already), SHMTimeoutError (its caller no longer waits), SHMPeerDiedError (its caller\n"
     "is gone), SHMBufferFullError (its caller does not take its replies), SHMConnectionError (forked). The request\n"
     "stays open after SHMSerializationError and SHMMessageTooLargeError.\n"
     "Cost: as Publisher.send."},
    {"fail", Fail, METH_O,
     "fail($self, message, /)\n--\n\nAnswers with an error: its caller gets an SHMReplyError with this message. Errors as reply.\n"
     "Cost: the message is copied; a system call only to wake its caller."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("A request taken from a channel, to be answered once. One that is dropped is answered with an error.")},
    {Py_tp_dealloc, reinterpret_cast<void*>(Dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(Traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(Clear)},
    {Py_tp_repr, reinterpret_cast<void*>(Repr)},
    {Py_tp_getset, properties},
    {Py_tp_methods, methods},
    {0, nullptr},
};

PyType_Spec spec = {"shmcomm._core.UntypedRequest", sizeof(RequestObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_HAVE_GC, slots};

/// The text of the exception that is set, which stays set.
std::string ErrorText() {
  PyObject *type = nullptr, *error = nullptr, *trace = nullptr;
  PyErr_Fetch(&type, &error, &trace);
  PyErr_NormalizeException(&type, &error, &trace);
  std::string text;
  {
    const Reference words(PyObject_Str(error));
    const Reference bytes(words ? PyUnicode_AsEncodedString(words.get(), "utf-8", "replace") : nullptr);
    if (bytes) text = PyBytes_AS_STRING(bytes.get());
    PyErr_Clear();
  }
  PyErr_Restore(type, error, trace);
  return text;
}

/// Decoding may run Python code that closes the replier: nothing of it is touched afterwards.
PyObject* Decode(const UntypedReplier& replier, const shmcomm::Request& request, const std::string& channel) {
  if (is_debugging) LogMessage("received", channel, NameOf(request.codec()), request.size());
  const bool is_pickle = request.codec() == Codec::kPickle;
  const bool may_unpickle = is_pickle && replier.allow_pickle.value_or(request.is_from_this_user());
  return DecodeCopy(request.data(), request.size(), request.codec(), request.sequence(), {channel, may_unpickle, replier.views});
}

}  // namespace

PyObject* NewUntypedRequest(const UntypedReplier& replier, shmcomm::Request request) {
  Content content{{std::move(request), replier.state, replier.name, replier.process}, replier.max_size, replier.serializer};
  Reference body(Decode(replier, content.request, content.channel));
  if (!body) {
    content.request.Fail(absl::InvalidArgumentError(absl::StrCat("the replier cannot read the request: ", ErrorText()))).IgnoreError();
    return nullptr;
  }
  PyObject* made = request_type->tp_alloc(request_type, 0);
  if (made == nullptr) return nullptr;
  new (AsRequest(made)->storage) Content(std::move(content));
  AsRequest(made)->body = body.Release();
  return made;
}

bool AddUntypedRequestType(PyObject* module) {
  request_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return request_type != nullptr && PyModule_AddType(module, request_type) == 0;
}

}  // namespace shmcomm::python
