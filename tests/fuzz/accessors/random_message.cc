// SPDX-License-Identifier: Apache-2.0
#include "fuzz/accessors/random_message.h"

#include <cstring>
#include <map>
#include <string>
#include <utility>

#include "fuzz/accessors/random_schema.h"

namespace shmcomm::fuzz {
namespace {

using Kind = reflection::BaseType;
using flatbuffers::uoffset_t;

constexpr std::uint32_t kMostTables = 48;
constexpr std::size_t kBytesForRoot = 48;  // of the input
constexpr std::uint32_t kMostElements = 12;
constexpr int kDeepest = 2;  // messages within messages

std::uint32_t ScalarBytes(Kind kind) {
  switch (kind) {
    case Kind::Short: case Kind::UShort: return 2;
    case Kind::Int: case Kind::UInt: case Kind::Float: return 4;
    case Kind::Long: case Kind::ULong: case Kind::Double: return 8;
    default: return 1;
  }
}

bool Has(const reflection::Field& field, const char* attribute) {
  return field.attributes() != nullptr && field.attributes()->size() > 0 &&
         field.attributes()->Get(0)->key()->str() == attribute;
}

class Maker {
 public:
  Maker(const reflection::Schema& schema, Input& input, int depth) : schema_(schema), input_(input), depth_(depth) {}

  std::vector<std::uint8_t> Make(const reflection::Object& root) {
    if (root.is_struct()) return Bytes(static_cast<std::uint32_t>(root.bytesize()));
    for (std::uint32_t left = input_.Byte() % kMostTables; left > 0 && input_.left() > kBytesForRoot; --left) {
      const reflection::Object& object = *schema_.objects()->Get(input_.Byte() % schema_.objects()->size());
      if (!object.is_struct()) MakeTable(object);
    }
    builder_.Finish(flatbuffers::Offset<void>(MakeTable(root)));
    return {builder_.GetBufferPointer(), builder_.GetBufferPointer() + builder_.GetSize()};
  }

 private:
  /// A field that is built before its table, and where it is; 0: absent.
  using Built = std::pair<const reflection::Field*, uoffset_t>;

  std::vector<std::uint8_t> Bytes(std::uint32_t count) {
    std::vector<std::uint8_t> bytes(count);
    for (std::uint8_t& byte : bytes) byte = input_.Byte();
    return bytes;
  }
  std::uint32_t AnyCount() { return input_.Byte() % kMostElements; }
  const reflection::Object& ObjectOf(const reflection::Type& type) { return *schema_.objects()->Get(static_cast<uoffset_t>(type.index())); }

  uoffset_t AnyOf(const std::vector<uoffset_t>& pool) { return pool.empty() ? 0 : pool[input_.Byte() % pool.size()]; }
  uoffset_t AnyTable(const reflection::Object& object) { return AnyOf(tables_[&object]); }
  uoffset_t AnyString() {
    if (!strings_.empty() && input_.Byte() % 2 == 0) return AnyOf(strings_);
    const std::vector<std::uint8_t> text = Bytes(AnyCount());
    strings_.push_back(builder_.CreateString(reinterpret_cast<const char*>(text.data()), text.size()).o);
    return strings_.back();
  }
  uoffset_t LooseStruct(const reflection::Object& object) {
    const std::vector<std::uint8_t> bytes = Bytes(static_cast<std::uint32_t>(object.bytesize()));
    builder_.StartStruct(static_cast<std::size_t>(object.minalign()));
    builder_.PushBytes(bytes.data(), bytes.size());
    return builder_.EndStruct();
  }

  uoffset_t MakeTable(const reflection::Object& object) {
    std::vector<Built> built;
    for (const reflection::Field* field : *object.fields()) {
      if (input_.Byte() % 4 != 0 || field->required()) Prepare(*field, built);
    }
    const uoffset_t start = builder_.StartTable();
    for (const auto& [field, offset] : built) Place(*field, offset);
    const uoffset_t made = builder_.EndTable(start);
    tables_[&object].push_back(made);
    return made;
  }

