// SPDX-License-Identifier: Apache-2.0
#include "record.h"

#include <vector>

#include "build.h"
#include "errors.h"
#include "field.h"
#include "plain.h"
#include "typed_loan.h"

namespace shmcomm::python {
namespace {

PyTypeObject* record_type = nullptr;
PyObject* type_attribute = nullptr;  // name under which a generated class holds its TypeHandle

constexpr const char* kTypeCapsule = "shmcomm._core.Type";

/// Called as `Vec3(x=1, y=2)`: builds the message and looks at it.
PyObject* New(PyTypeObject* python_class, PyObject* arguments, PyObject* keywords) {
  Type* type = TypeOfClass(python_class);
  if (type == nullptr) return nullptr;
  if (PyTuple_GET_SIZE(arguments) != 0) {
    PyErr_Format(PyExc_TypeError, "%s takes its fields as keywords", type->name.c_str());
    return nullptr;
  }
  PyObject* bytes = BuildBytes(*type, keywords);
  if (bytes == nullptr) return nullptr;
  PyObject* made = NewValue(python_class, *type, bytes);
  Py_DECREF(bytes);
  return made;
}

void Dealloc(PyObject* object) {
  PyTypeObject* python_class = Py_TYPE(object);
  Py_XDECREF(AsRecord(object)->owner);
  python_class->tp_free(object);
  Py_DECREF(python_class);
}

/// A sample gives its whole message, a struct its own bytes; a nested table has no bytes of its own.
int GetBuffer(PyObject* object, Py_buffer* view, int flags) {
  RecordObject* self = AsRecord(object);
  const Region region = self->region;
  if (self->owner == nullptr) {
    return PyBuffer_FillInfo(view, object, const_cast<std::uint8_t*>(region.base), static_cast<Py_ssize_t>(region.size), 1,
                             flags);
  }
  if (self->type->is_struct) {
    return PyBuffer_FillInfo(view, object, const_cast<std::uint8_t*>(region.base + self->table.position),
                             self->type->struct_bytes, 1, flags);
  }
  PyErr_Format(PyExc_BufferError, "%s is a table: only a whole message has bytes of its own", self->type->name.c_str());
  view->obj = nullptr;
  return -1;
}

PyObject* Compare(PyObject* object, PyObject* other, int operation) {
  const bool comparable = (operation == Py_EQ || operation == Py_NE) && IsRecord(other) &&
                          AsRecord(other)->type == AsRecord(object)->type;
  if (!comparable) Py_RETURN_NOTIMPLEMENTED;
  if (RefuseOver(*AsRecord(object)) || RefuseOver(*AsRecord(other))) return nullptr;
  PyObject* mine = ToDict(*AsRecord(object));
  PyObject* theirs = mine == nullptr ? nullptr : ToDict(*AsRecord(other));
  PyObject* answer = theirs == nullptr ? nullptr : PyObject_RichCompare(mine, theirs, operation);
  Py_XDECREF(mine);
  Py_XDECREF(theirs);
  return answer;
}

PyObject* Repr(PyObject* object) {
  const RecordObject& record = *AsRecord(object);
  return IsOver(record) ? PyUnicode_FromFormat("<%s, over>", record.type->name.c_str()) : ToText(*AsRecord(object));
}

PyObject* ToDictMethod(PyObject* object, PyObject*) {
  return RefuseOver(*AsRecord(object)) ? nullptr : ToDict(*AsRecord(object));
}

PyMethodDef methods[] = {
    {"to_dict", ToDictMethod, METH_NOARGS,
     "A copy in plain Python values: nested records as dicts, vectors as lists, ubyte vectors as bytes, absent ones None.\n"
     "Any thread. Errors: SHMCorruptionError; SHMError where the message is no longer held.\n"
     "Cost: everything is copied, and every value becomes an object; no system call.\n\n"
     ">>> Image(width=2, height=1, data=b\"ab\").to_dict()\n"
     "{'stamp_ns': 0, 'width': 2, 'height': 1, 'encoding': <Encoding.Rgb8: 1>, 'data': b'ab'}\n"},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>(
         "A table or struct, read where it lies, or made of its fields as keywords. Immutable; compares by value; used on any\n"
         "thread. A field costs some 25 ns. What is nested in a message (records, arrays, sequences) keeps it borrowed.\n"
         "Errors: SHMCorruptionError where the memory makes no sense; SHMSerializationError for a value that does not fit its\n"
         "field.\n\n"
         ">>> vector = Vec3(x=1, z=9.75)\n"
         ">>> vector.x, vector.y, vector.z, vector == Vec3(x=1, y=0, z=9.75)\n"
         "(1.0, 0.0, 9.75, True)\n")},
    {Py_tp_new, reinterpret_cast<void*>(New)},
    {Py_tp_dealloc, reinterpret_cast<void*>(Dealloc)},
    {Py_tp_getattro, reinterpret_cast<void*>(GetAttribute)},
    {Py_tp_repr, reinterpret_cast<void*>(Repr)},
    {Py_tp_richcompare, reinterpret_cast<void*>(Compare)},
    {Py_tp_hash, reinterpret_cast<void*>(PyObject_HashNotImplemented)},
    {Py_tp_methods, methods},
    {Py_bf_getbuffer, reinterpret_cast<void*>(GetBuffer)},
    {0, nullptr},
};

PyType_Spec spec = {"shmcomm._core.Record", sizeof(RecordObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

PyObject* NewPlaced(PyTypeObject* python_class, const Type& type, PyObject* holder, Region region, std::uint64_t position) {
  PyObject* made = python_class->tp_alloc(python_class, 0);
  if (made == nullptr) return nullptr;
  AsRecord(made)->owner = Py_NewRef(holder);
  if (Place(*AsRecord(made), type, region, position)) return made;
  Py_DECREF(made);
  return nullptr;
}

}  // namespace

PyTypeObject* RecordType() { return record_type; }

bool AddRecordType(PyObject* module) {
  record_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  type_attribute = PyUnicode_InternFromString("__shmcomm_type__");
  return record_type != nullptr && type_attribute != nullptr && PyModule_AddType(module, record_type) == 0;
}

bool Place(RecordObject& record, const Type& type, Region region, std::uint64_t position) {
  record.type = &type;
  record.region = region;
  record.table.position = position;
  if (type.is_struct) {
    if (region.Holds(position, type.struct_bytes)) return true;
  } else if (const auto table = region.OpenTable(position)) {
    record.table = *table;
    return true;
  }
  SetError(ErrorKind::kCorruption, "%s at byte %llu does not lie inside its message of %llu bytes%s", type.name.c_str(),
           static_cast<unsigned long long>(position), static_cast<unsigned long long>(region.size), kDamaged);
  return false;
}

std::uint64_t RootPosition(const Type& type, Region region) {
  return type.is_struct ? 0 : region.Follow(0).value_or(kAbsent);
}

void MarkOver(RecordObject& record) {
  // A vtable that has every field, outside of a message of no bytes.
  static const std::vector<std::uint8_t> everywhere(std::size_t{1} << 16, 0xFF);
  record.region = Region{everywhere.data(), 0};
  record.table = TableAt{0, 0, static_cast<std::uint32_t>(everywhere.size())};
}

bool RefuseOver(const RecordObject& record) {
  if (!IsOver(record)) return false;
  const bool is_loan = PyObject_TypeCheck(const_cast<PyObject*>(&record.ob_base), LoanType());
  SetError(ErrorKind::kBase, is_loan ? "%s: this loan is over; its message is read by others: lend another"
                                     : "%s: this message is over: it was done, given back or answered; keep copies",
           record.type->name.c_str());
  return true;
}

bool PlaceRoot(RecordObject& record, const Type& type, Region region) {
  return Place(record, type, region, RootPosition(type, region));
}

PyObject* NewRecord(Type& type, PyObject* holder, Region region, std::uint64_t position) {
  PyObject* python_class = type.schema->ClassOf(type);
  if (python_class == nullptr) return nullptr;
  return NewPlaced(reinterpret_cast<PyTypeObject*>(python_class), type, holder, region, position);
}

PyObject* NewValue(PyTypeObject* python_class, const Type& type, PyObject* bytes) {
  const Region region{reinterpret_cast<const std::uint8_t*>(PyBytes_AS_STRING(bytes)),
                      static_cast<std::uint64_t>(PyBytes_GET_SIZE(bytes))};
  return NewPlaced(python_class, type, bytes, region, RootPosition(type, region));
}

bool BindClass(Type& type, PyObject* python_class) {
  PyObject* handle = PyCapsule_New(&type, kTypeCapsule, nullptr);
  const bool ok = handle != nullptr && PyObject_SetAttr(python_class, type_attribute, handle) == 0;
  Py_XDECREF(handle);
  if (!ok) return false;
  // Instances hold no Python attributes, so the generic deallocation of Python classes has nothing to do.
  reinterpret_cast<PyTypeObject*>(python_class)->tp_dealloc = Dealloc;
  Py_XSETREF(type.python_class, Py_NewRef(python_class));
  return true;
}

Type* TypeOfClass(PyTypeObject* python_class) {
  PyObject* handle = PyObject_GetAttr(reinterpret_cast<PyObject*>(python_class), type_attribute);
  if (handle == nullptr) {
    PyErr_Format(PyExc_TypeError, "%.100s is not a generated class", python_class->tp_name);
    return nullptr;
  }
  auto* type = static_cast<Type*>(PyCapsule_GetPointer(handle, kTypeCapsule));
  Py_DECREF(handle);  // the class holds it
  return type;
}

}  // namespace shmcomm::python
