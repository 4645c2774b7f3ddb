// SPDX-License-Identifier: Apache-2.0
// The length of a vector in place of its elements, which are written later (in a loan).
#pragma once

#include <Python.h>

#include <cstdint>

#include "path.h"

namespace shmcomm::python {

/// Whether `value` is a shape: an int or a tuple of ints.
bool IsShape(PyObject* value);

/// The number of elements of a shape, as a value for a vector; null with SHMSerializationError.
PyObject* NewExtent(PyObject* shape, const Path& path);

/// Whether `value` is an extent; then its number of elements.
bool ReadExtent(PyObject* value, std::uint64_t* count);

}  // namespace shmcomm::python
