// SPDX-License-Identifier: Apache-2.0
#include "union.h"

#include <algorithm>
#include <string>

#include "record.h"
#include "unbox.h"

namespace shmcomm::python {
namespace {

std::string NamesOf(const Enumeration& enumeration) {
  std::string names;
  for (const UnionMember& member : enumeration.union_members) names += (names.empty() ? "" : ", ") + member.name;
  return names;
}

bool IsOf(const UnionMember& member, PyObject* value) {
  if (member.shape == Shape::kString) return PyUnicode_Check(value) || PyBytes_Check(value);
  return IsRecord(value) && AsRecord(value)->type->name == member.type->name;
}

/// Whether the member was declared without a name of its own.
bool HasNameOfItsType(const UnionMember& member) {
  if (member.type == nullptr) return false;
  const std::string& type = member.type->name;
  const std::size_t at = type.size() - std::min(type.size(), member.name.size());
  return type.compare(at, std::string::npos, member.name) == 0 && (at == 0 || type[at - 1] == '.');
}

bool ExpectedMember(const Enumeration& enumeration, PyObject* value, const Path& path) {
  return Expected(path, "an instance of a member of " + enumeration.name + " (" + NamesOf(enumeration) +
                            "), or a tuple (member's name, value)", value);
}

bool ChooseByType(const Enumeration& enumeration, PyObject* value, const Path& path, Tagged* chosen) {
  const UnionMember* found = nullptr;
  const UnionMember* other = nullptr;
  for (const UnionMember& member : enumeration.union_members) {
    if (!IsOf(member, value)) continue;
    if (HasNameOfItsType(member)) {
      *chosen = Tagged{&member, value};
      return true;
    }
    other = found;
    found = &member;
  }
  if (found == nullptr) return ExpectedMember(enumeration, value, path);
  if (other != nullptr) {
    return Refuse(path, "both " + other->name + " and " + found->name + " of " + enumeration.name +
                            " are of this type: give a tuple ('" + other->name + "', value)");
  }
  *chosen = Tagged{found, value};
  return true;
}

bool ChooseByTag(Schema& schema, Enumeration& enumeration, PyObject* tag, PyObject* value, const Path& path, Tagged* chosen) {
  PyObject* number = EnumNumber(schema, enumeration, tag, path);
  if (number == nullptr) return false;
  const UnionMember* member = enumeration.FindMember(PyLong_AsLongLong(number));
  Py_DECREF(number);
  if (PyErr_Occurred()) return false;
  const bool has_value = value != nullptr && value != Py_None;
  if (member == nullptr && has_value) return Refuse(path, "a value is given, but its tag is NONE");
  if (member != nullptr && !has_value) return Refuse(path, "the tag says " + member->name + ", but no value is given");
  *chosen = Tagged{member, member == nullptr ? nullptr : value};
  return true;
}

/// A struct may be given as a tuple too; only a tag in front makes a tuple of two a choice of the member.
bool IsTagged(PyObject* value) {
  if (!PyTuple_Check(value) || PyTuple_GET_SIZE(value) != 2) return false;
  PyObject* tag = PyTuple_GET_ITEM(value, 0);
  return PyUnicode_Check(tag) || PyIndex_Check(tag);
}

}  // namespace

bool ChooseMember(Schema& schema, Enumeration& enumeration, PyObject* tag, PyObject* value, const Path& path, Tagged* chosen) {
  *chosen = Tagged{};
  if (tag != nullptr && tag != Py_None) return ChooseByTag(schema, enumeration, tag, value, path, chosen);
  if (value == nullptr || value == Py_None) return true;
  if (!IsTagged(value)) return ChooseByType(enumeration, value, path, chosen);
  return ChooseByTag(schema, enumeration, PyTuple_GET_ITEM(value, 0), PyTuple_GET_ITEM(value, 1), path, chosen);
}

}  // namespace shmcomm::python