  void Prepare(const reflection::Field& field, std::vector<Built>& built) {
    const reflection::Type& type = *field.type();
    switch (static_cast<int>(type.base_type())) {
      case Kind::String: built.emplace_back(&field, AnyString()); return;
      case Kind::Union: PrepareUnion(field, built); return;
      case Kind::Vector: PrepareVector(field, built); return;
      case kVector64: built.emplace_back(&field, LongVector(type)); return;
      case Kind::UType: return;  // comes with its union
      case Kind::Obj: built.emplace_back(&field, ObjectOf(type).is_struct() ? 0 : AnyTable(ObjectOf(type))); return;
      default: built.emplace_back(&field, 0); return;
    }
  }

  /// A tag, and what it says.
  std::pair<std::int64_t, uoffset_t> AnyMember(const reflection::Type& type) {
    const auto& members = *schema_.enums()->Get(static_cast<uoffset_t>(type.index()))->values();
    const std::uint32_t tag = input_.Byte() % (members.size() + 1);
    if (tag == 0 || tag == members.size()) return {tag, tag == 0 ? 0 : AnyString()};
    const reflection::Type& member = *members.Get(tag)->union_type();
    if (member.base_type() == Kind::String) return {tag, AnyString()};
    const reflection::Object& object = ObjectOf(member);
    const uoffset_t at = object.is_struct() ? LooseStruct(object) : AnyTable(object);
    return {at == 0 ? 0 : tag, at};
  }

  void PrepareUnion(const reflection::Field& field, std::vector<Built>& built) {
    const auto [tag, offset] = AnyMember(*field.type());
    tags_[&field] = tag;
    if (offset != 0) built.emplace_back(&field, offset);
  }

  void PrepareVector(const reflection::Field& field, std::vector<Built>& built) {
    const reflection::Type& type = *field.type();
    if (type.element() == Kind::UType) return;
    if (type.element() == Kind::Union) return PrepareUnions(field, built);
    const bool is_nested = Has(field, "nested_flatbuffer");
    if (is_nested && depth_ < kDeepest) {
      built.emplace_back(&field, Nested(field.attributes()->Get(0)->value()->str()));
    } else if (type.element() == Kind::String || (type.element() == Kind::Obj && !ObjectOf(type).is_struct())) {
      built.emplace_back(&field, References(type));
    } else {
      const std::uint32_t count = AnyCount();
      built.emplace_back(&field, Inline(type, count));
    }
  }

  uoffset_t References(const reflection::Type& type) {
    std::vector<flatbuffers::Offset<void>> offsets;
    for (std::uint32_t left = AnyCount(); left > 0; --left) {
      const uoffset_t offset = type.element() == Kind::String ? AnyString() : AnyTable(ObjectOf(type));
      if (offset != 0) offsets.emplace_back(offset);
    }
    return builder_.CreateVector(offsets).o;
  }

  void PrepareUnions(const reflection::Field& field, std::vector<Built>& built) {
    std::vector<flatbuffers::Offset<void>> offsets;
    std::vector<std::int64_t> tags;
    for (std::uint32_t left = AnyCount(); left > 0; --left) {
      const auto [tag, offset] = AnyMember(*field.type());
      tags.push_back(tag);
      offsets.emplace_back(offset == 0 ? AnyString() : offset);
    }
    const std::uint32_t bytes = TagBytes(field);
    builder_.StartVector(tags.size(), bytes);
    for (std::size_t i = tags.size(); i > 0; --i) Push(bytes, static_cast<std::uint64_t>(tags[i - 1]));
    tag_vectors_[&field] = builder_.EndVector(tags.size());
    built.emplace_back(&field, builder_.CreateVector(offsets).o);
  }

  uoffset_t Nested(const std::string& name) {
    std::vector<std::uint8_t> inner;
    for (const reflection::Object* object : *schema_.objects()) {
      if (object->name()->str() == name) inner = Maker(schema_, input_, depth_ + 1).Make(*object);
    }
    builder_.ForceVectorAlignment(inner.size(), 1, 8);
    return builder_.CreateVector(inner).o;
  }

  std::pair<std::uint32_t, std::uint32_t> ElementOf(const reflection::Type& type) {
    if (type.element() != Kind::Obj) return {ScalarBytes(type.element()), ScalarBytes(type.element())};
    return {ObjectOf(type).bytesize(), ObjectOf(type).minalign()};
  }

