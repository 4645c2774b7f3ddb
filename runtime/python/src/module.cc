// SPDX-License-Identifier: Apache-2.0
// The private extension module of the Python package `shmcomm`.
#include <nanobind/nanobind.h>

#include "classes.h"
#include "field.h"
#include "record.h"
#include "sequence.h"

namespace nb = nanobind;

NB_MODULE(_core, module) {
  using namespace shmcomm::python;
  // Generated modules keep their classes for the life of the program.
  nb::set_leak_warnings(false);
  const bool ok = AddRecordType(module.ptr()) && AddFieldType(module.ptr()) && AddSequenceType(module.ptr());
  if (!ok) nb::raise_python_error();
  AddSchema(module);
}
