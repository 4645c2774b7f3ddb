// SPDX-License-Identifier: Apache-2.0
#include "sample.h"

#include <new>
#include <utility>

#include "errors.h"

namespace shmcomm::python {
namespace {

struct SampleObject {
  RecordObject record;
  bool holds_slot;                                              // `slot` is constructed
  alignas(shmcomm::Sample) unsigned char slot[sizeof(shmcomm::Sample)];

  shmcomm::Sample& sample() { return *std::launder(reinterpret_cast<shmcomm::Sample*>(slot)); }
};

PyTypeObject* sample_type = nullptr;

shmcomm::Sample& SampleOf(PyObject* object) { return reinterpret_cast<SampleObject*>(object)->sample(); }

PyObject* New(PyTypeObject* python_class, PyObject*, PyObject*) {
  PyErr_Format(PyExc_TypeError, "%.100s comes from a subscriber; it cannot be made", python_class->tp_name);
  return nullptr;
}

void Dealloc(PyObject* object) {
  PyTypeObject* python_class = Py_TYPE(object);
  auto* self = reinterpret_cast<SampleObject*>(object);
  if (self->holds_slot) self->sample().~Sample();
  python_class->tp_free(object);
  Py_DECREF(python_class);
}

PyObject* GetSequence(PyObject* self, void*) { return PyLong_FromUnsignedLongLong(SampleOf(self).sequence()); }
PyObject* GetLost(PyObject* self, void*) { return PyLong_FromUnsignedLongLong(SampleOf(self).lost()); }
PyObject* GetPublishNs(PyObject* self, void*) { return PyLong_FromLongLong(SampleOf(self).publish_ns()); }
PyObject* GetPublisher(PyObject* self, void*) { return PyLong_FromUnsignedLong(SampleOf(self).publisher()); }

PyObject* GetMetadata(PyObject*, PyObject* object) {
  if (!PyObject_TypeCheck(object, sample_type)) {
    PyErr_Format(PyExc_TypeError, "expected a received message, got %.100s", Py_TYPE(object)->tp_name);
    return nullptr;
  }
  const shmcomm::Sample& sample = SampleOf(object);
  return Py_BuildValue("KKLI", static_cast<unsigned long long>(sample.sequence()),
                       static_cast<unsigned long long>(sample.lost()), static_cast<long long>(sample.publish_ns()),
                       static_cast<unsigned int>(sample.publisher()));
}

PyGetSetDef properties[] = {
    {"sequence", GetSequence, nullptr, "The message's number in its channel.", nullptr},
    {"lost", GetLost, nullptr, "Messages this subscriber lost since the sample before.", nullptr},
    {"publish_ns", GetPublishNs, nullptr, "When it was published: time.monotonic_ns() of this computer.", nullptr},
    {"publisher", GetPublisher, nullptr, "Id of its publisher, 1 to 255.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMethodDef metadata_function = {"metadata", GetMetadata, METH_O,
                                 "metadata(sample, /)\n--\n\n(sequence, lost, publish_ns, publisher) of a sample."};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>(
         "A received message. Its slot stays borrowed while it, or any view of it, lives, on whatever thread.\n\n"
         ">>> with ImuSubscriber() as sub, ImuPublisher() as pub:\n"
         "...     _ = pub.send(stamp_ns=1)\n"
         "...     sample = sub.recv(timeout=100)\n"
         "...     sample.sequence, sample.lost, sample.stamp_ns, isinstance(sample, Imu)\n"
         "(0, 0, 1, True)\n")},
    {Py_tp_new, reinterpret_cast<void*>(New)},
    {Py_tp_dealloc, reinterpret_cast<void*>(Dealloc)},
    {Py_tp_getset, properties},
    {0, nullptr},
};

PyType_Spec spec = {"shmcomm._core.Sample", sizeof(SampleObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

}  // namespace

bool BindMessageClass(PyObject* python_class, PyTypeObject* base, destructor dealloc) {
  auto* type = reinterpret_cast<PyTypeObject*>(python_class);
  if (!PyType_Check(python_class) || !PyType_IsSubtype(type, base) || type->tp_dictoffset != 0) {
    PyErr_Format(PyExc_TypeError, "a class of messages derives from %s and has no attributes of its own", base->tp_name);
    return false;
  }
  type->tp_dealloc = dealloc;  // instances hold no Python attributes: the generic deallocation has nothing to do
  return true;
}

bool BindSampleClass(PyObject* python_class) { return BindMessageClass(python_class, sample_type, Dealloc); }

bool CheckMessage(const std::string& channel, const Type& type, std::uint64_t sequence, std::size_t bytes, Codec codec) {
  const Codec expected = type.is_struct ? Codec::kStruct : Codec::kFlatBuffer;
  if (codec == expected && (!type.is_struct || bytes == type.struct_bytes)) return true;
  SetError(ErrorKind::kCorruption, "%s: message %llu of %llu bytes in codec %u is no %s; it was dropped: go on, and see what else writes there", channel.c_str(),
           static_cast<unsigned long long>(sequence), static_cast<unsigned long long>(bytes), static_cast<unsigned>(codec),
           type.name.c_str());
  return false;
}

PyObject* NewSample(const std::string& channel, PyTypeObject* python_class, const Type& type, shmcomm::Sample sample) {
  if (!CheckMessage(channel, type, sample.sequence(), sample.size(), sample.codec())) return nullptr;
  PyObject* made = python_class->tp_alloc(python_class, 0);
  if (made == nullptr) return nullptr;
  auto* self = reinterpret_cast<SampleObject*>(made);
  const Region region{sample.data(), sample.size()};
  new (self->slot) shmcomm::Sample(std::move(sample));
  self->holds_slot = true;
  if (PlaceRoot(self->record, type, region)) return made;
  NameChannel(channel);
  Py_DECREF(made);
  return nullptr;
}

bool AddSampleType(PyObject* module) {
  PyObject* bases = PyTuple_Pack(1, RecordType());
  if (bases == nullptr) return false;
  sample_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpecWithBases(&spec, bases));
  Py_DECREF(bases);
  PyObject* metadata = PyCFunction_New(&metadata_function, nullptr);
  const bool ok = sample_type != nullptr && metadata != nullptr && PyModule_AddType(module, sample_type) == 0 &&
                  PyModule_AddObjectRef(module, "metadata", metadata) == 0;
  Py_XDECREF(metadata);
  return ok;
}

}  // namespace shmcomm::python