  /// A vector of scalars or structs, written as bytes; then the number of elements is put in place of that of bytes.
  uoffset_t Inline(const reflection::Type& type, std::uint32_t count) {
    const auto [bytes, alignment] = ElementOf(type);
    const std::vector<std::uint8_t> content = Bytes(count * bytes);
    builder_.ForceVectorAlignment(content.size(), 1, alignment);
    const uoffset_t offset = builder_.CreateVector(content).o;
    std::memcpy(builder_.GetCurrentBufferPointer(), &count, sizeof(count));
    return offset;
  }
  uoffset_t LongVector(const reflection::Type& type) {
    const std::uint64_t count = AnyCount();
    const std::uint32_t bytes = ElementOf(type).first;
    std::vector<std::uint8_t> content = Bytes(8 + static_cast<std::uint32_t>(count) * bytes);
    std::memcpy(content.data(), &count, sizeof(count));
    builder_.ForceVectorAlignment(content.size(), 1, 8);
    return builder_.CreateVector(content).o - static_cast<uoffset_t>(sizeof(uoffset_t));
  }

  std::uint32_t TagBytes(const reflection::Field& field) {
    return ScalarBytes(schema_.enums()->Get(static_cast<uoffset_t>(field.type()->index()))->underlying_type()->base_type());
  }
  void Push(std::uint32_t bytes, std::uint64_t value) {
    switch (bytes) {
      case 1: builder_.PushElement(static_cast<std::uint8_t>(value)); return;
      case 2: builder_.PushElement(static_cast<std::uint16_t>(value)); return;
      case 4: builder_.PushElement(static_cast<std::uint32_t>(value)); return;
      default: builder_.PushElement(value); return;
    }
  }
  void PlaceScalar(std::uint16_t slot, std::uint32_t bytes, std::uint64_t value) {
    switch (bytes) {
      case 1: builder_.AddElement(slot, static_cast<std::uint8_t>(value)); return;
      case 2: builder_.AddElement(slot, static_cast<std::uint16_t>(value)); return;
      case 4: builder_.AddElement(slot, static_cast<std::uint32_t>(value)); return;
      default: builder_.AddElement(slot, value); return;
    }
  }

  void Place(const reflection::Field& field, uoffset_t offset) {
    const reflection::Type& type = *field.type();
    const std::uint16_t slot = field.offset();
    const auto tag_slot = static_cast<std::uint16_t>(slot - 2);
    if (type.base_type() == Kind::Obj && ObjectOf(type).is_struct()) {
      LooseStruct(ObjectOf(type));
      return builder_.AddStructOffset(slot, builder_.GetSize());
    }
    if (type.base_type() < Kind::String) return PlaceScalar(slot, ScalarBytes(type.base_type()), input_.LongWord());
    if (type.base_type() == Kind::Union) PlaceScalar(tag_slot, TagBytes(field), static_cast<std::uint64_t>(tags_[&field]));
    if (type.element() == Kind::Union) builder_.AddOffset(tag_slot, flatbuffers::Offset<void>(tag_vectors_[&field]));
    if (!Has(field, "offset64") && !Has(field, "vector64")) return builder_.AddOffset(slot, flatbuffers::Offset<void>(offset));
    builder_.Align(sizeof(std::uint64_t));
    builder_.AddElement(slot, std::uint64_t{builder_.GetSize()} - offset + sizeof(std::uint64_t));
  }

  const reflection::Schema& schema_;
  Input& input_;
  const int depth_;
  flatbuffers::FlatBufferBuilder builder_;
  std::map<const reflection::Object*, std::vector<uoffset_t>> tables_;
  std::vector<uoffset_t> strings_;
  std::map<const reflection::Field*, std::int64_t> tags_;       // of the table being made
  std::map<const reflection::Field*, uoffset_t> tag_vectors_;
};

}  // namespace

std::vector<std::uint8_t> RandomMessage(const reflection::Schema& schema, const reflection::Object& root, Input& input) {
  return Maker(schema, input, 0).Make(root);
}

}  // namespace shmcomm::fuzz
