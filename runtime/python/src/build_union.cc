// SPDX-License-Identifier: Apache-2.0
#include "union.h"

#include <cstring>
#include <vector>

#include "build_parts.h"
#include "pack.h"
#include "reserve.h"

namespace shmcomm::python {
namespace {

MaybeOffset BuildMember(Builder& builder, const Tagged& chosen, const Path& path) {
  const UnionMember& member = *chosen.member;
  if (member.shape == Shape::kString) return BuildString(builder, chosen.value, path);
  if (member.shape == Shape::kTable) return BuildRecord(builder, *member.type, chosen.value, path);
  std::vector<std::uint8_t> bytes(member.type->struct_bytes);
  if (!PackStruct(*member.type, chosen.value, path, bytes.data())) return std::nullopt;
  return AddLooseStruct(builder, *member.type, bytes.data());
}

/// The members of a vector of unions, and the tags that go before them.
struct UnionVector {
  std::vector<flatbuffers::Offset<void>> members;
  std::vector<std::int64_t> tags;
};

bool BuildUnionElements(Builder& builder, Type& owner, Field& field, PyObject* tags, PyObject* list, const Path& path,
                        UnionVector* built) {
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(list); ++i) {
    const bool has_tag = tags != nullptr && i < PySequence_Fast_GET_SIZE(tags);
    PyObject* tag = has_tag ? Py_NewRef(PySequence_Fast_GET_ITEM(tags, i)) : nullptr;
    PyObject* element = Py_NewRef(PySequence_Fast_GET_ITEM(list, i));
    built->tags.push_back(0);
    const MaybeOffset offset = BuildUnion(builder, owner, field, tag, element, path.Element(i), &built->tags.back());
    Py_XDECREF(tag);
    Py_DECREF(element);
    if (!offset) return false;
    built->members.emplace_back(*offset);
  }
  const bool fits = tags == nullptr || PySequence_Fast_GET_SIZE(tags) == static_cast<Py_ssize_t>(built->tags.size());
  return fits || Refuse(path, "as many tags as values are needed");
}

MaybeOffset BuildTags(Builder& builder, Field& field, const std::vector<std::int64_t>& tags, const Path& path) {
  const auto place = ReserveVector(builder, field, tags.size(), path);
  if (!place) return std::nullopt;
  // Little-endian, so the low bytes of a tag are the tag in its own width.
  for (std::size_t i = 0; i < tags.size(); ++i) {
    std::memcpy(place->first_element + i * field.element_bytes, &tags[i], field.element_bytes);
  }
  return place->offset;
}

}  // namespace

MaybeOffset BuildUnion(Builder& builder, Type& owner, Field& field, PyObject* tag, PyObject* value, const Path& path,
                       std::int64_t* chosen_tag) {
  Tagged chosen;
  if (!ChooseMember(*owner.schema, *field.enumeration, tag, value, path, &chosen)) return std::nullopt;
  *chosen_tag = chosen.tag();
  if (chosen.member != nullptr) return BuildMember(builder, chosen, path);
  if (!field.is_required || field.shape != Shape::kUnion) return 0;
  Refuse(path, "required, but not given");
  return std::nullopt;
}

MaybeOffset BuildUnions(Builder& builder, Type& owner, Field& field, PyObject* tags, PyObject* value, const Path& path,
                        flatbuffers::uoffset_t* tags_offset) {
  PyObject* list = ListOf(value, "a list of members of " + field.enumeration->name, path);
  if (list == nullptr) return std::nullopt;
  const bool has_tags = tags != nullptr && tags != Py_None;
  PyObject* tag_list = has_tags ? ListOf(tags, "a list of tags of " + field.enumeration->name, path) : nullptr;
  UnionVector built;
  const bool ok = (!has_tags || tag_list != nullptr) && BuildUnionElements(builder, owner, field, tag_list, list, path, &built);
  Py_XDECREF(tag_list);
  Py_DECREF(list);
  const MaybeOffset tags_built = ok ? BuildTags(builder, owner.fields[field.tag], built.tags, path) : std::nullopt;
  if (!tags_built || !HasRoom(builder, built.members.size() * 4, path)) return std::nullopt;
  *tags_offset = *tags_built;
  for (auto& member : built.members) {
    if (member.o == 0) member.o = *tags_built;  // of NONE: followed by nobody, but it has to lead somewhere
  }
  return builder.CreateVector(built.members.data(), built.members.size()).o;
}

/// A list or tuple of what `value` iterates over; null with SHMSerializationError.
PyObject* ListOf(PyObject* value, const std::string& what, const Path& path) {
  const bool is_other = PyUnicode_Check(value) || PyBytes_Check(value) || PyDict_Check(value);
  PyObject* list = is_other ? nullptr : PySequence_Fast(value, "");
  if (list == nullptr) Expected(path, what, value);
  return list;
}

}  // namespace shmcomm::python
