// SPDX-License-Identifier: Apache-2.0
// Where in a message a value belongs, for error messages: `objects[3].pose.x`.
#pragma once

#include <Python.h>

#include <string>

namespace shmcomm::python {

/// A chain of steps on the stack; nothing is formatted until an error needs it.
struct Path {
  const Path* parent = nullptr;
  PyObject* key = nullptr;      ///< field name; null for an element
  Py_ssize_t index = 0;
  int depth = 0;                ///< tables and structs above

  Path Then(PyObject* name) const { return Path{this, name, 0, depth + 1}; }
  Path Element(Py_ssize_t at) const { return Path{this, nullptr, at, depth}; }
  std::string Text() const;
};

/// Sets SHMSerializationError `<path>: expected <what>, got <value>`. An exception that is set already and is no
/// TypeError stays. Always false.
bool Expected(const Path& path, const std::string& what, PyObject* value);

/// Sets SHMSerializationError `<path>: <text>`; always false.
bool Refuse(const Path& path, const std::string& text);

/// repr() cut to 60 characters.
std::string ShortRepr(PyObject* value);

}  // namespace shmcomm::python
