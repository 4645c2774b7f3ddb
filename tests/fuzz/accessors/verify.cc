// SPDX-License-Identifier: Apache-2.0
// What the C++ generated from a schema asks FlatBuffers' verifier, asked of a schema that is only known at run time.
#include "flatbuffers/verifier.h"

#include "fuzz/accessors/random_message.h"
#include "fuzz/accessors/random_schema.h"

namespace shmcomm::fuzz {
namespace {

using Kind = reflection::BaseType;
using flatbuffers::Offset;
using flatbuffers::String;
using flatbuffers::Table;
using flatbuffers::Vector;
using flatbuffers::Verifier;

class Checker {
 public:
  Checker(const reflection::Schema& schema, Verifier& verifier) : schema_(schema), verifier_(verifier) {}

  bool IsRoot(const reflection::Object& object, const std::uint8_t* message, std::size_t bytes) {
    constexpr std::size_t kLeastBytes = sizeof(flatbuffers::uoffset_t) + sizeof(flatbuffers::soffset_t);
    if (bytes < kLeastBytes) return false;
    const auto offset = verifier_.VerifyOffset(0);
    return offset != 0 && IsTable(object, reinterpret_cast<const Table*>(message + offset));
  }

 private:
  const reflection::Object& ObjectOf(const reflection::Type& type) {
    return *schema_.objects()->Get(static_cast<flatbuffers::uoffset_t>(type.index()));
  }

  bool IsTable(const reflection::Object& object, const Table* table) {
    if (table == nullptr) return true;
    if (!table->VerifyTableStart(verifier_)) return false;
    // The verifier lets a vtable pass that is too short for its own two lengths; the accessors do not.
    if (flatbuffers::ReadScalar<std::uint16_t>(table->GetVTable()) < 4) return false;
    for (const reflection::Field* field : *object.fields()) {
      if (!IsField(*field, *table)) return false;
    }
    return verifier_.EndTable();
  }

  bool IsScalar(const reflection::Type& type, std::uint16_t slot, const Table& table) {
    const Kind kind = type.base_type() == Kind::UType ? ScalarOfTag(type) : type.base_type();
    switch (kind) {
      case Kind::Short: case Kind::UShort: return table.VerifyField<std::uint16_t>(verifier_, slot, 2);
      case Kind::Int: case Kind::UInt: case Kind::Float: return table.VerifyField<std::uint32_t>(verifier_, slot, 4);
      case Kind::Long: case Kind::ULong: case Kind::Double: return table.VerifyField<std::uint64_t>(verifier_, slot, 8);
      default: return table.VerifyField<std::uint8_t>(verifier_, slot, 1);
    }
  }
  Kind ScalarOfTag(const reflection::Type& type) {
    return schema_.enums()->Get(static_cast<flatbuffers::uoffset_t>(type.index()))->underlying_type()->base_type();
  }

  bool IsField(const reflection::Field& field, const Table& table) {
    const reflection::Type& type = *field.type();
    const std::uint16_t slot = field.offset();
    if (type.base_type() < Kind::String) return IsScalar(type, slot, table);
    if (type.base_type() == Kind::Obj && ObjectOf(type).is_struct()) return IsStruct(field, table);
    if (!table.VerifyOffset(verifier_, slot) || (field.required() && !table.CheckField(slot))) return false;
    switch (type.base_type()) {
      case Kind::String: return verifier_.VerifyString(table.GetPointer<const String*>(slot));
      case Kind::Obj: return IsTable(ObjectOf(type), table.GetPointer<const Table*>(slot));
      case Kind::Union: return IsUnion(type, TagOf(type, table, slot), table.GetPointer<const std::uint8_t*>(slot));
      default: return IsVector(field, table);
    }
  }

  bool IsStruct(const reflection::Field& field, const Table& table) {
    const reflection::Object& object = ObjectOf(*field.type());
    if (!table.CheckField(field.offset())) return !field.required();
    const auto at = table.GetOptionalFieldOffset(field.offset());
    return verifier_.VerifyFieldStruct(reinterpret_cast<const std::uint8_t*>(&table), at,
                                       static_cast<std::size_t>(object.bytesize()), static_cast<std::size_t>(object.minalign()));
  }

  std::uint64_t TagOf(const reflection::Type& type, const Table& table, std::uint16_t slot) {
    const auto tag_slot = static_cast<std::uint16_t>(slot - 2);
    switch (BytesOf(ScalarOfTag(type))) {
      case 2: return table.GetField<std::uint16_t>(tag_slot, 0);
      case 4: return table.GetField<std::uint32_t>(tag_slot, 0);
      case 8: return table.GetField<std::uint64_t>(tag_slot, 0);
      default: return table.GetField<std::uint8_t>(tag_slot, 0);
    }
  }

