// SPDX-License-Identifier: Apache-2.0
// Scalars of the wire as Python objects.
#pragma once

#include <Python.h>

#include <cstdint>
#include <type_traits>
#include <utility>

#include "schema.h"

namespace shmcomm::python {

template <class T>
inline PyObject* Box(T value) {
  if constexpr (std::is_same_v<T, bool>) {
    return Py_NewRef(value ? Py_True : Py_False);
  } else if constexpr (std::is_floating_point_v<T>) {
    return PyFloat_FromDouble(value);
  } else if constexpr (std::is_same_v<T, std::uint64_t>) {
    return PyLong_FromUnsignedLongLong(value);
  } else {
    return PyLong_FromLongLong(value);
  }
}

/// What a bool is in memory: any byte but zero is true.
template <class T>
using Stored = std::conditional_t<std::is_same_v<T, bool>, std::uint8_t, T>;

/// Calls `visit` with a null pointer of the C++ type of `scalar`.
template <class Visit>
decltype(auto) WithScalar(Scalar scalar, Visit&& visit) {
  switch (scalar) {
    case Scalar::Bool: return visit(static_cast<bool*>(nullptr));
    case Scalar::Byte: return visit(static_cast<std::int8_t*>(nullptr));
    case Scalar::UByte: return visit(static_cast<std::uint8_t*>(nullptr));
    case Scalar::Short: return visit(static_cast<std::int16_t*>(nullptr));
    case Scalar::UShort: return visit(static_cast<std::uint16_t*>(nullptr));
    case Scalar::Int: return visit(static_cast<std::int32_t*>(nullptr));
    case Scalar::UInt: return visit(static_cast<std::uint32_t*>(nullptr));
    case Scalar::Long: return visit(static_cast<std::int64_t*>(nullptr));
    case Scalar::ULong: return visit(static_cast<std::uint64_t*>(nullptr));
    case Scalar::Float: return visit(static_cast<float*>(nullptr));
    default: return visit(static_cast<double*>(nullptr));
  }
}

/// The member of an enum, made once; an int if the enum has no such value (a newer schema may).
template <class T>
PyObject* BoxEnum(Schema& schema, Enumeration& enumeration, T value) {
  if (enumeration.members == nullptr && schema.ClassOf(enumeration) == nullptr) return nullptr;
  const auto index = static_cast<std::uint64_t>(value);
  if (index < enumeration.dense.size() && enumeration.dense[index] != nullptr) return Py_NewRef(enumeration.dense[index]);
  PyObject* key = Box(value);
  if (key == nullptr) return nullptr;
  if (PyObject* member = PyDict_GetItemWithError(enumeration.members, key)) {
    Py_DECREF(key);
    return Py_NewRef(member);
  }
  if (PyErr_Occurred() || !enumeration.is_flags) return key;
  PyObject* combination = PyObject_CallOneArg(enumeration.python_class, key);
  Py_DECREF(key);
  return combination;
}

}  // namespace shmcomm::python
