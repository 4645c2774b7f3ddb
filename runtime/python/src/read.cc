// SPDX-License-Identifier: Apache-2.0
#include "read.h"

#include <memory>
#include <new>

#include "array_view.h"
#include "box.h"
#include "errors.h"
#include "sequence.h"

namespace shmcomm::python {
namespace {

// Absent scalars read as their default, optional ones and everything else as None.
template <class T>
PyObject* NewDefault(Schema& schema, const Field& field) {
  if (field.is_optional) return Py_NewRef(Py_None);
  if constexpr (std::is_floating_point_v<T>) {
    return Box(static_cast<T>(field.default_real));
  } else {
    const T value = static_cast<T>(field.default_integer);
    return field.enumeration != nullptr ? BoxEnum(schema, *field.enumeration, value) : Box(value);
  }
}

template <class T>
PyObject* Absent(RecordObject& record, Field& field) {
  if (field.absent == nullptr) field.absent = NewDefault<T>(*record.type->schema, field);
  return Py_XNewRef(field.absent);
}

template <class T, bool kIsEnum>
PyObject* LoadScalar(Schema& schema, const Field& field, const Type& type, Region region, std::uint64_t at) {
  Stored<T> value;
  if (!region.Load(at, &value)) return CorruptField(type, field);
  if constexpr (kIsEnum) return BoxEnum(schema, *field.enumeration, static_cast<T>(value));
  return Box(static_cast<T>(value));
}

template <class T, bool kIsEnum>
PyObject* ReadTableScalar(RecordObject& record, Field& field) {
  const std::uint64_t at = record.region.FieldPosition(record.table, field.slot);
  if (at == kAbsent) return Absent<T>(record, field);
  return LoadScalar<T, kIsEnum>(*record.type->schema, field, *record.type, record.region, at);
}

template <class T, bool kIsEnum>
PyObject* ReadStructScalar(RecordObject& record, Field& field) {
  const std::uint64_t at = record.table.position + field.slot;
  return LoadScalar<T, kIsEnum>(*record.type->schema, field, *record.type, record.region, at);
}

std::optional<VectorAt> OpenVectorOf(const Field& field, Region region, std::uint64_t at) {
  const auto position = TargetOf(field, region, at);
  if (!position) return std::nullopt;
  return field.is_long ? region.OpenLongVector(*position, field.element_bytes) : region.OpenVector(*position, field.element_bytes);
}

PyObject* AbsentReference(const RecordObject& record, const Field& field) {
  if (field.shape == Shape::kString && field.content != nullptr) return Py_NewRef(field.content);
  if (!field.is_required) return Py_NewRef(Py_None);
  SetError(ErrorKind::kCorruption, "%s.%U: the message lacks this required field%s", record.type->name.c_str(), field.key, kDamaged);
  return nullptr;
}

PyObject* ReadStringField(RecordObject& record, Field& field) {
  const std::uint64_t at = PositionOf(record, field);
  if (at == kAbsent) return AbsentReference(record, field);
  const auto position = TargetOf(field, record.region, at);
  return position ? ReadString(*record.type, field, record.region, *position) : CorruptField(*record.type, field);
}

PyObject* ReadStructField(RecordObject& record, Field& field) {
  const std::uint64_t at = PositionOf(record, field);
  if (at == kAbsent) return AbsentReference(record, field);
  return NewRecord(*field.type, record.holder(), record.region, at);
}

PyObject* ReadTableField(RecordObject& record, Field& field) {
  const std::uint64_t at = PositionOf(record, field);
  if (at == kAbsent) return AbsentReference(record, field);
  const auto position = record.region.Follow(at);
  if (!position) return CorruptField(*record.type, field);
  return NewRecord(*field.type, record.holder(), record.region, *position);
}

/// What a union's offset leads to, as its member says.
PyObject* ReadMember(const Type& type, const Field& field, const UnionAt& found, PyObject* holder, Region region) {
  const auto position = region.Follow(found.at);
  if (!position) return CorruptField(type, field);
  if (found.member->shape == Shape::kString) return ReadString(type, field, region, *position);
  return NewRecord(*found.member->type, holder, region, *position);
}

PyObject* ReadUnionField(RecordObject& record, Field& field) {
  UnionAt found;
  if (!LocateUnion(record, field, &found)) return nullptr;
  if (found.member == nullptr) return AbsentReference(record, field);
  return ReadMember(*record.type, field, found, record.holder(), record.region);
}

/// The message inside a vector of bytes.
PyObject* ReadNestedField(RecordObject& record, Field& field) {
  VectorAt bytes;
  if (!LocateElements(record, field, &bytes)) return nullptr;
  if (bytes.first == kAbsent) return AbsentReference(record, field);
  const Region inner{record.region.base + bytes.first, bytes.count};
  return NewRecord(*field.nested, record.holder(), inner, RootPosition(*field.nested, inner));
}

bool LoadTag(const Enumeration& enumeration, Region region, std::uint64_t at, std::int64_t* tag) {
  return WithScalar(enumeration.scalar, [&](auto* kind) {
    Stored<std::remove_pointer_t<decltype(kind)>> stored{};
    if (!region.Load(at, &stored)) return false;
    *tag = static_cast<std::int64_t>(stored);
    return true;
  });
}

PyObject* ReadElements(RecordObject& record, Field& field) {
  VectorAt elements;
  if (!LocateElements(record, field, &elements)) return nullptr;
  if (elements.first == kAbsent) return AbsentReference(record, field);
  const bool is_lazy = field.element != Shape::kScalar && field.element != Shape::kStruct;
  if (is_lazy) return NewSequence(*record.type, field, record.holder(), record.region, elements);
  return NewArrayView(*record.type, field, record.holder(), record.region, elements);
}

ReadFunction ChooseScalar(const Type& type, const Field& field) {
  return WithScalar(field.scalar, [&](auto* kind) -> ReadFunction {
    using T = std::remove_pointer_t<decltype(kind)>;
    const bool is_enum = field.enumeration != nullptr;
    if (type.is_struct) return is_enum ? ReadStructScalar<T, true> : ReadStructScalar<T, false>;
    return is_enum ? ReadTableScalar<T, true> : ReadTableScalar<T, false>;
  });
}

}  // namespace

ReadFunction ChooseRead(const Type& type, const Field& field) {
  switch (field.shape) {
    case Shape::kScalar: return ChooseScalar(type, field);
    case Shape::kString: return ReadStringField;
    case Shape::kStruct: return ReadStructField;
    case Shape::kTable: return ReadTableField;
    case Shape::kUnion: return ReadUnionField;
    case Shape::kVector: return field.nested != nullptr ? ReadNestedField : ReadElements;
    case Shape::kArray: return ReadElements;
    case Shape::kUnsupported: return nullptr;
  }
  return nullptr;
}

bool LocateUnion(const RecordObject& record, const Field& field, UnionAt* found) {
  const Field& tag = record.type->fields[field.tag];
  const std::uint64_t tag_at = PositionOf(record, tag);
  found->at = PositionOf(record, field);
  if (tag_at == kAbsent || found->at == kAbsent) return true;
  if (!LoadTag(*field.enumeration, record.region, tag_at, &found->tag)) return CorruptField(*record.type, tag) != nullptr;
  found->member = field.enumeration->FindMember(found->tag);
  return true;
}

bool LocateUnionElement(const Type& type, const Field& field, Region region, VectorAt elements, std::uint64_t index,
                        UnionAt* found) {
  const std::uint64_t tag_at = elements.tags + index * ScalarBytes(field.enumeration->scalar);
  if (!LoadTag(*field.enumeration, region, tag_at, &found->tag)) return CorruptField(type, field) != nullptr;
  found->member = field.enumeration->FindMember(found->tag);
  found->at = elements.first + index * field.element_bytes;
  return true;
}

bool LocateElements(const RecordObject& record, const Field& field, VectorAt* elements) {
  const std::uint64_t at = PositionOf(record, field);
  *elements = VectorAt{kAbsent, 0, kAbsent};
  if (at == kAbsent) {
    if (field.content != nullptr) elements->first = 0;  // by default not absent, but empty
    return true;
  }
  if (field.shape == Shape::kArray) {
    if (!record.region.Holds(at, field.inline_bytes)) return CorruptField(*record.type, field) != nullptr;
    *elements = VectorAt{at, field.count, kAbsent};
    return true;
  }
  const auto vector = OpenVectorOf(field, record.region, at);
  if (!vector) return CorruptField(*record.type, field) != nullptr;
  *elements = *vector;
  if (field.element != Shape::kUnion) return true;
  VectorAt tags;
  if (!LocateElements(record, record.type->fields[field.tag], &tags)) return false;
  if (tags.first == kAbsent || tags.count != vector->count) return CorruptField(*record.type, field) != nullptr;
  elements->tags = tags.first;
  return true;
}

PyObject* ReadString(const Type& type, const Field& field, Region region, std::uint64_t position) {
  constexpr std::uint64_t kOnStack = 512;
  const auto text = region.OpenVector(position, 1);
  if (!text) return CorruptField(type, field);
  // Decoded from a private copy: the decoder reads its input more than once.
  char stack[kOnStack];
  std::unique_ptr<char[]> heap;
  char* copy = stack;
  if (text->count > kOnStack) {
    heap.reset(new (std::nothrow) char[text->count]);
    if (heap == nullptr) return PyErr_NoMemory();
    copy = heap.get();
  }
  std::memcpy(copy, region.base + text->first, text->count);
  return PyUnicode_DecodeUTF8(copy, static_cast<Py_ssize_t>(text->count), "surrogateescape");
}

PyObject* ReadElement(const Type& type, Field& field, PyObject* holder, Region region, VectorAt elements,
                      std::uint64_t index) {
  const std::uint64_t at = elements.first + index * field.element_bytes;
  if (field.element == Shape::kStruct) return NewRecord(*field.type, holder, region, at);
  if (field.element == Shape::kScalar) {
    return WithScalar(field.scalar, [&](auto* kind) {
      using T = std::remove_pointer_t<decltype(kind)>;
      return field.enumeration != nullptr ? LoadScalar<T, true>(*type.schema, field, type, region, at)
                                          : LoadScalar<T, false>(*type.schema, field, type, region, at);
    });
  }
  if (field.element == Shape::kUnion) {
    UnionAt found;
    if (!LocateUnionElement(type, field, region, elements, index, &found)) return nullptr;
    return found.member == nullptr ? Py_NewRef(Py_None) : ReadMember(type, field, found, holder, region);
  }
  const auto position = region.Follow(at);
  if (!position) return CorruptField(type, field);
  if (field.element == Shape::kString) return ReadString(type, field, region, *position);
  return NewRecord(*field.type, holder, region, *position);
}

PyObject* CorruptField(const Type& type, const Field& field) {
  SetError(ErrorKind::kCorruption, "%s.%U points outside its message%s", type.name.c_str(), field.key, kDamaged);
  return nullptr;
}

}  // namespace shmcomm::python
