// SPDX-License-Identifier: Apache-2.0
// The exceptions of shmcomm/errors.py, raised from C++.
#pragma once

#include <Python.h>

#include <string>

#include "absl/status/status.h"

namespace shmcomm::python {

enum class ErrorKind {
  kBase,
  kConnection,
  kTimeout,
  kBufferFull,
  kSerialization,
  kSchemaMismatch,
  kMessageTooLarge,
  kPeerDied,
  kCorruption,
  kReply,
};

/// What to do about a message that is read and does not make sense: the end of such texts.
inline constexpr const char* kDamaged = "; it is damaged: drop it, and see what else writes there";

/// What an endpoint was doing when it failed: the same code means different things when opening and when in use.
enum class Doing { kOpening, kUsing, kForked };

/// The exception class, imported on first use. Borrowed; null with an exception set if the package is broken.
PyObject* ErrorClass(ErrorKind kind);

/// Sets the exception; `format` as in PyErr_Format.
void SetError(ErrorKind kind, const char* format, ...);

/// Puts the channel before the text of the exception that is set, where it is about a message that did not know its channel:
/// SHMSerializationError, SHMMessageTooLargeError, SHMCorruptionError. False, for the caller to return.
bool NameChannel(const std::string& channel);

/// Sets the exception a failed status stands for. The table is in README.md.
void SetError(const absl::Status& status, Doing doing);

}  // namespace shmcomm::python
