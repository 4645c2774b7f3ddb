// SPDX-License-Identifier: Apache-2.0
// Messages built from Python values, directly in the memory of a FlatBufferBuilder (which may be a slot).
#pragma once

#include <Python.h>

#include "flatbuffers/flatbuffers.h"
#include "schema.h"
#include "values.h"

namespace shmcomm::python {

/// Builds a table and finishes the message. False with an exception set; the builder must then be cleared or dropped.
bool BuildMessage(flatbuffers::FlatBufferBuilder& builder, Type& type, const Values& values);

/// The same with a place for every scalar and struct, at its default or zero where none is given; no other table shares
/// the message's vtable.
bool BuildWithAllPlaces(flatbuffers::FlatBufferBuilder& builder, Type& type, const Values& values);

/// Whether nothing is given: None is the same as leaving a field out, except for a scalar that must have a value.
bool IsLeftOut(const Field& field, PyObject* value);

/// Vectors whose elements are given: scalars, and structs.
inline bool IsPlainVector(const Field& field) {
  const bool is_plain = field.element == Shape::kScalar || field.element == Shape::kStruct;
  return field.shape == Shape::kVector && is_plain && field.nested == nullptr && !field.is_tag;
}

/// The same from a table looked at elsewhere.
bool CopyMessage(flatbuffers::FlatBufferBuilder& builder, const Type& type, PyObject* record);

/// The bytes of a record as a message of its own.
PyObject* EncodeRecord(PyObject* record);

/// A message, of a table or a struct, as a bytes object; `keywords` is a dict or null.
PyObject* BuildBytes(Type& type, PyObject* keywords);

}  // namespace shmcomm::python
