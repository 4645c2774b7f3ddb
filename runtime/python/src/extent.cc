// SPDX-License-Identifier: Apache-2.0
#include "extent.h"

#include <string>

#include "array_view.h"

namespace shmcomm::python {
namespace {

constexpr const char* kName = "shmcomm._core.Extent";

/// Multiplies `count` by one dimension; false with SHMSerializationError.
bool Multiply(PyObject* dimension, const Path& path, std::uint64_t* count) {
  constexpr long long kLongest = (1LL << 32) - 1;  // what a vector's length word holds
  int overflow = 0;
  const long long length = PyLong_AsLongLongAndOverflow(dimension, &overflow);
  if (overflow != 0 || length < 0 || length > kLongest || (length > 0 && *count > static_cast<std::uint64_t>(kLongest / length))) {
    return Refuse(path, "a vector has 0 to 4294967295 elements, not " + ShortRepr(dimension));
  }
  *count *= static_cast<std::uint64_t>(length);
  return true;
}

}  // namespace

bool IsShape(PyObject* value) {
  if (!PyTuple_Check(value)) return PyIndex_Check(value) && !IsArray(value);
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(value); ++i) {
    if (!PyIndex_Check(PyTuple_GET_ITEM(value, i))) return false;
  }
  return true;
}

PyObject* NewExtent(PyObject* shape, const Path& path) {
  std::uint64_t count = 1;
  if (!PyTuple_Check(shape)) {
    if (!Multiply(shape, path, &count)) return nullptr;
  } else {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(shape); ++i) {
      if (!Multiply(PyTuple_GET_ITEM(shape, i), path, &count)) return nullptr;
    }
  }
  return PyCapsule_New(reinterpret_cast<void*>(count + 1), kName, nullptr);  // a capsule holds anything but zero
}

bool ReadExtent(PyObject* value, std::uint64_t* count) {
  if (!PyCapsule_IsValid(value, kName)) return false;
  *count = reinterpret_cast<std::uint64_t>(PyCapsule_GetPointer(value, kName)) - 1;
  return true;
}

}  // namespace shmcomm::python
