// SPDX-License-Identifier: Apache-2.0
#include "endpoint.h"

#include <nanobind/stl/string.h>
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

std::optional<Verify> ReadVerify(nanobind::handle value) {
  if (value.is_none()) return std::nullopt;
  if (!PyUnicode_Check(value.ptr())) throw nanobind::type_error("verify is 'trusted', 'verify' or 'untrusted'");
  const std::string chosen = nanobind::cast<std::string>(value);
  if (chosen == "trusted") return Verify::kTrusted;
  if (chosen == "verify") return Verify::kVerify;
  if (chosen == "untrusted") return Verify::kUntrusted;
  throw nanobind::value_error("verify is 'trusted', 'verify' or 'untrusted'");
}

PyObject* RefuseClosed(const std::string& name) {
  SetError(ErrorKind::kConnection, "%s: this endpoint is closed; open another one", name.c_str());
  return nullptr;
}

PyObject* NothingCame(const std::string& name, const char* wanted, const char* sender, absl::Duration timeout) {
  SetError(ErrorKind::kTimeout, "%s: no %s within %lld ms; wait longer, or see whether a %s is open there", name.c_str(), wanted,
           static_cast<long long>(absl::ToInt64Milliseconds(timeout)), sender);
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
