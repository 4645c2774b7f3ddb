// SPDX-License-Identifier: Apache-2.0
#include "copy.h"

#include <cstring>
#include <vector>

#include "box.h"
#include "budget.h"
#include "read.h"
#include "reserve.h"

namespace shmcomm::python {
namespace {

using Builder = flatbuffers::FlatBufferBuilder;
using MaybeOffset = std::optional<flatbuffers::uoffset_t>;

struct Target {
  Builder& builder;
  Budget budget;
};

MaybeOffset CopyWithin(Target& to, const RecordObject& record, const Path& path);

MaybeOffset Corrupt(const RecordObject& record, const Field& field) {
  CorruptField(*record.type, field);
  return std::nullopt;
}

MaybeOffset CopyString(Builder& builder, const RecordObject& record, const Field& field, std::uint64_t position,
                       const Path& path) {
  const auto text = record.region.OpenVector(position, 1);
  if (!text) return Corrupt(record, field);
  if (!HasRoom(builder, text->count, path)) return std::nullopt;
  return builder.CreateString(reinterpret_cast<const char*>(record.region.base + text->first), text->count).o;
}

MaybeOffset CopyTableAt(Target& to, const RecordObject& from, const Field& field, const Type& type,
                        std::uint64_t position, const Path& path) {
  if (path.depth > 64) {  // a message built here is never deeper
    CorruptField(*from.type, field);
    return std::nullopt;
  }
  RecordObject nested = from;  // a view on the stack: never handed to Python
  if (!Place(nested, type, from.region, position)) return std::nullopt;
  return CopyWithin(to, nested, path);
}

MaybeOffset CopyStruct(Builder& builder, const RecordObject& from, const Field& field, const Type& type,
                       std::uint64_t position) {
  if (!from.region.Holds(position, type.struct_bytes)) return Corrupt(from, field);
  return AddLooseStruct(builder, type, from.region.base + position);
}

/// A member that only a newer schema knows is refused: nothing tells how long it is.
MaybeOffset CopyMember(Target& to, const RecordObject& record, const Field& field, const UnionAt& found,
                       const Path& path) {
  if (found.member == nullptr) {
    Refuse(path, "a member of " + field.enumeration->name + " that this schema does not know cannot be copied");
    return std::nullopt;
  }
  const UnionMember& member = *found.member;
  const auto position = record.region.Follow(found.at);
  if (!position) return Corrupt(record, field);
  if (member.shape == Shape::kString) return CopyString(to.builder, record, field, *position, path);
  if (member.shape == Shape::kStruct) return CopyStruct(to.builder, record, field, *member.type, *position);
  return CopyTableAt(to, record, field, *member.type, *position, path);
}

/// Zero for NONE.
MaybeOffset CopyUnion(Target& to, const RecordObject& record, const Field& field, const Path& path) {
  UnionAt found;
  if (!LocateUnion(record, field, &found)) return std::nullopt;
  return found.tag == 0 ? MaybeOffset(0) : CopyMember(to, record, field, found, path);
}

MaybeOffset CopyTarget(Target& to, const RecordObject& record, const Field& field, Shape shape, std::uint64_t at,
                       const Path& path) {
  const auto position = TargetOf(field, record.region, at);
  if (!position) return Corrupt(record, field);
  return shape == Shape::kString ? CopyString(to.builder, record, field, *position, path)
                                 : CopyTableAt(to, record, field, *field.type, *position, path);
}

MaybeOffset CopyElement(Target& to, const RecordObject& record, const Field& field, const VectorAt& elements,
                        std::uint64_t index, const Path& path) {
  const std::uint64_t at = elements.first + index * 4;
  if (field.element != Shape::kUnion) return CopyTarget(to, record, field, field.element, at, path);
  UnionAt found;
  if (!LocateUnionElement(*record.type, field, record.region, elements, index, &found)) return std::nullopt;
  if (found.tag != 0) return CopyMember(to, record, field, found, path);
  return to.builder.CreateString("").o;  // of NONE: followed by nobody, but it has to lead somewhere
}

MaybeOffset CopyVector(Target& to, const RecordObject& record, const Field& field, const Path& path) {
  VectorAt elements;
  if (!LocateElements(record, field, &elements)) return std::nullopt;
  if (field.element == Shape::kScalar || field.element == Shape::kStruct) {
    if (field.nested != nullptr) AlignNested(to.builder, elements.count);
    const auto place = ReserveVector(to.builder, field, elements.count, path);
    if (!place) return std::nullopt;
    std::memcpy(place->first_element, record.region.base + elements.first, elements.count * field.element_bytes);
    return place->offset;
  }
  std::vector<flatbuffers::Offset<void>> offsets;
  for (std::uint64_t i = 0; i < elements.count; ++i) {
    const MaybeOffset offset = CopyElement(to, record, field, elements, i, path.Element(static_cast<Py_ssize_t>(i)));
    if (!offset) return std::nullopt;
    offsets.emplace_back(*offset);
  }
  if (!HasRoom(to.builder, offsets.size() * 4, path)) return std::nullopt;
  return to.builder.CreateVector(offsets.data(), offsets.size()).o;
}

MaybeOffset CopyReference(Target& to, const RecordObject& record, const Field& field, std::uint64_t at,
                          const Path& path) {
  if (field.shape == Shape::kVector) return CopyVector(to, record, field, path);
  if (field.shape == Shape::kUnion) return CopyUnion(to, record, field, path);
  return CopyTarget(to, record, field, field.shape, at, path);
}

bool CopyInline(Builder& builder, const RecordObject& record, const Field& field, std::uint64_t at) {
  if (field.shape == Shape::kStruct) {
    if (!record.region.Holds(at, field.inline_bytes)) return Corrupt(record, field).has_value();
    AddStructField(builder, field, record.region.base + at);
    return true;
  }
  return WithScalar(field.scalar, [&](auto* kind) {
    Stored<std::remove_pointer_t<decltype(kind)>> value{};
    if (!record.region.Load(at, &value)) return Corrupt(record, field).has_value();
    AddScalarField(builder, field, value);
    return true;
  });
}

MaybeOffset CopyWithin(Target& to, const RecordObject& record, const Path& path) {
  const Type& type = *record.type;
  if (!to.budget.Enter(type)) return std::nullopt;
  std::vector<flatbuffers::uoffset_t> offsets(type.references.size());
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    const Field& field = type.fields[type.references[i]];
    const std::uint64_t at = PositionOf(record, field);
    if (at == kAbsent && field.is_required) return Corrupt(record, field);
    if (at == kAbsent) continue;
    const Path here = path.Then(field.key);
    const MaybeOffset offset = CopyReference(to, record, field, at, here);
    if (!offset) return std::nullopt;
    offsets[i] = *offset;
  }
  const flatbuffers::uoffset_t start = to.builder.StartTable();
  for (const std::uint16_t index : type.inline_order) {
    const Field& field = type.fields[index];
    const std::uint64_t at = field.is_reference() ? kAbsent : PositionOf(record, field);
    if (at != kAbsent && !CopyInline(to.builder, record, field, at)) return std::nullopt;
  }
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    AddReference(to.builder, type.fields[type.references[i]], offsets[i]);
  }
  to.budget.Leave();
  return to.builder.EndTable(start);
}

}  // namespace

MaybeOffset CopyTable(Builder& builder, const RecordObject& record, const Path& path) {
  Target to{builder, Budget(record.region)};
  return CopyWithin(to, record, path);
}

}  // namespace shmcomm::python
