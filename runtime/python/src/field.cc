// SPDX-License-Identifier: Apache-2.0
#include "field.h"

#include <string>

#include "read.h"
#include "typed_loan.h"

namespace shmcomm::python {
namespace {

struct FieldObject {
  PyObject_HEAD
  Field* field;
  Type* type;
  PyObject* schema;
};

PyTypeObject* field_type = nullptr;

FieldObject* AsField(PyObject* object) { return reinterpret_cast<FieldObject*>(object); }

/// Unless the class has something else under the field's name.
void Remember(FieldObject* self, PyTypeObject* python_class) {
  if (_PyType_Lookup(python_class, self->field->key) != reinterpret_cast<PyObject*>(self)) return;
  self->type->known_fields.Remember(python_class, self->field->key, *self->field, self->type->fields.size());
}

bool Accepts(FieldObject* self, PyObject* object) {
  if (IsRecord(object) && AsRecord(object)->type == self->type) return true;
  PyErr_Format(PyExc_TypeError, "field '%U' belongs to %s, not to %.100s", self->field->key, self->type->name.c_str(),
               Py_TYPE(object)->tp_name);
  return false;
}

PyObject* Read(RecordObject& record, Field& field) {
  PyObject* value = field.read(record, field);
  if (value == nullptr && IsOver(record)) {
    PyErr_Clear();  // it is not corrupt
    RefuseOver(record);
  }
  return value;
}

PyObject* Get(PyObject* object, PyObject* record, PyObject*) {
  FieldObject* self = AsField(object);
  if (record == nullptr) return Py_NewRef(object);
  if (!Accepts(self, record)) return nullptr;
  Remember(self, Py_TYPE(record));
  return Read(*AsRecord(record), *self->field);
}

/// Only what is being written, in a loan, can be changed.
int Set(PyObject* object, PyObject* record, PyObject* value) {
  FieldObject* self = AsField(object);
  const bool is_loaned = value != nullptr && IsRecord(record) && IsLoan(AsRecord(record)->holder());
  if (is_loaned && !Accepts(self, record)) return -1;
  if (is_loaned) return SetLoanField(*AsRecord(record), *self->field, value) ? 0 : -1;
  PyErr_Format(PyExc_AttributeError, "%s.%U cannot be changed: messages are read where they lie; make a new %s",
               self->type->name.c_str(), self->field->key, self->type->name.c_str());
  return -1;
}

void Dealloc(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  Py_XDECREF(AsField(object)->schema);
  type->tp_free(object);
  Py_DECREF(type);
}

PyObject* Repr(PyObject* object) {
  FieldObject* self = AsField(object);
  return PyUnicode_FromFormat("<field %s.%U>", self->type->name.c_str(), self->field->key);
}

PyObject* GetName(PyObject* object, void*) { return Py_NewRef(AsField(object)->field->key); }

/// What the field is of: "uint64", "[robot.Vec3]".
std::string TypeText(const Field& field) {
  const bool is_vector = field.shape == Shape::kVector || field.count > 0;
  const bool is_text = field.shape == Shape::kString || field.element == Shape::kString;
  std::string name = is_text ? "string" : ScalarName(field.scalar);
  if (field.enumeration != nullptr) name = field.enumeration->name;
  if (field.type != nullptr) name = field.type->name;
  return is_vector ? "[" + name + "]" : name;
}

PyObject* GetDocumentation(PyObject* object, void*) {
  const Documentation& text = AsField(object)->field->documentation;
  if (text.empty()) return PyUnicode_FromString(TypeText(*AsField(object)->field).c_str());
  return PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace");
}

PyObject* GetSlot(PyObject* object, void*) { return PyLong_FromUnsignedLong(AsField(object)->field->slot); }
PyObject* GetCount(PyObject* object, void*) { return PyLong_FromUnsignedLong(AsField(object)->field->count); }

PyObject* GetTypeName(PyObject* object, void*) {
  const Field& field = *AsField(object)->field;
  if (field.type != nullptr) return PyUnicode_FromString(field.type->name.c_str());
  if (field.shape == Shape::kString || field.element == Shape::kString) return PyUnicode_FromString("string");
  return PyUnicode_FromString(ScalarName(field.scalar));
}

PyObject* GetIsStruct(PyObject* object, void*) {
  const Field& field = *AsField(object)->field;
  return PyBool_FromLong(field.shape == Shape::kStruct || field.element == Shape::kStruct);
}

PyGetSetDef properties[] = {
    {"__name__", GetName, nullptr, nullptr, nullptr},
    {"__doc__", GetDocumentation, nullptr, nullptr, nullptr},
    {"offset", GetSlot, nullptr, "byte offset in a struct, vtable offset in a table", nullptr},
    {"count", GetCount, nullptr, "elements of a fixed array, otherwise 0", nullptr},
    {"type_name", GetTypeName, nullptr, "name of the type of the field or of its elements", nullptr},
    {"is_struct", GetIsStruct, nullptr, "whether that type is a struct", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_descr_get, reinterpret_cast<void*>(Get)},
    {Py_tp_descr_set, reinterpret_cast<void*>(Set)},
    {Py_tp_dealloc, reinterpret_cast<void*>(Dealloc)},
    {Py_tp_repr, reinterpret_cast<void*>(Repr)},
    {Py_tp_getset, properties},
    {0, nullptr},
};

PyType_Spec spec = {"shmcomm._core.Field", sizeof(FieldObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

}  // namespace

PyTypeObject* FieldType() { return field_type; }

bool AddFieldType(PyObject* module) {
  field_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return field_type != nullptr && PyModule_AddType(module, field_type) == 0;
}

PyObject* GetAttribute(PyObject* object, PyObject* name) {
  RecordObject& record = *AsRecord(object);
  Field* field = record.type->known_fields.Find(Py_TYPE(object), name);
  return field != nullptr ? Read(record, *field) : PyObject_GenericGetAttr(object, name);
}

PyObject* NewField(PyObject* schema, Type& type, Field& field) {
  if (field.read == nullptr) {
    PyErr_Format(PyExc_NotImplementedError, "%s.%U: this kind of field is not supported yet", type.name.c_str(), field.key);
    return nullptr;
  }
  auto* made = PyObject_New(FieldObject, field_type);
  if (made == nullptr) return nullptr;
  made->field = &field;
  made->type = &type;
  made->schema = Py_NewRef(schema);
  return reinterpret_cast<PyObject*>(made);
}

}  // namespace shmcomm::python
