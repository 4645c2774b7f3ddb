/* SPDX-License-Identifier: Apache-2.0
 * The least that Python can do with shared memory: what a program would have that wrote one slot in C. Limits of the
 * benchmarks beside it; compiled by them.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { kBytes = 64 };

typedef struct {
  _Atomic uint32_t number;
  char pad[kBytes - sizeof(uint32_t)];
  char message[kBytes];
} Slot;

/* One slot each way; number 0 is nobody's. */
typedef struct {
  PyObject_HEAD
  Py_buffer buffer;
  Slot* out;
  Slot* in;
  uint32_t sent;
  uint32_t received;
} Bare;

static int bare_init(Bare* self, PyObject* arguments, PyObject* keywords) {
  int is_echo = 0;
  (void)keywords;
  if (!PyArg_ParseTuple(arguments, "w*p", &self->buffer, &is_echo)) return -1;
  Slot* slots = self->buffer.buf;
  self->out = &slots[is_echo];
  self->in = &slots[!is_echo];
  return 0;
}

static void bare_dealloc(Bare* self) {
  PyBuffer_Release(&self->buffer);
  Py_TYPE(self)->tp_free((PyObject*)self);
}

static PyObject* bare_send(Bare* self, PyObject* message) {
  memcpy(self->out->message, PyBytes_AS_STRING(message), kBytes);
  atomic_store_explicit(&self->out->number, ++self->sent, memory_order_release);
  Py_RETURN_NONE;
}

static PyObject* bare_try_recv(Bare* self, PyObject* nothing) {
  (void)nothing;
  if (atomic_load_explicit(&self->in->number, memory_order_acquire) == self->received) Py_RETURN_NONE;
  ++self->received;
  return PyBytes_FromStringAndSize(self->in->message, kBytes);
}

static void wake(Slot* slot, uint32_t number) {
  atomic_store_explicit(&slot->number, number, memory_order_release);
  syscall(SYS_futex, &slot->number, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void sleep_until(Slot* slot, uint32_t number) {
  uint32_t seen;
  while ((seen = atomic_load_explicit(&slot->number, memory_order_acquire)) != number) {
    syscall(SYS_futex, &slot->number, FUTEX_WAIT, seen, NULL, NULL, 0);
  }
}

/* A round trip between two sleepers, in C alone: what waking costs here. */
static PyObject* bare_ping(Bare* self, PyObject* nothing) {
  (void)nothing;
  Py_BEGIN_ALLOW_THREADS
  wake(self->out, ++self->sent);
  sleep_until(self->in, ++self->received);
  Py_END_ALLOW_THREADS
  Py_RETURN_NONE;
}

static PyObject* bare_pong(Bare* self, PyObject* nothing) {
  (void)nothing;
  Py_BEGIN_ALLOW_THREADS
  sleep_until(self->in, ++self->received);
  wake(self->out, ++self->sent);
  Py_END_ALLOW_THREADS
  Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"send", (PyCFunction)bare_send, METH_O, "Writes 64 bytes into the slot and marks it."},
    {"try_recv", (PyCFunction)bare_try_recv, METH_NOARGS, "The 64 bytes if the slot was marked since, else None."},
    {"ping", (PyCFunction)bare_ping, METH_NOARGS, "Wakes the other side and sleeps until it answers."},
    {"pong", (PyCFunction)bare_pong, METH_NOARGS, "Sleeps until the other side wakes it and wakes that."},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject bare_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "bare.Bare",
    .tp_basicsize = sizeof(Bare),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "Bare(memory, is_echo): 256 bytes of shared memory, a slot each way.",
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)bare_init,
    .tp_dealloc = (destructor)bare_dealloc,
    .tp_methods = methods,
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "bare", .m_size = -1};

PyMODINIT_FUNC PyInit_bare(void) {
  PyObject* made = PyModule_Create(&module);
  if (made == NULL || PyType_Ready(&bare_type) < 0) return NULL;
  return PyModule_AddObjectRef(made, "Bare", (PyObject*)&bare_type) < 0 ? NULL : made;
}
