// SPDX-License-Identifier: Apache-2.0
// NumPy arrays over a message. An array refers to what keeps the message, so that its slot stays borrowed.
#pragma once

#include <Python.h>

#include "record.h"

namespace shmcomm::python {

/// A read-only array over the elements; it keeps `holder`. NumPy is imported on first use.
PyObject* NewArrayView(const Type& type, Field& field, PyObject* holder, Region region, VectorAt elements);

/// Whether NumPy is loaded and `object` is an array of the dtype of the field's elements. -1 with an exception set.
int IsArrayOf(Type& type, Field& field, PyObject* object);

/// Whether NumPy is loaded and `object` is an array.
bool IsArray(PyObject* object);

}  // namespace shmcomm::python
