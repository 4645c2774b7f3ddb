// SPDX-License-Identifier: Apache-2.0
// Which field of a type an attribute's name stands for, without CPython's way to descriptors: that takes longer than
// reading the field does, and CPython specialises it for none of an extension.
#pragma once

#include <Python.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace shmcomm::python {

struct Field;

/// Of one type, whichever of its classes asks. What is remembered holds for a class as it was: CPython gives a class another
/// version whenever it or one of its bases changes.
class KnownFields {
 public:
  /// Null where nothing is known.
  Field* Find(PyTypeObject* python_class, PyObject* name) const {
    const Entry* entry = &entries_[Start(name)];
    for (std::size_t i = 0; i < kProbes; ++i, ++entry) {
      if (entry->name == name && entry->python_class == python_class) {
        return entry->version == python_class->tp_version_tag ? entry->field : nullptr;
      }
    }
    return nullptr;
  }

  /// `name` is interned and lives as long as `field`; the type has `fields` of them. A class without a version is not remembered.
  void Remember(PyTypeObject* python_class, PyObject* name, Field& field, std::size_t fields) {
    if (python_class->tp_version_tag == 0) return;
    if (mask_ == 0) Grow(fields);
    Entry* const begin = &entries_[Start(name)];
    Entry* const end = begin + kProbes;
    const auto is_ours = [&](const Entry& entry) { return entry.name == name && entry.python_class == python_class; };
    Entry* entry = std::find_if(begin, end, is_ours);
    if (entry == end) entry = std::find_if(begin, end, [](const Entry& other) { return other.name == nullptr; });
    *(entry == end ? begin : entry) = Entry{name, &field, python_class, python_class->tp_version_tag};
  }

 private:
  struct Entry {
    PyObject* name = nullptr;
    Field* field = nullptr;
    PyTypeObject* python_class = nullptr;  // not held: compared beside the version, as CPython 3.10 may give that out again
    unsigned version = 0;
  };
  static constexpr std::size_t kProbes = 4;

  std::size_t Start(PyObject* name) const { return (reinterpret_cast<std::uintptr_t>(name) >> 4) & mask_; }

  void Grow(std::size_t fields) {
    std::size_t size = 16;
    while (size < 8 * fields) size *= 2;  // most types have two to four classes
    entries_.resize(size - 1 + kProbes);
    mask_ = size - 1;
  }

  std::vector<Entry> entries_ = std::vector<Entry>(kProbes);  // the last ones follow no start
  std::size_t mask_ = 0;
};

}  // namespace shmcomm::python
