// SPDX-License-Identifier: Apache-2.0
#include "sequence.h"

#include <algorithm>

#include "read.h"

namespace shmcomm::python {
namespace {

struct SequenceObject {
  PyObject_HEAD
  PyObject* holder;       // keeps the message, and through its class the schema
  PyObject* owner_class;  // keeps `type` and `field`
  const Type* type;
  Field* field;
  Region region;
  VectorAt elements;
};

PyTypeObject* sequence_type = nullptr;

SequenceObject* AsSequence(PyObject* object) { return reinterpret_cast<SequenceObject*>(object); }

PyObject* At(SequenceObject* self, std::uint64_t index) {
  return ReadElement(*self->type, *self->field, self->holder, self->region, self->elements, index);
}

Py_ssize_t Length(PyObject* object) { return static_cast<Py_ssize_t>(AsSequence(object)->elements.count); }

PyObject* Item(PyObject* object, Py_ssize_t index) {
  if (index < 0 || index >= Length(object)) {
    PyErr_SetString(PyExc_IndexError, "index out of range");
    return nullptr;
  }
  return At(AsSequence(object), static_cast<std::uint64_t>(index));
}

PyObject* Slice(PyObject* object, PyObject* slice) {
  Py_ssize_t start = 0;
  Py_ssize_t stop = 0;
  Py_ssize_t step = 0;
  if (PySlice_Unpack(slice, &start, &stop, &step) < 0) return nullptr;
  const Py_ssize_t count = PySlice_AdjustIndices(Length(object), &start, &stop, step);
  PyObject* list = PyList_New(count);
  for (Py_ssize_t i = 0; list != nullptr && i < count; ++i) {
    PyObject* element = Item(object, start + i * step);
    if (element == nullptr) Py_CLEAR(list);
    else PyList_SET_ITEM(list, i, element);
  }
  return list;
}

PyObject* Subscript(PyObject* object, PyObject* index) {
  if (PySlice_Check(index)) return Slice(object, index);
  Py_ssize_t at = PyNumber_AsSsize_t(index, PyExc_IndexError);
  if (at == -1 && PyErr_Occurred()) return nullptr;
  return Item(object, at < 0 ? at + Length(object) : at);
}

PyObject* Compare(PyObject* object, PyObject* other, int operation) {
  if (operation != Py_EQ && operation != Py_NE) Py_RETURN_NOTIMPLEMENTED;
  if (!PyList_Check(other) && !PyTuple_Check(other) && Py_TYPE(other) != sequence_type) Py_RETURN_NOTIMPLEMENTED;
  PyObject* mine = PySequence_List(object);
  PyObject* theirs = mine == nullptr ? nullptr : PySequence_List(other);
  PyObject* answer = theirs == nullptr ? nullptr : PyObject_RichCompare(mine, theirs, operation);
  Py_XDECREF(mine);
  Py_XDECREF(theirs);
  return answer;
}

PyObject* Repr(PyObject* object) {
  PyObject* list = PySequence_List(object);
  PyObject* text = list == nullptr ? nullptr : PyObject_Repr(list);
  Py_XDECREF(list);
  return text;
}

/// index(value, start, stop), as that of a list.
PyObject* Index(PyObject* object, PyObject* arguments, PyObject* keywords) {
  static const char* names[] = {"value", "start", "stop", nullptr};
  PyObject* value = nullptr;
  Py_ssize_t start = 0;
  Py_ssize_t stop = PY_SSIZE_T_MAX;
  if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O|nn:index", const_cast<char**>(names), &value, &start, &stop)) return nullptr;
  const Py_ssize_t length = Length(object);
  if (start < 0) start = std::max<Py_ssize_t>(start + length, 0);
  if (stop < 0) stop += length;
  stop = std::min(stop, length);
  for (Py_ssize_t at = start; at < stop; ++at) {
    PyObject* element = Item(object, at);
    const int is_it = element == nullptr ? -1 : PyObject_RichCompareBool(element, value, Py_EQ);
    Py_XDECREF(element);
    if (is_it < 0) return nullptr;
    if (is_it > 0) return PyLong_FromSsize_t(at);
  }
  PyErr_Format(PyExc_ValueError, "%R is not among these", value);
  return nullptr;
}

PyObject* Count(PyObject* object, PyObject* value) {
  const Py_ssize_t count = PySequence_Count(object, value);
  return count < 0 ? nullptr : PyLong_FromSsize_t(count);
}

void Dealloc(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  Py_XDECREF(AsSequence(object)->holder);
  Py_XDECREF(AsSequence(object)->owner_class);
  type->tp_free(object);
  Py_DECREF(type);
}

PyMethodDef methods[] = {
    {"index", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(Index)), METH_VARARGS | METH_KEYWORDS,
     "index($self, value, start=0, stop=sys.maxsize)\n--\n\n"
     "First index of a value, from `start` and before `stop`. ValueError if there is none."},
    {"count", Count, METH_O, "How often a value occurs."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("A vector of strings or tables of a message, read element by element where it lies.")},
    {Py_sq_length, reinterpret_cast<void*>(Length)},
    {Py_sq_item, reinterpret_cast<void*>(Item)},
    {Py_mp_length, reinterpret_cast<void*>(Length)},
    {Py_mp_subscript, reinterpret_cast<void*>(Subscript)},
    {Py_tp_richcompare, reinterpret_cast<void*>(Compare)},
    {Py_tp_hash, reinterpret_cast<void*>(PyObject_HashNotImplemented)},
    {Py_tp_repr, reinterpret_cast<void*>(Repr)},
    {Py_tp_methods, methods},
    {Py_tp_dealloc, reinterpret_cast<void*>(Dealloc)},
    {0, nullptr},
};

PyType_Spec spec = {"shmcomm._core.Sequence", sizeof(SequenceObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_SEQUENCE, slots};

}  // namespace

PyObject* NewSequence(const Type& type, Field& field, PyObject* holder, Region region, VectorAt elements) {
  auto* made = PyObject_New(SequenceObject, sequence_type);
  if (made == nullptr) return nullptr;
  made->holder = Py_NewRef(holder);
  made->owner_class = Py_XNewRef(type.python_class);
  made->type = &type;
  made->field = &field;
  made->region = region;
  made->elements = elements;
  return reinterpret_cast<PyObject*>(made);
}

bool AddSequenceType(PyObject* module) {
  sequence_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return sequence_type != nullptr && PyModule_AddType(module, sequence_type) == 0;
}

}  // namespace shmcomm::python
