// SPDX-License-Identifier: Apache-2.0
#include "elements.h"

#include <cstring>
#include <string>

#include "array_view.h"
#include "box.h"
#include "extent.h"
#include "pack.h"
#include "unbox.h"

namespace shmcomm::python {
namespace {

/// Whether elements of buffer format `format` (see Python's struct module) are the scalar, byte for byte.
bool IsFormatOf(Scalar scalar, const char* format, Py_ssize_t item_bytes) {
  if (item_bytes != static_cast<Py_ssize_t>(ScalarBytes(scalar))) return false;
  if (format == nullptr) format = "B";
  if (*format == '@' || *format == '=' || *format == '<') ++format;
  if (std::strlen(format) != 1) return false;
  switch (scalar) {
    case Scalar::Bool: return *format == '?';
    case Scalar::Float:
    case Scalar::Double: return *format == 'f' || *format == 'd';
    case Scalar::Byte:
    case Scalar::Short:
    case Scalar::Int:
    case Scalar::Long: return std::strchr("bhilqn", *format) != nullptr;
    default: return std::strchr("BHILQN", *format) != nullptr;
  }
}

std::string Wanted(const Field& field) {
  return "a list or array of " + (field.type != nullptr ? field.type->name : std::string(ScalarName(field.scalar)));
}

/// An array whose elements are not those of the field, as a list: every element is then checked. Arrays of numbers for a
/// float field are converted by NumPy.
PyObject* ArrayToSource(Type& owner, Field& field, PyObject* array) {
  const bool is_real = field.scalar == Scalar::Float || field.scalar == Scalar::Double;
  if (is_real && field.element == Shape::kScalar) {
    PyObject* kind = PyObject_GetAttrString(array, "dtype");
    Py_XSETREF(kind, kind == nullptr ? nullptr : PyObject_GetAttrString(kind, "kind"));
    const bool is_number = kind != nullptr && std::strchr("fiu", PyUnicode_AsUTF8(kind)[0]) != nullptr;
    Py_XDECREF(kind);
    PyObject* dtype = is_number ? owner.schema->DtypeOf(field) : nullptr;
    if (is_number) return dtype == nullptr ? nullptr : PyObject_CallMethod(array, "astype", "O", dtype);
  }
  PyObject* flat = PyObject_CallMethod(array, "ravel", nullptr);
  PyObject* list = flat == nullptr ? nullptr : PyObject_CallMethod(flat, "tolist", nullptr);
  Py_XDECREF(flat);
  return list;
}

}  // namespace

Elements::~Elements() {
  if (has_buffer_) PyBuffer_Release(&buffer_);
  Py_XDECREF(list_);
}

bool Elements::Open(PyObject* value, const Path& path) {
  if (OpenBuffer(value)) return true;
  if (PyErr_Occurred()) return false;
  is_extent_ = ReadExtent(value, &count_);
  if (is_extent_) return true;
  if (!IsArray(value)) return OpenList(value, path);
  PyObject* source = ArrayToSource(owner_, field_, value);
  const bool opened = source != nullptr && (OpenBuffer(source) || (!PyErr_Occurred() && OpenList(source, path)));
  Py_XDECREF(source);
  return opened;
}

bool Elements::OpenBuffer(PyObject* value) {
  if (!PyObject_CheckBuffer(value)) return false;
  const bool is_struct = field_.element == Shape::kStruct;
  if (is_struct && IsArrayOf(owner_, field_, value) <= 0) return false;
  if (PyObject_GetBuffer(value, &buffer_, PyBUF_FULL_RO) < 0) {
    PyErr_Clear();
    return false;
  }
  has_buffer_ = is_struct || IsFormatOf(field_.scalar, buffer_.format, buffer_.itemsize);
  if (has_buffer_) count_ = static_cast<std::uint64_t>(buffer_.len) / field_.element_bytes;
  else PyBuffer_Release(&buffer_);
  return has_buffer_;
}

bool Elements::OpenList(PyObject* value, const Path& path) {
  const bool is_other = PyUnicode_Check(value) || PyDict_Check(value) || PyBytes_Check(value) || PyByteArray_Check(value);
  if (is_other || !(PySequence_Check(value) || PyIter_Check(value))) return Expected(path, Wanted(field_), value);
  list_ = PySequence_Fast(value, "");
  if (list_ == nullptr) return Expected(path, Wanted(field_), value);
  count_ = static_cast<std::uint64_t>(PySequence_Fast_GET_SIZE(list_));
  return true;
}

bool Elements::WriteTo(std::uint8_t* out, const Path& path) {
  if (count_ == 0 || is_extent_) return true;
  return has_buffer_ ? WriteBuffer(out) : WriteList(out, path);
}

bool Elements::WriteBuffer(std::uint8_t* out) {
  if (PyBuffer_IsContiguous(&buffer_, 'C')) {
    std::memcpy(out, buffer_.buf, static_cast<std::size_t>(buffer_.len));
    return true;
  }
  return PyBuffer_ToContiguous(out, &buffer_, buffer_.len, 'C') == 0;
}

bool Elements::WriteList(std::uint8_t* out, const Path& path) {
  for (std::uint64_t i = 0; i < count_; ++i, out += field_.element_bytes) {
    const auto at = static_cast<Py_ssize_t>(i);
    // Converting an element may run Python code that shortens the list.
    if (at >= PySequence_Fast_GET_SIZE(list_)) return Refuse(path, "the list became shorter while it was read");
    PyObject* element = Py_NewRef(PySequence_Fast_GET_ITEM(list_, at));
    const Path here = path.Element(at);
    const bool ok = field_.element == Shape::kStruct ? PackStruct(*field_.type, element, here, out)
                                                      : PackScalar(owner_, field_, element, here, out);
    Py_DECREF(element);
    if (!ok) return false;
  }
  return true;
}

}  // namespace shmcomm::python
