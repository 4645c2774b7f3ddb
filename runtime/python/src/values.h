// SPDX-License-Identifier: Apache-2.0
// The values given for the fields of a type, in the order of its fields.
#pragma once

#include <Python.h>

#include <array>
#include <memory>

#include "path.h"
#include "schema.h"

namespace shmcomm::python {

/// One held reference per field, null where none was given. Held because converting one value may run Python code that
/// drops another.
class Values {
 public:
  explicit Values(const Type& type);
  ~Values();
  Values(const Values&) = delete;
  Values& operator=(const Values&) = delete;

  PyObject* operator[](std::size_t field) const { return values_[field]; }
  void Set(std::size_t field, PyObject* value) { Py_XSETREF(values_[field], Py_NewRef(value)); }

  /// The keywords of a vectorcall: `names` is its tuple, `arguments` the values. One called timeout, unless that is a field,
  /// is borrowed by `*timeout`, where that may be given.
  bool SetKeywords(Type& type, PyObject* const* arguments, PyObject* names, PyObject** timeout = nullptr);
  /// The items of a dict; null is an empty one. Errors name `path`.
  bool SetItems(Type& type, PyObject* dict, const Path& path);
  /// The elements of a tuple, one for each field.
  bool SetTuple(const Type& type, PyObject* tuple, const Path& path);

 private:
  void Follow(const KeywordPlan& plan, PyObject* const* arguments, PyObject** timeout);

  static constexpr std::size_t kOnStack = 24;
  std::array<PyObject*, kOnStack> stack_;
  std::unique_ptr<PyObject*[]> heap_;
  PyObject** values_;
  std::size_t count_;
};

}  // namespace shmcomm::python
