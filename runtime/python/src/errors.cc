// SPDX-License-Identifier: Apache-2.0
#include "errors.h"

#include <array>
#include <cstdarg>
#include <string>

#include "absl/strings/match.h"
#include "reference.h"

namespace shmcomm::python {
namespace {

constexpr std::array<const char*, 10> kNames = {
    "SHMError",          "SHMConnectionError",      "SHMTimeoutError",         "SHMBufferFullError", "SHMSerializationError",
    "SHMSchemaMismatchError", "SHMMessageTooLargeError", "SHMPeerDiedError", "SHMCorruptionError", "SHMReplyError",
};

/// A failed precondition is either two schemas that disagree, which the message says in that word, or an endpoint that
/// cannot be used any more.
ErrorKind KindOfPrecondition(const absl::Status& status) {
  return absl::StrContains(status.message(), "disagree") ? ErrorKind::kSchemaMismatch : ErrorKind::kConnection;
}

ErrorKind KindOf(const absl::Status& status, Doing doing) {
  if (doing == Doing::kForked) return ErrorKind::kConnection;
  const bool is_opening = doing == Doing::kOpening;
  switch (status.code()) {
    case absl::StatusCode::kDeadlineExceeded: return ErrorKind::kTimeout;
    case absl::StatusCode::kOutOfRange: return ErrorKind::kMessageTooLarge;
    case absl::StatusCode::kResourceExhausted: return is_opening ? ErrorKind::kConnection : ErrorKind::kBufferFull;
    case absl::StatusCode::kFailedPrecondition: return KindOfPrecondition(status);
    case absl::StatusCode::kUnavailable: return is_opening ? ErrorKind::kConnection : ErrorKind::kPeerDied;
    case absl::StatusCode::kDataLoss: return ErrorKind::kCorruption;
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kPermissionDenied: return ErrorKind::kConnection;
    default: return is_opening ? ErrorKind::kConnection : ErrorKind::kBase;
  }
}

/// Whether errors of this class, and not of one that derives from it, tell of messages.
bool IsOfMessages(PyObject* type) {
  for (const ErrorKind kind : {ErrorKind::kSerialization, ErrorKind::kMessageTooLarge, ErrorKind::kCorruption}) {
    if (type == ErrorClass(kind)) return true;
  }
  return false;
}

/// Puts `channel: ` before the text of `error`, unless it begins so.
void NameChannelIn(PyObject* error, const std::string& channel) {
  const Reference text(PyObject_Str(error));
  const Reference named(text ? PyUnicode_FromFormat("%s: %U", channel.c_str(), text.get()) : nullptr);
  const Reference begin(named ? PyUnicode_FromFormat("%s: ", channel.c_str()) : nullptr);
  const Reference arguments(begin ? PyTuple_Pack(1, named.get()) : nullptr);
  if (!arguments || PyUnicode_Tailmatch(text.get(), begin.get(), 0, PY_SSIZE_T_MAX, -1) != 0) return;
  PyObject_SetAttrString(error, "args", arguments.get());
}

}  // namespace

PyObject* ErrorClass(ErrorKind kind) {
  static std::array<PyObject*, kNames.size()> classes = {};
  PyObject*& found = classes[static_cast<std::size_t>(kind)];
  if (found != nullptr) return found;
  PyObject* module = PyImport_ImportModule("shmcomm.errors");
  if (module == nullptr) return nullptr;
  found = PyObject_GetAttrString(module, kNames[static_cast<std::size_t>(kind)]);
  Py_DECREF(module);
  return found;
}

void SetError(ErrorKind kind, const char* format, ...) {
  PyObject* error = ErrorClass(kind);
  if (error == nullptr) return;
  va_list arguments;
  va_start(arguments, format);
  PyErr_FormatV(error, format, arguments);
  va_end(arguments);
}

bool NameChannel(const std::string& channel) {
  PyObject *type = nullptr, *error = nullptr, *trace = nullptr;
  PyErr_Fetch(&type, &error, &trace);
  if (type != nullptr && IsOfMessages(type)) {
    PyErr_NormalizeException(&type, &error, &trace);
    NameChannelIn(error, channel);
    PyErr_Clear();
  }
  PyErr_Restore(type, error, trace);
  return false;
}

void SetError(const absl::Status& status, Doing doing) {
  const std::string message(status.message());
  PyObject* text = PyUnicode_DecodeUTF8(message.data(), static_cast<Py_ssize_t>(message.size()), "replace");
  if (text == nullptr) return;
  PyObject* error = status.code() == absl::StatusCode::kInvalidArgument ? PyExc_ValueError
                                                                        : ErrorClass(KindOf(status, doing));
  if (error != nullptr) PyErr_SetObject(error, text);
  Py_DECREF(text);
}

}  // namespace shmcomm::python
