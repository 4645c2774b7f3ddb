// SPDX-License-Identifier: Apache-2.0
#include "untyped_codecs.h"

#include <array>

#include "errors.h"
#include "reference.h"

namespace shmcomm::python {
namespace {

constexpr std::array<const char*, 8> kNames = {"dumps", "loads", "array_header", "parse_array_header",
                                               "pack",  "unpack", "by_type",      "by_name"};

bool Load(std::array<PyObject*, kNames.size()>& found) {
  const Reference module(PyImport_ImportModule("shmcomm.codecs"));
  if (!module) return false;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    found[i] = PyObject_GetAttrString(module.get(), kNames[i]);
    if (found[i] == nullptr) return false;
  }
  return true;
}

}  // namespace

const CodecFunctions* Codecs() {
  static CodecFunctions functions = {};
  if (functions.by_name != nullptr) return &functions;
  std::array<PyObject*, kNames.size()> found = {};
  if (!Load(found)) return nullptr;
  functions = {found[0], found[1], found[2], found[3], found[4], found[5], found[6], found[7]};
  return &functions;
}

PyObject* Call(PyObject* function, std::initializer_list<PyObject*> arguments) {
  return PyObject_Vectorcall(function, arguments.begin(), arguments.size(), nullptr);
}

void WrapAsSerializationError(const std::string& text, const char* options) {
  if (!PyErr_ExceptionMatches(PyExc_Exception) || PyErr_ExceptionMatches(PyExc_MemoryError)) return;
  PyObject *type = nullptr, *cause = nullptr, *trace = nullptr;
  PyErr_Fetch(&type, &cause, &trace);
  PyErr_NormalizeException(&type, &cause, &trace);
  if (trace != nullptr) PyException_SetTraceback(cause, trace);
  Py_XDECREF(type);
  Py_XDECREF(trace);
  SetError(ErrorKind::kSerialization, "%s: %S\n  options: %s", text.c_str(), cause, options);
  PyObject *new_type = nullptr, *error = nullptr, *new_trace = nullptr;
  PyErr_Fetch(&new_type, &error, &new_trace);
  PyErr_NormalizeException(&new_type, &error, &new_trace);
  PyException_SetCause(error, Py_NewRef(cause));
  PyException_SetContext(error, cause);
  PyErr_Restore(new_type, error, new_trace);
}

}  // namespace shmcomm::python
