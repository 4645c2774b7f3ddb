// SPDX-License-Identifier: Apache-2.0
#include "slot_buffer.h"

#include <new>
#include <utility>

namespace shmcomm::python {
namespace {

struct SlotBufferObject {
  PyObject_HEAD
  alignas(shmcomm::Sample) unsigned char slot[sizeof(shmcomm::Sample)];

  shmcomm::Sample& sample() { return *std::launder(reinterpret_cast<shmcomm::Sample*>(slot)); }
};

PyTypeObject* slot_buffer_type = nullptr;

int GetBuffer(PyObject* object, Py_buffer* view, int flags) {
  const shmcomm::Sample& sample = reinterpret_cast<SlotBufferObject*>(object)->sample();
  return PyBuffer_FillInfo(view, object, const_cast<std::uint8_t*>(sample.data()), static_cast<Py_ssize_t>(sample.size()), 1,
                           flags);
}

void Dealloc(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  reinterpret_cast<SlotBufferObject*>(object)->sample().~Sample();
  type->tp_free(object);
  Py_DECREF(type);
}

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("The bytes of a message in shared memory; the slot stays borrowed while a view lives.")},
    {Py_tp_dealloc, reinterpret_cast<void*>(Dealloc)},
    {Py_bf_getbuffer, reinterpret_cast<void*>(GetBuffer)},
    {0, nullptr},
};

PyType_Spec spec = {"shmcomm._core.SlotBuffer", sizeof(SlotBufferObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

}  // namespace

PyObject* NewSlotBuffer(shmcomm::Sample sample) {
  PyObject* made = slot_buffer_type->tp_alloc(slot_buffer_type, 0);
  if (made != nullptr) new (reinterpret_cast<SlotBufferObject*>(made)->slot) shmcomm::Sample(std::move(sample));
  return made;
}

bool AddSlotBufferType(PyObject* module) {
  slot_buffer_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return slot_buffer_type != nullptr && PyModule_AddType(module, slot_buffer_type) == 0;
}

}  // namespace shmcomm::python
