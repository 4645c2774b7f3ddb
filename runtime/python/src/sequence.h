// SPDX-License-Identifier: Apache-2.0
// A vector of strings or tables: a sequence whose elements are read when asked for.
#pragma once

#include <Python.h>

#include "record.h"

namespace shmcomm::python {

/// A read-only sequence over the elements; it keeps `holder`.
PyObject* NewSequence(const Type& type, Field& field, PyObject* holder, Region region, VectorAt elements);

/// Creates the class and adds it to `module`.
bool AddSequenceType(PyObject* module);

}  // namespace shmcomm::python
