// SPDX-License-Identifier: Apache-2.0
#include "typed_loan.h"

#include <cstring>
#include <map>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "box.h"
#include "build.h"
#include "elements.h"
#include "extent.h"
#include "pack.h"
#include "read.h"
#include "sample.h"
#include "unbox.h"

namespace shmcomm::python {
namespace {

/// What a loan is besides a record.
struct Content {
  std::shared_ptr<Sender> sender;      // keeps the memory, for views that outlive the loan
  std::optional<shmcomm::Loan> loan;           // empty once it was published or abandoned
  std::vector<std::uint16_t> hidden;           // by field: the vtable's entry of an optional one that is not set yet
  std::map<const std::uint8_t*, PyObject*> shapes;  // of vectors, by their first element; tuples
  std::vector<PyObject*> views;                // weak references to the arrays handed out
};

struct LoanObject {
  RecordObject record;
  bool has_content;
  alignas(Content) unsigned char storage[sizeof(Content)];

  Content& content() { return *std::launder(reinterpret_cast<Content*>(storage)); }
};

PyTypeObject* loan_type = nullptr;

LoanObject* AsLoan(PyObject* object) { return reinterpret_cast<LoanObject*>(object); }

PyObject* New(PyTypeObject* python_class, PyObject*, PyObject*) {
  PyErr_Format(PyExc_TypeError, "%.100s comes from loan(); it cannot be made", python_class->tp_name);
  return nullptr;
}

/// Views keep the memory, but what they show is no longer the program's to write.
void LockViews(Content& content) {
  PyObject* kind = nullptr;
  PyObject* error = nullptr;
  PyObject* trace = nullptr;
  PyErr_Fetch(&kind, &error, &trace);  // also called while an exception passes
  for (PyObject* weak : content.views) {
    PyObject* array = PyWeakref_GetObject(weak);
    PyObject* flags = array == Py_None ? nullptr : PyObject_GetAttrString(array, "flags");
    if (flags != nullptr) PyObject_SetAttrString(flags, "writeable", Py_False);
    Py_XDECREF(flags);
    Py_DECREF(weak);
  }
  content.views.clear();
  PyErr_Restore(kind, error, trace);
}

/// Gives an unpublished slot back, at the next loan if another thread is sending now.
void Abandon(Content& content) {
  Sender& sender = *content.sender;
  if (content.loan && sender.in_use > 0) sender.parked.push_back(*std::move(content.loan));
  content.loan.reset();
}

/// Nothing is read or written through the record any more.
void End(LoanObject& self) {
  Content& content = self.content();
  Abandon(content);
  MarkOver(self.record);
  LockViews(content);
}

void Dealloc(PyObject* object) {
  PyTypeObject* python_class = Py_TYPE(object);
  LoanObject& self = *AsLoan(object);
  if (self.has_content) {
    Abandon(self.content());
    LockViews(self.content());
    for (auto& [first, shape] : self.content().shapes) Py_DECREF(shape);
    self.content().~Content();
  }
  python_class->tp_free(object);
  Py_DECREF(python_class);
}

int GetBuffer(PyObject* object, Py_buffer* view, int flags) {
  LoanObject& self = *AsLoan(object);
  const Region region = self.record.region;
  const int is_readonly = self.content().loan.has_value() ? 0 : 1;
  return PyBuffer_FillInfo(view, object, const_cast<std::uint8_t*>(region.base), static_cast<Py_ssize_t>(region.size),
                           is_readonly, flags);
}

bool CheckOpen(LoanObject& self) {
  if (self.content().loan.has_value()) return true;
  SetError(ErrorKind::kBase, "%s: this loan is over; its message is read by others: lend another", self.content().sender->name.c_str());
  return false;
}

PyObject* Enter(PyObject* object, PyObject*) { return CheckOpen(*AsLoan(object)) ? Py_NewRef(object) : nullptr; }

bool Send(LoanObject& self) {
  Sender& sender = *self.content().sender;
  if (!CheckOpen(self)) return false;
  if (sender.close_wanted) {
    End(self);
    return RefuseClosed(sender.name) != nullptr;
  }
  if (!CheckNotSending(sender)) return false;
  const NewsPtr news = sender.news;
  {
    const InUse mark(sender.in_use);
    shmcomm::Loan loan = *std::move(self.content().loan);
    self.content().loan.reset();
    End(self);
    if (!SendLoan(sender, std::move(loan))) return false;
  }
  LogSent(sender);
  TellNews(news);
  return true;
}

PyObject* Exit(PyObject* object, PyObject* arguments) {
  LoanObject& self = *AsLoan(object);
  PyObject* kind = PyTuple_GET_SIZE(arguments) > 0 ? PyTuple_GET_ITEM(arguments, 0) : Py_None;
  if (kind != Py_None) {
    End(self);
    Py_RETURN_FALSE;
  }
  return Send(self) ? Py_NewRef(Py_False) : nullptr;
}

PyMethodDef methods[] = {
    {"__enter__", Enter, METH_NOARGS, nullptr},
    {"__exit__", Logged<Exit>, METH_VARARGS, "Sends the message, or abandons it where an exception passes."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>(
         "A message being written in shared memory, which no receiver sees yet. Sent when its `with` block ends, abandoned where\n"
         "that raises. Used by the thread that sends. See loan of a publisher or pusher.\n\n"
         ">>> with ImuSubscriber() as sub, ImuPublisher() as pub:\n"
         "...     with pub.loan() as imu:\n"
         "...         imu.stamp_ns = 1\n"
         "...     sub.recv(timeout=100).stamp_ns\n"
         "1\n")},
    {Py_tp_new, reinterpret_cast<void*>(New)},
    {Py_tp_dealloc, reinterpret_cast<void*>(Dealloc)},
    {Py_tp_methods, methods},
    {Py_bf_getbuffer, reinterpret_cast<void*>(GetBuffer)},
    {0, nullptr},
};

PyType_Spec spec = {"shmcomm._core.Loan", sizeof(LoanObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

/// Turns shapes into extents; `shapes` has one tuple for each field that has one, otherwise null.
bool TakeShapes(Type& type, Values& values, std::vector<PyObject*>& shapes) {
  shapes.assign(type.fields.size(), nullptr);
  for (std::size_t i = 0; i < type.fields.size(); ++i) {
    if (!IsPlainVector(type.fields[i]) || values[i] == nullptr || !IsShape(values[i])) continue;
    PyObject* extent = NewExtent(values[i], Path{}.Then(type.fields[i].key));
    if (extent == nullptr) return false;
    shapes[i] = PyTuple_Check(values[i]) ? Py_NewRef(values[i]) : PyTuple_Pack(1, values[i]);
    values.Set(i, extent);
    Py_DECREF(extent);
    if (shapes[i] == nullptr) return false;
  }
  return true;
}

/// Takes optional scalars and structs that are not given out of the message until they are set.
void HideUnset(LoanObject& self, const Values& values) {
  const Type& type = *self.record.type;
  self.content().hidden.assign(type.fields.size(), 0);
  for (std::size_t i = 0; i < type.fields.size(); ++i) {
    const Field& field = type.fields[i];
    const bool may_be_absent = (field.shape == Shape::kScalar && field.is_optional) || field.shape == Shape::kStruct;
    if (field.is_tag || !may_be_absent || !IsLeftOut(field, values[i])) continue;
    auto* entry = const_cast<std::uint8_t*>(self.record.region.base + self.record.table.vtable + field.slot);
    std::memcpy(&self.content().hidden[i], entry, sizeof(std::uint16_t));
    std::memset(entry, 0, sizeof(std::uint16_t));
  }
}

/// Makes a hidden field of the loan's root part of the message.
void Reveal(LoanObject& self, const Field& field) {
  const auto at = static_cast<std::size_t>(&field - self.record.type->fields.data());
  std::uint16_t& entry = self.content().hidden[at];
  if (entry == 0) return;
  std::memcpy(const_cast<std::uint8_t*>(self.record.region.base + self.record.table.vtable + field.slot), &entry, sizeof(entry));
  entry = 0;
}

void RememberShapes(LoanObject& self, const std::vector<PyObject*>& shapes) {
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    VectorAt elements;
    if (shapes[i] == nullptr || !LocateElements(self.record, self.record.type->fields[i], &elements)) continue;
    PyObject*& kept = self.content().shapes[self.record.region.base + elements.first];
    Py_XSETREF(kept, Py_NewRef(shapes[i]));
  }
}

bool PlaceStruct(LoanObject& self, Sender& sender, const Values& values) {
  const Type& type = *sender.type;
  absl::StatusOr<std::uint8_t*> bytes = self.content().loan->Raw(type.struct_bytes);
  if (!bytes.ok()) return Finish(sender, bytes.status());
  return PackFields(*sender.type, values, Path{}, *bytes) && PlaceRoot(self.record, type, Region{*bytes, type.struct_bytes});
}

bool PlaceTable(LoanObject& self, Sender& sender, const Values& values) {
  flatbuffers::FlatBufferBuilder& builder = self.content().loan->builder();
  if (!BuildWithAllPlaces(builder, *sender.type, values)) return false;
  // A message ends where its slot ends, unless it did not fit and went to the heap.
  const Region region{builder.GetBufferPointer(), builder.GetSize()};
  const absl::StatusOr<std::uint8_t*> place = self.content().loan->Raw(region.size);
  if (!place.ok()) return Finish(sender, place.status());
  if (*place != region.base) {
    SetError(ErrorKind::kBufferFull, "%s: shared memory is full; send less, or free some of it", sender.name.c_str());
    return false;
  }
  if (!PlaceRoot(self.record, *sender.type, region)) return false;
  HideUnset(self, values);
  return true;
}

}  // namespace

PyObject* NewTypedLoan(std::shared_ptr<Sender> sender, Values& values) {
  sender->parked.clear();
  absl::StatusOr<shmcomm::Loan> loan = sender->Lend();
  if (!loan.ok()) {
    Finish(*sender, loan.status());
    return nullptr;
  }
  PyObject* made = sender->loan_class->tp_alloc(sender->loan_class, 0);
  if (made == nullptr) return nullptr;
  LoanObject& self = *AsLoan(made);
  Sender& opened = *sender;
  new (self.storage) Content{std::move(sender), *std::move(loan), {}, {}, {}};
  self.has_content = true;
  std::vector<PyObject*> shapes;
  const bool ok = TakeShapes(*opened.type, values, shapes) &&
                  (opened.type->is_struct ? PlaceStruct(self, opened, values) : PlaceTable(self, opened, values));
  if (ok) RememberShapes(self, shapes);
  for (PyObject* shape : shapes) Py_XDECREF(shape);
  if (!ok) Py_CLEAR(made);
  return made;
}

bool BindLoanClass(PyObject* python_class) { return BindMessageClass(python_class, loan_type, Dealloc); }

bool IsLoan(PyObject* holder) { return PyObject_TypeCheck(holder, loan_type); }

namespace {

bool SetField(LoanObject& self, RecordObject& record, Field& field, PyObject* value) {
  const Path root;
  const Path path = root.Then(field.key);
  if (record.holder() == reinterpret_cast<PyObject*>(&record) && !record.type->is_struct) {
    if (value == Py_None) return Refuse(path, "cannot be taken away again");
    Reveal(self, field);
  }
  const std::uint64_t at = PositionOf(record, field);
  const bool has_elements = IsPlainVector(field) || field.shape == Shape::kArray;
  if (at == kAbsent || field.is_tag || (field.is_reference() && !has_elements)) {
    return Refuse(path, "has no place in this message: give it to loan()");
  }
  auto* place = const_cast<std::uint8_t*>(record.region.base + at);
  Type& owner = const_cast<Type&>(*record.type);
  if (field.shape == Shape::kScalar) return PackScalar(owner, field, value, path, place);
  if (field.shape == Shape::kStruct) return PackStruct(*field.type, value, path, place);
  VectorAt vector;
  Elements elements(owner, field);
  if (!LocateElements(record, field, &vector) || !elements.Open(value, path)) return false;
  if (elements.count() != vector.count) {
    return Refuse(path, "expected " + std::to_string(vector.count) + " elements, got " + std::to_string(elements.count()));
  }
  return elements.WriteTo(const_cast<std::uint8_t*>(record.region.base + vector.first), path);
}

}  // namespace

bool SetLoanField(RecordObject& record, Field& field, PyObject* value) {
  LoanObject& self = *AsLoan(record.holder());
  return CheckOpen(self) && (SetField(self, record, field, value) || NameChannel(self.content().sender->name));
}

PyObject* ShapeLoanView(PyObject* holder, const std::uint8_t* first, PyObject* array) {
  Content& content = AsLoan(holder)->content();
  const auto shape = content.shapes.find(first);
  if (shape != content.shapes.end()) Py_SETREF(array, PyObject_CallMethod(array, "reshape", "O", shape->second));
  PyObject* weak = array == nullptr ? nullptr : PyWeakref_NewRef(array, nullptr);
  if (weak == nullptr) Py_CLEAR(array);
  else content.views.push_back(weak);
  return array;
}

PyTypeObject* LoanType() { return loan_type; }

bool AddTypedLoanType(PyObject* module) {
  PyObject* bases = PyTuple_Pack(1, RecordType());
  if (bases == nullptr) return false;
  loan_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpecWithBases(&spec, bases));
  Py_DECREF(bases);
  return loan_type != nullptr && PyModule_AddType(module, loan_type) == 0;
}

}  // namespace shmcomm::python
