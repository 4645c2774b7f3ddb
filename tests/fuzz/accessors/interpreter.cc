// SPDX-License-Identifier: Apache-2.0
#include "fuzz/accessors/interpreter.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "errors.h"
#include "record.h"
#include "reference.h"

extern "C" PyObject* PyInit__core();
// What the interpreter keeps until the end of the process is its own business.
extern "C" int __lsan_is_turned_off();
extern "C" int __lsan_is_turned_off() { return 1; }

namespace shmcomm::fuzz {
namespace {

using python::ErrorKind;
using python::Reference;

constexpr ErrorKind kRefusals[] = {ErrorKind::kCorruption, ErrorKind::kSerialization, ErrorKind::kMessageTooLarge};

PyObject* factory = nullptr;

constexpr const char* kStart = R"(
import sys, types
package = types.ModuleType("shmcomm")  # its modules without its __init__, which would look for the extension as a file
package.__path__ = [PACKAGE]
sys.modules["shmcomm"] = package
import _core, numpy
import shmcomm.errors

class Factory:
    def __init__(self): self.bytes = {}
    def make_enum(self, name): return int
    def scalar_dtype(self, name): return numpy.dtype(name)
    def struct_dtype(self, name): return numpy.dtype((numpy.void, self.bytes[name]))
)";

bool Run() {
  const Reference main(Py_NewRef(PyImport_AddModule("__main__")));
  PyObject* names = PyModule_GetDict(main.get());
  const Reference package(PyUnicode_FromString(SHMCOMM_PACKAGE));
  if (PyDict_SetItemString(names, "PACKAGE", package.get()) < 0) return false;
  const Reference ran(PyRun_String(kStart, Py_file_input, names, names));
  factory = PyDict_GetItemString(names, "Factory");
  bool ok = ran && factory != nullptr;
  for (const ErrorKind kind : kRefusals) ok = ok && python::ErrorClass(kind) != nullptr;  // imported before one is raised
  return ok;
}

/// Every structure is a block of its own, so that the sanitizer sees its ends.
void UsePlainAllocator() {
  PyPreConfig before;
  PyPreConfig_InitPythonConfig(&before);
  before.allocator = PYMEM_ALLOCATOR_MALLOC;
  if (PyStatus_Exception(Py_PreInitialize(&before))) std::abort();
}

bool BindClasses(python::Schema& schema, PyObject* bytes) {
  for (const auto& type : schema.types()) {
    const Reference made(PyObject_CallFunction(reinterpret_cast<PyObject*>(&PyType_Type), "s(O){s()}", type->name.c_str(),
                                               python::RecordType(), "__slots__"));
    const Reference size(PyLong_FromUnsignedLong(type->struct_bytes));
    if (!made || !python::BindClass(*type, made.get())) return false;
    if (PyDict_SetItemString(bytes, type->name.c_str(), size.get()) < 0) return false;
  }
  return true;
}

}  // namespace

void StartPython() {
  setenv("OPENBLAS_NUM_THREADS", "1", 0);
  UsePlainAllocator();
  PyImport_AppendInittab("_core", PyInit__core);
  PyConfig config;
  PyConfig_InitPythonConfig(&config);
  config.install_signal_handlers = 0;
  config.write_bytecode = 0;
  PyConfig_SetBytesString(&config, &config.program_name, SHMCOMM_PYTHON);
  if (PyStatus_Exception(Py_InitializeFromConfig(&config)) || !Run()) Fail("the interpreter does not start");
  PyConfig_Clear(&config);
}

std::unique_ptr<python::Schema> LoadSchema(std::string bfbs) {
  auto schema = python::Schema::Load(std::move(bfbs));
  if (schema == nullptr) Fail("a random schema is not one");
  const Reference made(PyObject_CallNoArgs(factory));
  const Reference bytes(made ? PyObject_GetAttrString(made.get(), "bytes") : nullptr);
  if (!bytes || !BindClasses(*schema, bytes.get())) Fail("a random schema has no classes");
  schema->set_factory(made.get());
  return schema;
}

void ExpectRefusal() {
  for (const ErrorKind kind : kRefusals) {
    if (PyErr_ExceptionMatches(python::ErrorClass(kind))) return PyErr_Clear();
  }
  Fail("an exception that nobody expects");
}

void Fail(const char* what) {
  std::fprintf(stderr, "%s\n", what);
  if (PyErr_Occurred()) PyErr_Print();
  std::abort();
}

}  // namespace shmcomm::fuzz
