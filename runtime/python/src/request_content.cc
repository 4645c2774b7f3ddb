// SPDX-License-Identifier: Apache-2.0
#include "request_content.h"

#include <utility>

#include "errors.h"
#include "reference.h"

namespace shmcomm::python {

void RequestContent::Drop() {
  if (!request.is_answered() && state->in_use > 0) state->dropped.push_back(std::move(request));
}

bool RequestContent::CheckOpen() const {
  if (request.is_answered()) {
    SetError(ErrorKind::kBase, "%s: this request is answered already; answer each once", channel.c_str());
    return false;
  }
  if (state->in_use == 0) return true;
  SetError(ErrorKind::kBase, "%s: another thread is waiting on this request's replier; answer on that thread", channel.c_str());
  return false;
}

PyObject* RequestContent::Fail(PyObject* message) {
  if (!PyUnicode_Check(message)) {
    PyErr_Format(PyExc_TypeError, "fail takes the message as str, not %.100s", Py_TYPE(message)->tp_name);
    return nullptr;
  }
  const Reference bytes(PyUnicode_AsEncodedString(message, "utf-8", "replace"));
  if (!bytes || !CheckOpen()) return nullptr;
  const std::string text(PyBytes_AS_STRING(bytes.get()), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.get())));
  const absl::Status status = request.Fail(absl::UnknownError(text));
  if (status.ok()) return Py_NewRef(Py_None);
  SetUseError(status, process);
  return nullptr;
}

}  // namespace shmcomm::python
