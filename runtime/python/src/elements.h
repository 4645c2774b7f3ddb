// SPDX-License-Identifier: Apache-2.0
// The elements given for a vector or a fixed array of scalars or structs.
#pragma once

#include <Python.h>

#include <cstdint>

#include "path.h"
#include "schema.h"

namespace shmcomm::python {

/// A source of elements: either a buffer of exactly the right element type, copied whole, any list, tuple or array,
/// converted element by element, or an extent, whose elements stay as they are.
class Elements {
 public:
  Elements(Type& owner, Field& field) : owner_(owner), field_(field) {}
  ~Elements();
  Elements(const Elements&) = delete;
  Elements& operator=(const Elements&) = delete;

  /// Called once. False, with an exception set, if `value` cannot be a source of the field's elements.
  bool Open(PyObject* value, const Path& path);
  std::uint64_t count() const { return count_; }
  /// Writes count() elements to `out`, which need not be aligned.
  bool WriteTo(std::uint8_t* out, const Path& path);

 private:
  bool OpenBuffer(PyObject* value);
  bool OpenList(PyObject* value, const Path& path);
  bool WriteBuffer(std::uint8_t* out);
  bool WriteList(std::uint8_t* out, const Path& path);

  Type& owner_;
  Field& field_;
  Py_buffer buffer_ = {};        // may point into itself: never moved
  bool has_buffer_ = false;
  bool is_extent_ = false;       // only a length: the elements are written later
  PyObject* list_ = nullptr;     // list or tuple
  std::uint64_t count_ = 0;
};

}  // namespace shmcomm::python
