// SPDX-License-Identifier: Apache-2.0
// A received message without a schema as a Python object. Formats: runtime/doc/message_codecs.md. Nothing in the message
// is trusted, except a pickle, which is decoded only from those whom the receiver trusts.
#pragma once

#include <Python.h>

#include <cstdint>
#include <string>

#include "shmcomm/channel_spec.h"
#include "shmcomm/sample.h"

namespace shmcomm::python {

/// How messages of one endpoint are decoded.
struct DecodeRules {
  enum class Views {
    kShared,       ///< read-only views, on the slot where that is worth it
    kOwned,        ///< objects of their own, writable; bytes
    kPrivate,      ///< read-only, none on the slot
  };
  const std::string& channel;
  bool may_unpickle;
  Views views;
};

/// The argument `copy`, null where it was not given. False with an exception set.
bool ParseCopy(PyObject* value, DecodeRules::Views otherwise, DecodeRules::Views* views);

/// The object, or null with an exception set: SHMSerializationError where it cannot be decoded here, SHMCorruptionError
/// where the message does not make sense.
PyObject* DecodeSample(shmcomm::Sample sample, const DecodeRules& rules);

/// The same for a message that is not a sample; nothing refers to `data` afterwards.
PyObject* DecodeCopy(const std::uint8_t* data, std::size_t size, Codec codec, std::uint64_t sequence, const DecodeRules& rules);

/// `bytes`, `pickle`, …: for logs.
const char* NameOf(Codec codec);

}  // namespace shmcomm::python
