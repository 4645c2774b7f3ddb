// SPDX-License-Identifier: Apache-2.0
#include "unbox.h"

#include <string>

namespace shmcomm::python {
namespace {

/// A Python int for anything that counts as one (NumPy integers do); null with SHMSerializationError.
PyObject* NewInt(PyObject* value, const Path& path) {
  if (PyLong_Check(value)) return Py_NewRef(value);
  PyObject* number = PyIndex_Check(value) ? PyNumber_Index(value) : nullptr;
  if (number == nullptr) Expected(path, "int", value);
  return number;
}

template <class T>
bool RefuseRange(PyObject* value, T lowest, T highest, const char* kind, const Path& path) {
  PyErr_Clear();
  return Refuse(path, ShortRepr(value) + " does not fit " + kind + " (" + std::to_string(lowest) + " to " +
                          std::to_string(highest) + ")");
}

std::string NamesOf(const Enumeration& enumeration) {
  constexpr std::size_t kShown = 8;
  std::string names;
  for (std::size_t i = 0; i < enumeration.values.size() && i < kShown; ++i) {
    names += (i == 0 ? "" : ", ") + enumeration.values[i].first;
  }
  return enumeration.values.size() > kShown ? names + ", ..." : names;
}

PyObject* RefuseEnum(const Enumeration& enumeration, PyObject* value, const Path& path) {
  Expected(path, enumeration.name + " (" + NamesOf(enumeration) + ")", value);
  return nullptr;
}

PyObject* NumberOfName(const Enumeration& enumeration, PyObject* name, const Path& path) {
  for (const auto& [known, number] : enumeration.values) {
    if (PyUnicode_CompareWithASCIIString(name, known.c_str()) == 0) return PyLong_FromLongLong(number);
  }
  return RefuseEnum(enumeration, name, path);
}

}  // namespace

bool UnboxSigned(PyObject* value, std::int64_t lowest, std::int64_t highest, const char* kind, const Path& path,
                 std::int64_t* out) {
  PyObject* number = NewInt(value, path);
  if (number == nullptr) return false;
  int overflow = 0;
  *out = PyLong_AsLongLongAndOverflow(number, &overflow);
  Py_DECREF(number);
  if (overflow == 0 && *out >= lowest && *out <= highest) return true;
  return RefuseRange(value, lowest, highest, kind, path);
}

bool UnboxUnsigned(PyObject* value, std::uint64_t highest, const char* kind, const Path& path, std::uint64_t* out) {
  PyObject* number = NewInt(value, path);
  if (number == nullptr) return false;
  *out = PyLong_AsUnsignedLongLong(number);
  Py_DECREF(number);
  const bool failed = *out == std::numeric_limits<std::uint64_t>::max() && PyErr_Occurred() != nullptr;
  if (!failed && *out <= highest) return true;
  return RefuseRange(value, std::uint64_t{0}, highest, kind, path);
}

bool UnboxReal(PyObject* value, const Path& path, double* out) {
  const bool is_text = PyUnicode_Check(value) || PyBytes_Check(value) || PyByteArray_Check(value);
  *out = is_text ? -1.0 : PyFloat_AsDouble(value);
  if (!is_text && (*out != -1.0 || PyErr_Occurred() == nullptr)) return true;
  if (PyErr_ExceptionMatches(PyExc_OverflowError)) PyErr_Clear();
  return Expected(path, "float", value);
}

bool RefuseReal(double value, const Path& path) {
  PyObject* shown = PyFloat_FromDouble(value);
  const std::string text = shown == nullptr ? "value" : ShortRepr(shown);
  Py_XDECREF(shown);
  return Refuse(path, text + " does not fit float32");
}

bool UnboxBool(PyObject* value, const Path& path, bool* out) {
  if (value == Py_True || value == Py_False) {
    *out = value == Py_True;
    return true;
  }
  // numpy.bool is neither a bool nor an index; its truth is its value.
  const bool is_numpy_bool = std::string(Py_TYPE(value)->tp_name).rfind("numpy.bool", 0) == 0;
  if (is_numpy_bool) {
    const int truth = PyObject_IsTrue(value);
    *out = truth == 1;
    return truth >= 0;
  }
  if (!PyIndex_Check(value)) return Expected(path, "bool", value);
  std::int64_t number = 0;
  if (!UnboxSigned(value, 0, 1, "bool", path, &number)) return false;
  *out = number == 1;
  return true;
}

PyObject* EnumNumber(Schema& schema, Enumeration& enumeration, PyObject* value, const Path& path) {
  if (enumeration.members == nullptr && schema.ClassOf(enumeration) == nullptr) return nullptr;
  if (reinterpret_cast<PyObject*>(Py_TYPE(value)) == enumeration.python_class) return Py_NewRef(value);
  if (PyUnicode_Check(value)) return NumberOfName(enumeration, value, path);
  if (!PyIndex_Check(value)) return RefuseEnum(enumeration, value, path);
  PyObject* number = PyNumber_Index(value);
  if (number == nullptr || enumeration.is_flags) return number;
  const int known = PyDict_Contains(enumeration.members, number);
  if (known == 1) return number;
  Py_DECREF(number);
  return RefuseEnum(enumeration, value, path);
}

}  // namespace shmcomm::python
