// SPDX-License-Identifier: Apache-2.0
#include "arguments.h"

#include <algorithm>

namespace shmcomm::python::arguments_detail {

bool Place(const char* method, const char* const* names, std::size_t count, Py_ssize_t positional, PyObject* const* given,
           Py_ssize_t given_count, PyObject* keywords, PyObject** values) {
  if (given_count > positional) {
    PyErr_Format(PyExc_TypeError, "%s takes %zd arguments by position, not %zd", method, positional, given_count);
    return false;
  }
  std::copy(given, given + given_count, values);
  const Py_ssize_t named = keywords == nullptr ? 0 : PyTuple_GET_SIZE(keywords);
  for (Py_ssize_t i = 0; i < named; ++i) {
    PyObject* keyword = PyTuple_GET_ITEM(keywords, i);
    const char* const* name = std::find_if(
        names, names + count, [&](const char* known) { return PyUnicode_CompareWithASCIIString(keyword, known) == 0; });
    PyObject** value = values + (name - names);
    if (name == names + count || *value != nullptr) {
      PyErr_Format(PyExc_TypeError, name == names + count ? "%s takes no argument %R" : "%s got argument %R twice", method,
                   keyword);
      return false;
    }
    *value = given[given_count + i];
  }
  return true;
}

}  // namespace shmcomm::python::arguments_detail
