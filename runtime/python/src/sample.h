// SPDX-License-Identifier: Apache-2.0
// A received message: a record that owns the slot it is read from.
#pragma once

#include <Python.h>

#include <string>

#include "record.h"
#include "shmcomm/sample.h"

namespace shmcomm::python {

/// Makes `python_class`, a subclass of a generated class and of `base`, a class of messages with an origin. False with
/// TypeError if it is none.
bool BindMessageClass(PyObject* python_class, PyTypeObject* base, destructor dealloc);

/// False with SHMCorruptionError if a received message cannot be one of `type`.
bool CheckMessage(const std::string& channel, const Type& type, std::uint64_t sequence, std::size_t bytes, Codec codec);

/// Makes `python_class`, a subclass of a generated class and of Sample, the class of a channel's samples.
bool BindSampleClass(PyObject* python_class);

/// A Python sample over `sample`. SHMCorruptionError, and the slot is released, if its message does not make sense.
PyObject* NewSample(const std::string& channel, PyTypeObject* python_class, const Type& type, shmcomm::Sample sample);

/// Creates the class and adds it to `module`.
bool AddSampleType(PyObject* module);

}  // namespace shmcomm::python
