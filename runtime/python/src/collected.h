// SPDX-License-Identifier: Apache-2.0
// What Python's garbage collector learns of an endpoint: its callback, which may refer to the endpoint. What else an endpoint
// holds (its channel, classes) lives as long as the program.
#pragma once

#include <nanobind/nanobind.h>

#include <memory>
#include <optional>
#include <utility>

#include "news.h"

namespace shmcomm::python {

template <class Opened>
bool IsShared(const std::optional<Opened>&) {
  return false;
}
/// Loans hold their sender.
template <class Opened>
bool IsShared(const std::shared_ptr<Opened>& opened) {
  return opened.use_count() > 1;
}

/// Where the endpoint keeps its callback; null where it has none, or where somebody else holds that too.
template <class Handle>
NewsPtr* NewsOfAlone(PyObject* object) {
  if (!nanobind::inst_ready(object)) return nullptr;
  Handle& handle = *nanobind::inst_ptr<Handle>(object);
  if (!handle.opened || IsShared(handle.opened)) return nullptr;
  NewsPtr& news = handle.opened->news;
  return news.use_count() == 1 ? &news : nullptr;
}

/// tp_traverse
template <class Handle>
int VisitCallback(PyObject* object, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(object));
  if (const NewsPtr* news = NewsOfAlone<Handle>(object)) Py_VISIT((*news)->callback());
  return 0;
}

/// tp_clear: called where nothing but its own callback refers to the endpoint.
template <class Handle>
int DropCallback(PyObject* object) {
  NewsPtr* news = NewsOfAlone<Handle>(object);
  const NewsPtr dropped = news == nullptr ? nullptr : std::exchange(*news, nullptr);
  return 0;
}

}  // namespace shmcomm::python