  bool IsUnion(const reflection::Type& type, std::uint64_t tag, const std::uint8_t* value) {
    const auto& members = *schema_.enums()->Get(static_cast<flatbuffers::uoffset_t>(type.index()))->values();
    if (tag == 0 || tag >= members.size()) return true;
    const reflection::Type& member = *members.Get(static_cast<flatbuffers::uoffset_t>(tag))->union_type();
    if (member.base_type() == Kind::String) return verifier_.VerifyString(reinterpret_cast<const String*>(value));
    const reflection::Object& object = ObjectOf(member);
    if (!object.is_struct()) return IsTable(object, reinterpret_cast<const Table*>(value));
    return value == nullptr || verifier_.VerifyFieldStruct(value, 0, static_cast<std::size_t>(object.bytesize()),
                                                           static_cast<std::size_t>(object.minalign()));
  }

  static std::size_t BytesOf(Kind kind) {
    switch (kind) {
      case Kind::Short: case Kind::UShort: return 2;
      case Kind::Int: case Kind::UInt: case Kind::Float: return 4;
      case Kind::Long: case Kind::ULong: case Kind::Double: return 8;
      default: return 1;
    }
  }

  bool IsVector(const reflection::Field& field, const Table& table) {
    const reflection::Type& type = *field.type();
    const auto* vector = table.GetPointer<const std::uint8_t*>(field.offset());
    if (vector == nullptr) return true;
    const bool is_struct = type.element() == Kind::Obj && ObjectOf(type).is_struct();
    const bool is_inline = is_struct || type.element() < Kind::String;
    std::size_t bytes = is_inline ? BytesOf(type.element() == Kind::UType ? ScalarOfTag(type) : type.element()) : 4;
    if (is_struct) bytes = static_cast<std::size_t>(ObjectOf(type).bytesize());
    if (!verifier_.VerifyVectorOrString(vector, bytes)) return false;
    if (field.attributes() != nullptr) return IsNested(field, *reinterpret_cast<const Vector<std::uint8_t>*>(vector));
    if (is_inline) return true;
    const auto& offsets = *reinterpret_cast<const Vector<Offset<Table>>*>(vector);
    if (type.element() == Kind::Union) return AreUnions(field, table, offsets);
    if (type.element() == Kind::String) return verifier_.VerifyVectorOfStrings(reinterpret_cast<const Vector<Offset<String>>*>(vector));
    for (flatbuffers::uoffset_t i = 0; i < offsets.size(); ++i) {
      if (!IsTable(ObjectOf(type), offsets.Get(i))) return false;
    }
    return true;
  }

  bool AreUnions(const reflection::Field& field, const Table& table, const Vector<Offset<Table>>& values) {
    const auto* tags = table.GetPointer<const Vector<std::uint8_t>*>(static_cast<std::uint16_t>(field.offset() - 2));
    if (tags == nullptr || tags->size() != values.size()) return false;
    const std::size_t bytes = BytesOf(ScalarOfTag(*field.type()));
    for (flatbuffers::uoffset_t i = 0; i < values.size(); ++i) {
      std::uint64_t tag = 0;
      std::memcpy(&tag, tags->Data() + i * bytes, bytes);
      if (!IsUnion(*field.type(), tag, reinterpret_cast<const std::uint8_t*>(values.Get(i)))) return false;
    }
    return true;
  }

  bool IsNested(const reflection::Field& field, const Vector<std::uint8_t>& bytes) {
    for (const reflection::Object* object : *schema_.objects()) {
      if (object->name()->str() != field.attributes()->Get(0)->value()->str()) continue;
      Verifier inner(bytes.data(), bytes.size());
      return Checker(schema_, inner).IsRoot(*object, bytes.data(), bytes.size());
    }
    return true;
  }

  const reflection::Schema& schema_;
  Verifier& verifier_;
};

bool HasFarFields(const reflection::Schema& schema) {
  for (const reflection::Object* object : *schema.objects()) {
    for (const reflection::Field* field : *object->fields()) {
      if (field->attributes() != nullptr && field->attributes()->Get(0)->key()->str() != "nested_flatbuffer") return true;
    }
  }
  return false;
}

}  // namespace

bool IsVerified(const reflection::Schema& schema, const reflection::Object& root, const std::vector<std::uint8_t>& message) {
  if (root.is_struct()) return message.size() >= static_cast<std::size_t>(root.bytesize());
  if (HasFarFields(schema)) return false;
  Verifier verifier(message.data(), message.size());
  return Checker(schema, verifier).IsRoot(root, message.data(), message.size());
}

}  // namespace shmcomm::fuzz
