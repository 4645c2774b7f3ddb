// SPDX-License-Identifier: Apache-2.0
#include "errors.h"

#include <array>
#include <cstdarg>
#include <string>

#include "absl/strings/match.h"

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
