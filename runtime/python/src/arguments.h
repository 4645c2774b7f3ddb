// SPDX-License-Identifier: Apache-2.0
// Arguments of methods in the calling convention without tuples and dicts.
#pragma once

#include <Python.h>

#include <array>
#include <cstddef>

namespace shmcomm::python {

/// What a method takes: its parameters by name, the first `positional` of them also by position.
template <std::size_t kCount>
struct Parameters {
  const char* method;
  std::array<const char*, kCount> names;
  Py_ssize_t positional;
};

namespace arguments_detail {

bool Place(const char* method, const char* const* names, std::size_t count, Py_ssize_t positional, PyObject* const* given,
           Py_ssize_t given_count, PyObject* keywords, PyObject** values);

}  // namespace arguments_detail

/// Borrowed references to the arguments by parameter, null where one was not given. False with TypeError.
template <std::size_t kCount>
bool PlaceArguments(const Parameters<kCount>& parameters, PyObject* const* given, Py_ssize_t given_count,
                    PyObject* keywords, std::array<PyObject*, kCount>* values) {
  values->fill(nullptr);
  return arguments_detail::Place(parameters.method, parameters.names.data(), kCount, parameters.positional, given,
                                 given_count, keywords, values->data());
}

}  // namespace shmcomm::python
