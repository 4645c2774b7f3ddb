// SPDX-License-Identifier: Apache-2.0
#include "fuzz/accessors/walk.h"

#include <algorithm>
#include <cstring>

#include "build.h"
#include "fuzz/accessors/interpreter.h"
#include "plain.h"
#include "reference.h"

namespace shmcomm::fuzz {
namespace {

using python::AsRecord;
using python::Reference;

constexpr int kMostRecords = 2000;
constexpr int kDeepest = 30;
constexpr Py_ssize_t kMostElements = 64;

class Walker {
 public:
  explicit Walker(bool is_good) : is_good_(is_good) {}

  /// False if the walk was cut short: the message is larger than it looks.
  bool is_whole() const { return is_whole_; }

  void Record(PyObject* object, int depth) {
    if (++records_ > kMostRecords || depth > kDeepest) {
      is_whole_ = false;
      return;
    }
    auto& record = *AsRecord(object);
    for (const python::Field& each : record.type->fields) {
      auto& field = const_cast<python::Field&>(each);  // only its caches change
      const Reference value(field.read(record, field));
      if (value) Value(value.get(), depth);
      else if (is_good_) Fail("a verified message has a field that cannot be read");
      else ExpectRefusal();
    }
  }

 private:
  void Value(PyObject* value, int depth) {
    if (python::IsRecord(value)) return Record(value, depth + 1);
    if (PyUnicode_Check(value)) return;
    if (PyObject_CheckBuffer(value)) return Bytes(value);
    if (PySequence_Check(value)) Elements(value, depth);
  }

  void Bytes(PyObject* value) {
    Py_buffer view;
    if (PyObject_GetBuffer(value, &view, PyBUF_SIMPLE) < 0) Fail("a view of elements is not contiguous");
    volatile std::uint8_t sum = 0;
    for (Py_ssize_t i = 0; i < view.len; ++i) sum = sum + static_cast<const std::uint8_t*>(view.buf)[i];
    PyBuffer_Release(&view);
  }

  void Elements(PyObject* sequence, int depth) {
    const Py_ssize_t length = PySequence_Size(sequence);
    for (Py_ssize_t i = 0; i < length; ++i) {
      if (i == kMostElements) i = std::max(i, length - kMostElements);
      const Reference element(PySequence_GetItem(sequence, i));
      if (element) Value(element.get(), depth);
      else if (is_good_) Fail("a verified message has an element that cannot be read");
      else ExpectRefusal();
    }
  }

  const bool is_good_;
  bool is_whole_ = true;
  int records_ = 0;
};

/// What was made is there, or was refused for a reason. Nothing of a good message is refused, unless it is too large.
Reference Made(PyObject* object, bool must) {
  if (object == nullptr && must) Fail("a verified message is refused");
  if (object == nullptr) ExpectRefusal();
  return Reference(object);
}

/// A copy has the same content, though it may lie elsewhere.
void CompareCopy(python::Type& type, const Reference& dict, const Reference& copy) {
  const Reference again(python::NewValue(reinterpret_cast<PyTypeObject*>(type.python_class), type, copy.get()));
  const Reference other(again ? python::ToDict(*AsRecord(again.get())) : nullptr);
  const Reference mine(PyObject_Repr(dict.get()));
  const Reference theirs(other ? PyObject_Repr(other.get()) : nullptr);
  if (!mine || !theirs || PyUnicode_Compare(mine.get(), theirs.get()) != 0) Fail("a copy is not like its original");
}

}  // namespace

void Walk(python::Type& type, python::Region region, bool is_good) {
  const Reference record(python::NewRecord(type, Py_None, region, python::RootPosition(type, region)));
  if (!record && is_good) Fail("a verified message cannot be opened");
  if (!record) return ExpectRefusal();
  Walker walker(is_good);
  walker.Record(record.get(), 0);
  const bool must = is_good && walker.is_whole();
  const Reference dict = Made(python::ToDict(*AsRecord(record.get())), must);
  static_cast<void>(Made(python::ToText(*AsRecord(record.get())), must));
  const Reference copy = Made(python::EncodeRecord(record.get()), false);
  if (dict && copy) CompareCopy(type, dict, copy);
}

}  // namespace shmcomm::fuzz
