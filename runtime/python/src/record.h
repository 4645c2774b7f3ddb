// SPDX-License-Identifier: Apache-2.0
// A table or struct looked at in place: the base of every generated class.
//
// A record is a region of bytes, a position in it, and an owner that keeps the region alive. The owner of a received
// message is its Sample (which is itself a record, see sample.h), that of a value made in Python (`Vec3(x=1)`) a bytes
// object. Nested records, sequences and NumPy views all hold the owner, so a slot stays borrowed as long as anything
// looks at it. Records are immutable and form no cycles.
#pragma once

#include <Python.h>

#include "region.h"
#include "schema.h"

namespace shmcomm::python {

struct RecordObject {
  PyObject_HEAD
  PyObject* owner;     ///< null: the record is its own owner (a sample)
  const Type* type;
  Region region;       ///< the whole message
  TableAt table;       ///< `position` is valid for structs too

  PyObject* holder() { return owner != nullptr ? owner : reinterpret_cast<PyObject*>(this); }
};

/// The class; borrowed.
PyTypeObject* RecordType();

inline bool IsRecord(PyObject* object) { return PyObject_TypeCheck(object, RecordType()); }
inline RecordObject* AsRecord(PyObject* object) { return reinterpret_cast<RecordObject*>(object); }

/// Points `record` at a table or struct of `region`; false with SHMCorruptionError if it does not lie inside.
bool Place(RecordObject& record, const Type& type, Region region, std::uint64_t position);

/// Lets every read of the record fail from now on: its loan or job ended.
void MarkOver(RecordObject& record);

inline bool IsOver(const RecordObject& record) { return record.region.size == 0; }

/// True with SHMError if the record is over.
bool RefuseOver(const RecordObject& record);

/// Where the table or struct of the message that fills `region` lies; kAbsent if there is none.
std::uint64_t RootPosition(const Type& type, Region region);

/// Points `record` at the message that fills `region`: a struct, or the table its root offset leads to.
bool PlaceRoot(RecordObject& record, const Type& type, Region region);

/// A new record of `type` in the region of `holder`, which it keeps alive.
PyObject* NewRecord(Type& type, PyObject* holder, Region region, std::uint64_t position);

/// A new record over the message in `bytes`, a bytes object: a struct, or a table reached from its root offset.
PyObject* NewValue(PyTypeObject* python_class, const Type& type, PyObject* bytes);

/// Makes `python_class`, a subclass of Record without attributes of its own, the class of `type`.
bool BindClass(Type& type, PyObject* python_class);

/// The type a generated class stands for; null with TypeError if it is none.
Type* TypeOfClass(PyTypeObject* python_class);

/// Creates the class and adds it to `module`.
bool AddRecordType(PyObject* module);

}  // namespace shmcomm::python
