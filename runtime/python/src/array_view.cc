// SPDX-License-Identifier: Apache-2.0
#include "array_view.h"

#define NPY_NO_DEPRECATED_API NPY_1_7_API_VERSION
#include <numpy/arrayobject.h>

#include "typed_loan.h"

namespace shmcomm::python {

PyObject* NewArrayView(const Type& type, Field& field, PyObject* holder, Region region, VectorAt elements) {
  const bool is_loan = IsLoan(holder);
  if ((is_loan && RefuseOver(*AsRecord(holder))) || PyArray_ImportNumPyAPI() < 0) return nullptr;
  PyObject* dtype = type.schema->DtypeOf(field);
  if (dtype == nullptr) return nullptr;
  const auto count = static_cast<npy_intp>(elements.count);
  const std::uint8_t* first = region.base + elements.first;
  const int flags = is_loan ? NPY_ARRAY_WRITEABLE : 0;
  PyObject* array = PyArray_NewFromDescr(&PyArray_Type, reinterpret_cast<PyArray_Descr*>(Py_NewRef(dtype)), 1, &count, nullptr,
                                         const_cast<std::uint8_t*>(first), flags, nullptr);
  if (array == nullptr) return nullptr;
  if (PyArray_SetBaseObject(reinterpret_cast<PyArrayObject*>(array), Py_NewRef(holder)) < 0) {
    Py_DECREF(array);
    return nullptr;
  }
  return is_loan ? ShapeLoanView(holder, first, array) : array;
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
