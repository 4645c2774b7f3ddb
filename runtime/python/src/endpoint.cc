// SPDX-License-Identifier: Apache-2.0
#include "endpoint.h"

#include <unistd.h>

#include "timeout.h"

namespace shmcomm::python {

std::int64_t ProcessNumber() { return getpid(); }

void SetUseError(const absl::Status& status, std::int64_t opened_by_process) {
  SetError(status, ProcessNumber() == opened_by_process ? Doing::kUsing : Doing::kForked);
}

void ReadDuration(nanobind::handle value, absl::Duration* duration) {
  if (!value.is_none() && !ParseTimeout(value.ptr(), duration)) nanobind::raise_python_error();
}

PyObject* RefuseClosed(const std::string& name) {
  SetError(ErrorKind::kConnection, "%s: this endpoint is closed", name.c_str());
  return nullptr;
}

void AddFastMethod(nanobind::handle python_class, PyMethodDef& definition) {
  auto* type = reinterpret_cast<PyTypeObject*>(python_class.ptr());
  nanobind::object method = nanobind::steal(PyDescr_NewMethod(type, &definition));
  if (!method.is_valid() || PyObject_SetAttrString(python_class.ptr(), definition.ml_name, method.ptr()) != 0) {
    nanobind::raise_python_error();
  }
}

}  // namespace shmcomm::python
