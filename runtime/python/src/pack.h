// SPDX-License-Identifier: Apache-2.0
// Structs as plain bytes. Fields that are not given are zero.
#pragma once

#include <Python.h>

#include <cstdint>

#include "path.h"
#include "schema.h"
#include "values.h"

namespace shmcomm::python {

/// Writes `type.struct_bytes` bytes to `out` from an instance, a dict or a tuple of all fields.
bool PackStruct(Type& type, PyObject* value, const Path& path, std::uint8_t* out);

/// The same from one value per field.
bool PackFields(Type& type, const Values& values, const Path& path, std::uint8_t* out);

/// Writes one scalar element of the field.
bool PackScalar(Type& owner, Field& field, PyObject* value, const Path& path, std::uint8_t* out);

}  // namespace shmcomm::python
