// SPDX-License-Identifier: Apache-2.0
// Python's part of the codecs of messages without a schema: what shmcomm/codecs.py and the standard library bring.
#pragma once

#include <Python.h>

#include <string>

namespace shmcomm::python {

/// Borrowed references, loaded once and kept for ever.
struct CodecFunctions {
  PyObject* dumps;               ///< pickle.dumps
  PyObject* loads;               ///< pickle.loads
  PyObject* array_header;        ///< (dtype, shape, is_fortran) -> the head of a .npy file, or None
  PyObject* parse_array_header;  ///< bytes -> (dtype, shape, order, where the data begins, its bytes)
  PyObject* pack;                ///< msgpack.packb
  PyObject* unpack;              ///< msgpack.unpackb
  PyObject* by_type;             ///< dict: type -> (name, encode, decode)
  PyObject* by_name;             ///< dict: name -> (name, encode, decode)
};

/// Null with an exception set if the package is broken.
const CodecFunctions* Codecs();

/// Calls `function` with positional arguments.
PyObject* Call(PyObject* function, std::initializer_list<PyObject*> arguments);

/// Replaces an Exception that is set by an SHMSerializationError with that cause, and what can be done about it; others (Ctrl-C)
/// stay.
void WrapAsSerializationError(const std::string& text, const char* options);

}  // namespace shmcomm::python
