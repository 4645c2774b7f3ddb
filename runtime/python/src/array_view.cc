// SPDX-License-Identifier: Apache-2.0
#include "array_view.h"

#include "typed_loan.h"

namespace shmcomm::python {
namespace {

PyObject* LoadFromBuffer() {
  PyObject* numpy = PyImport_ImportModule("numpy");
  if (numpy == nullptr) return nullptr;
  PyObject* found = PyObject_GetAttrString(numpy, "frombuffer");
  Py_DECREF(numpy);
  return found;
}

/// The first byte of the buffer that a holder exports: a whole message. The region looked at may be one nested in it.
const std::uint8_t* FirstByteOf(PyObject* holder) {
  if (IsRecord(holder)) return AsRecord(holder)->region.base;
  return reinterpret_cast<const std::uint8_t*>(PyBytes_AS_STRING(holder));
}

}  // namespace

PyObject* NewArrayView(const Type& type, Field& field, PyObject* holder, Region region, VectorAt elements) {
  static PyObject* from_buffer = nullptr;
  if (from_buffer == nullptr) from_buffer = LoadFromBuffer();
  PyObject* dtype = from_buffer == nullptr ? nullptr : type.schema->DtypeOf(field);
  if (dtype == nullptr) return nullptr;
  PyObject* count = PyLong_FromUnsignedLongLong(elements.count);
  const auto first = static_cast<std::uint64_t>(region.base - FirstByteOf(holder)) + elements.first;
  PyObject* offset = PyLong_FromUnsignedLongLong(elements.count == 0 ? 0 : first);
  PyObject* arguments[] = {holder, dtype, count, offset};
  PyObject* array = count != nullptr && offset != nullptr ? PyObject_Vectorcall(from_buffer, arguments, 4, nullptr) : nullptr;
  Py_XDECREF(count);
  Py_XDECREF(offset);
  return array == nullptr || !IsLoan(holder) ? array : ShapeLoanView(holder, region.base + elements.first, array);
}

bool IsArray(PyObject* object) {
  static PyObject* array_class = nullptr;
  if (array_class == nullptr) {
    PyObject* numpy = PyDict_GetItemString(PyImport_GetModuleDict(), "numpy");
    array_class = numpy == nullptr ? nullptr : PyObject_GetAttrString(numpy, "ndarray");
    if (array_class == nullptr) PyErr_Clear();
  }
  return array_class != nullptr && PyObject_TypeCheck(object, reinterpret_cast<PyTypeObject*>(array_class));
}

int IsArrayOf(Type& type, Field& field, PyObject* object) {
  if (!IsArray(object)) return 0;
  PyObject* dtype = type.schema->DtypeOf(field);
  PyObject* actual = dtype == nullptr ? nullptr : PyObject_GetAttrString(object, "dtype");
  if (actual == nullptr) return -1;
  const int equal = PyObject_RichCompareBool(actual, dtype, Py_EQ);
  Py_DECREF(actual);
  return equal;
}

}  // namespace shmcomm::python
