// SPDX-License-Identifier: Apache-2.0
// Python values as scalars of the wire, with range checks.
#pragma once

#include <Python.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "path.h"
#include "schema.h"

namespace shmcomm::python {

bool UnboxSigned(PyObject* value, std::int64_t lowest, std::int64_t highest, const char* kind, const Path& path,
                 std::int64_t* out);
bool UnboxUnsigned(PyObject* value, std::uint64_t highest, const char* kind, const Path& path, std::uint64_t* out);
bool UnboxReal(PyObject* value, const Path& path, double* out);
bool UnboxBool(PyObject* value, const Path& path, bool* out);
bool RefuseReal(double value, const Path& path);

/// Checks that `value` names a value of the enum: a member, its number, or its name. Returns the number, a new
/// reference, or null with SHMSerializationError.
PyObject* EnumNumber(Schema& schema, Enumeration& enumeration, PyObject* value, const Path& path);

/// `value` as a scalar of the field, enum members included; false with SHMSerializationError.
template <class T>
bool Unbox(PyObject* value, const char* kind, const Path& path, T* out) {
  if constexpr (std::is_same_v<T, bool>) {
    return UnboxBool(value, path, out);
  } else if constexpr (std::is_floating_point_v<T>) {
    double real = 0;
    if (PyFloat_CheckExact(value)) {
      real = PyFloat_AS_DOUBLE(value);
    } else if (!UnboxReal(value, path, &real)) {
      return false;
    }
    *out = static_cast<T>(real);
    if (std::is_same_v<T, float> && std::isinf(*out) && !std::isinf(real)) return RefuseReal(real, path);
    return true;
  } else if constexpr (std::is_signed_v<T>) {
    std::int64_t number = 0;
    using Limits = std::numeric_limits<T>;
    if (!UnboxSigned(value, Limits::min(), Limits::max(), kind, path, &number)) return false;
    *out = static_cast<T>(number);
    return true;
  } else {
    std::uint64_t number = 0;
    if (!UnboxUnsigned(value, std::numeric_limits<T>::max(), kind, path, &number)) return false;
    *out = static_cast<T>(number);
    return true;
  }
}

template <class T>
bool UnboxField(Schema& schema, const Field& field, PyObject* value, const Path& path, T* out) {
  if (field.enumeration == nullptr) return Unbox(value, ScalarName(field.scalar), path, out);
  PyObject* number = EnumNumber(schema, *field.enumeration, value, path);
  const bool ok = number != nullptr && Unbox(number, field.enumeration->name.c_str(), path, out);
  Py_XDECREF(number);
  return ok;
}

}  // namespace shmcomm::python
