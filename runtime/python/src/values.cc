// SPDX-License-Identifier: Apache-2.0
#include "values.h"

#include <algorithm>
#include <string>
#include <vector>

#include "timeout.h"

namespace shmcomm::python {
namespace {

std::size_t Distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return row[b.size()];
}

std::string Suggestion(const Type& type, const std::string& name) {
  const std::string* best = nullptr;
  std::size_t least = std::min<std::size_t>(3, name.size() / 2 + 1);  // more than two slips are another word
  for (const Field& field : type.fields) {
    const std::size_t distance = Distance(name, field.name);
    if (distance < least) {
      least = distance;
      best = &field.name;
    }
  }
  return best == nullptr ? "" : "; did you mean '" + *best + "'?";
}

/// Index of the field, -1 with SHMSerializationError if there is none.
Py_ssize_t FieldIndex(const Type& type, PyObject* name, const Path& path) {
  // Only plain strings: the hash of anything else is Python code, which might change the dict being walked.
  const bool is_text = PyUnicode_CheckExact(name);
  PyObject* index = is_text ? PyDict_GetItemWithError(type.field_indices, name) : nullptr;
  if (index != nullptr) return PyLong_AsSsize_t(index);
  if (PyErr_Occurred()) return -1;
  const char* text = is_text ? PyUnicode_AsUTF8(name) : nullptr;
  const std::string shown = text == nullptr ? ShortRepr(name) : text;
  Refuse(path, type.name + " has no field '" + shown + "'" + Suggestion(type, shown));
  return -1;
}

/// Which field each keyword is. False with SHMSerializationError.
bool LookUp(const Type& type, PyObject* names, bool takes_timeout, KeywordPlan* plan) {
  plan->names = names;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); ++i) {
    PyObject* name = PyTuple_GET_ITEM(names, i);
    const bool is_timeout = takes_timeout && IsTimeout(name) && PyDict_Contains(type.field_indices, name) == 0;
    const Py_ssize_t at = is_timeout ? KeywordPlan::kTimeout : FieldIndex(type, name, Path{});
    if (at < 0) return false;
    plan->fields.push_back(static_cast<std::uint16_t>(at));
    plan->has_timeout |= is_timeout;
  }
  return true;
}

}  // namespace

Values::Values(const Type& type) : stack_{}, values_(stack_.data()), count_(type.fields.size()) {
  if (count_ <= kOnStack) return;
  heap_ = std::make_unique<PyObject*[]>(count_);
  values_ = heap_.get();
}

Values::~Values() {
  for (std::size_t i = 0; i < count_; ++i) Py_XDECREF(values_[i]);
}

bool Values::SetKeywords(Type& type, PyObject* const* arguments, PyObject* names, PyObject** timeout) {
  if (names == nullptr) return true;
  // A call site always passes the same tuple: its fields were looked up the first time.
  for (const KeywordPlan& plan : type.plans) {
    if (plan.names != names || (plan.has_timeout && timeout == nullptr)) continue;
    Follow(plan, arguments, timeout);
    return true;
  }
  KeywordPlan made;
  if (!LookUp(type, names, timeout != nullptr, &made)) return false;
  KeywordPlan& oldest = type.plans[type.next_plan++ % type.plans.size()];
  Py_XDECREF(oldest.names);
  oldest = std::move(made);
  Py_INCREF(oldest.names);
  Follow(oldest, arguments, timeout);
  return true;
}

void Values::Follow(const KeywordPlan& plan, PyObject* const* arguments, PyObject** timeout) {
  for (std::size_t i = 0; i < plan.fields.size(); ++i) {
    if (plan.fields[i] == KeywordPlan::kTimeout) *timeout = arguments[i];
    else Set(plan.fields[i], arguments[i]);
  }
}

bool Values::SetItems(Type& type, PyObject* dict, const Path& path) {
  if (dict == nullptr) return true;
  Py_ssize_t position = 0;
  PyObject* name = nullptr;
  PyObject* value = nullptr;
  while (PyDict_Next(dict, &position, &name, &value)) {
    const Py_ssize_t at = FieldIndex(type, name, path);
    if (at < 0) return false;
    Set(static_cast<std::size_t>(at), value);
  }
  return true;
}

bool Values::SetTuple(const Type& type, PyObject* tuple, const Path& path) {
  if (PyTuple_GET_SIZE(tuple) != static_cast<Py_ssize_t>(count_)) {
    return Expected(path, type.name + " as a tuple of " + std::to_string(count_) + " values", tuple);
  }
  for (std::size_t i = 0; i < count_; ++i) Set(i, PyTuple_GET_ITEM(tuple, static_cast<Py_ssize_t>(i)));
  return true;
}

}  // namespace shmcomm::python
