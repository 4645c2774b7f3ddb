// SPDX-License-Identifier: Apache-2.0
#include "plain.h"

#include <algorithm>

#include "budget.h"
#include "read.h"

namespace shmcomm::python {
namespace {

PyObject* RecordToDict(RecordObject& record, Budget& budget);

/// `value`, which `record` holds, if the message may be so long; otherwise null with the error. Takes the reference.
PyObject* Count(PyObject* value, const RecordObject& record, Budget& budget) {
  if (value == nullptr || !PyUnicode_Check(value)) return value;
  if (!budget.Spend(*record.type, static_cast<std::uint64_t>(PyUnicode_GET_LENGTH(value)))) Py_CLEAR(value);
  return value;
}

/// `value` of `record` if it is no record itself, otherwise its dict. Takes the reference.
PyObject* Unfold(PyObject* value, const RecordObject& record, Budget& budget) {
  if (value == nullptr || !IsRecord(value)) return Count(value, record, budget);
  PyObject* dict = RecordToDict(*AsRecord(value), budget);
  Py_DECREF(value);
  return dict;
}

PyObject* ElementsToPlain(RecordObject& record, Field& field, Budget& budget) {
  VectorAt elements;
  if (!LocateElements(record, field, &elements)) return nullptr;
  if (elements.first == kAbsent) return field.read(record, field);  // None, or the error of a required one
  const bool is_bytes = field.element == Shape::kScalar && field.scalar == Scalar::UByte && field.enumeration == nullptr;
  if (!budget.Spend(*record.type, is_bytes ? elements.count : elements.count * sizeof(PyObject*))) return nullptr;
  if (is_bytes) {
    return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(record.region.base + elements.first),
                                     static_cast<Py_ssize_t>(elements.count));
  }
  PyObject* list = PyList_New(static_cast<Py_ssize_t>(elements.count));
  for (std::uint64_t i = 0; list != nullptr && i < elements.count; ++i) {
    PyObject* element = ReadElement(*record.type, field, record.holder(), record.region, elements, i);
    element = Unfold(element, record, budget);
    if (element == nullptr) Py_CLEAR(list);
    else PyList_SET_ITEM(list, static_cast<Py_ssize_t>(i), element);
  }
  return list;
}

bool HasElements(const Field& field) {
  return (field.shape == Shape::kVector || field.shape == Shape::kArray) && field.nested == nullptr;
}

PyObject* FieldToPlain(RecordObject& record, Field& field, Budget& budget) {
  return HasElements(field) ? ElementsToPlain(record, field, budget) : Unfold(field.read(record, field), record, budget);
}

PyObject* RecordToDict(RecordObject& record, Budget& budget) {
  if (!budget.Enter(*record.type)) return nullptr;
  PyObject* dict = PyDict_New();
  for (const Field& each : record.type->fields) {
    if (dict == nullptr) break;
    auto& field = const_cast<Field&>(each);  // only its caches change
    PyObject* value = FieldToPlain(record, field, budget);
    if (value == nullptr || PyDict_SetItem(dict, field.key, value) < 0) Py_CLEAR(dict);
    Py_XDECREF(value);
  }
  budget.Leave();
  return dict;
}

bool IsOfRecords(const Field& field) { return field.type != nullptr || field.element == Shape::kUnion; }

PyObject* LongElementsToText(const Field& field, std::uint64_t count) {
  const char* of = field.element == Shape::kString ? "string" : ScalarName(field.scalar);
  if (field.element == Shape::kUnion) of = field.enumeration->name.c_str();
  if (field.type != nullptr) of = field.type->name.c_str();
  return PyUnicode_FromFormat("<%llu %s>", static_cast<unsigned long long>(count), of);
}

PyObject* RecordToText(RecordObject& record, Budget& budget);

/// What repr() says of it. Records spend the one budget of the whole text. Takes the reference.
PyObject* ValueToText(PyObject* value, Budget& budget) {
  if (value == nullptr) return nullptr;
  PyObject* text = IsRecord(value) ? RecordToText(*AsRecord(value), budget) : PyObject_Repr(value);
  Py_DECREF(value);
  return text;
}

PyObject* FieldToText(RecordObject& record, Field& field, Budget& budget) {
  constexpr std::uint64_t kShown = 9;
  if (HasElements(field)) {
    VectorAt elements;
    if (!LocateElements(record, field, &elements)) return nullptr;
    const bool is_long = elements.count > kShown || (IsOfRecords(field) && elements.count > 0);
    if (is_long) return LongElementsToText(field, elements.count);
    return ValueToText(ElementsToPlain(record, field, budget), budget);
  }
  return ValueToText(Count(field.read(record, field), record, budget), budget);
}

PyObject* RecordToText(RecordObject& record, Budget& budget) {
  if (!budget.Enter(*record.type)) return nullptr;
  PyObject* text = PyUnicode_FromFormat("%s(", record.type->name.c_str());
  const char* separator = "";
  for (const Field& each : record.type->fields) {
    if (text == nullptr) break;
    auto& field = const_cast<Field&>(each);
    PyObject* value = FieldToText(record, field, budget);
    PyObject* longer = value == nullptr ? nullptr : PyUnicode_FromFormat("%U%s%U=%U", text, separator, field.key, value);
    Py_XDECREF(value);
    Py_SETREF(text, longer);
    separator = ", ";
  }
  budget.Leave();
  PyObject* closed = text == nullptr ? nullptr : PyUnicode_FromFormat("%U)", text);
  Py_XDECREF(text);
  return closed;
}

}  // namespace

PyObject* ToDict(RecordObject& record) {
  Budget budget(record.region);
  return RecordToDict(record, budget);
}

PyObject* ToText(RecordObject& record) {
  Budget budget(record.region);
  return RecordToText(record, budget);
}

}  // namespace shmcomm::python
