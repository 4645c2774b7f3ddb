// SPDX-License-Identifier: Apache-2.0
// The attribute of a generated class: a native descriptor that reads one field where it lies.
#pragma once

#include <Python.h>

#include "record.h"

namespace shmcomm::python {

PyTypeObject* FieldType();

/// A descriptor for `field` of `type`; it keeps `schema`, the Python object that owns both. NotImplementedError if the
/// kind of field is not supported.
PyObject* NewField(PyObject* schema, Type& type, Field& field);

/// The tp_getattro of records: as PyObject_GenericGetAttr, quicker where `name` is that of a field that was read before.
PyObject* GetAttribute(PyObject* record, PyObject* name);

/// Creates the class and adds it to `module`.
bool AddFieldType(PyObject* module);

}  // namespace shmcomm::python
