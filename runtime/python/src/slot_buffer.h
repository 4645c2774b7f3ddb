// SPDX-License-Identifier: Apache-2.0
// The bytes of a received message as a Python buffer that keeps its slot borrowed.
#pragma once

#include <Python.h>

#include "shmcomm/sample.h"

namespace shmcomm::python {

/// A read-only buffer over the message; its slot goes back when the buffer and all views of it are gone.
PyObject* NewSlotBuffer(shmcomm::Sample sample);

/// Creates the class and adds it to `module`.
bool AddSlotBufferType(PyObject* module);

}  // namespace shmcomm::python
