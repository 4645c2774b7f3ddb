// SPDX-License-Identifier: Apache-2.0
#include "loan_buffer.h"

#include <new>
#include <utility>

namespace shmcomm::python {
namespace {

struct Content {
  SharedLoan loan;
  std::shared_ptr<const void> memory;
  std::uint8_t* data;
  std::size_t bytes;
};

struct LoanBufferObject {
  PyObject_HEAD
  alignas(Content) unsigned char storage[sizeof(Content)];

  Content& content() { return *std::launder(reinterpret_cast<Content*>(storage)); }
};

PyTypeObject* loan_buffer_type = nullptr;

Content& ContentOf(PyObject* object) { return reinterpret_cast<LoanBufferObject*>(object)->content(); }

int GetBuffer(PyObject* object, Py_buffer* view, int flags) {
  const Content& content = ContentOf(object);
  return PyBuffer_FillInfo(view, object, content.data, static_cast<Py_ssize_t>(content.bytes), 0, flags);
}

void Dealloc(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  ContentOf(object).~Content();
  type->tp_free(object);
  Py_DECREF(type);
}

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("A message being written in shared memory.")},
    {Py_tp_dealloc, reinterpret_cast<void*>(Dealloc)},
    {Py_bf_getbuffer, reinterpret_cast<void*>(GetBuffer)},
    {0, nullptr},
};

PyType_Spec spec = {"shmcomm._core.LoanBuffer", sizeof(LoanBufferObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

}  // namespace

PyObject* NewLoanBuffer(SharedLoan loan, std::shared_ptr<const void> memory, std::uint8_t* data, std::size_t bytes) {
  PyObject* made = loan_buffer_type->tp_alloc(loan_buffer_type, 0);
  if (made == nullptr) return nullptr;
  new (reinterpret_cast<LoanBufferObject*>(made)->storage) Content{std::move(loan), std::move(memory), data, bytes};
  return made;
}

std::size_t SizeOf(PyObject* buffer) { return ContentOf(buffer).bytes; }

SharedLoan* LoanOf(PyObject* object) {
  if (Py_TYPE(object) == loan_buffer_type) return &ContentOf(object).loan;
  PyErr_Format(PyExc_TypeError, "expected a loan, not %.100s", Py_TYPE(object)->tp_name);
  return nullptr;
}

bool AddLoanBufferType(PyObject* module) {
  loan_buffer_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return loan_buffer_type != nullptr && PyModule_AddType(module, loan_buffer_type) == 0;
}

}  // namespace shmcomm::python
