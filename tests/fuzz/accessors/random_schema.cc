// SPDX-License-Identifier: Apache-2.0
#include "fuzz/accessors/random_schema.h"

#include <algorithm>
#include <vector>

#include "flatbuffers/reflection_generated.h"

namespace shmcomm::fuzz {
namespace {

using flatbuffers::Offset;
using Kind = reflection::BaseType;

// The schema's enums by index. The union's members are every table, the first struct and strings.
constexpr int kPlainEnum = 0;
constexpr int kUnion = 1;

constexpr std::uint32_t kBytes[] = {0, 1, 1, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8};

/// Where a struct's next field lies, and what the struct has become.
struct Layout {
  std::uint32_t bytes = 0;
  std::uint32_t alignment = 1;

  std::uint32_t Place(std::uint32_t size, std::uint32_t align) {
    const std::uint32_t at = (bytes + align - 1) / align * align;
    bytes = at + size;
    alignment = std::max(alignment, align);
    return at;
  }
};

struct Known {
  std::uint32_t bytes;
  std::uint32_t alignment;
};

class Maker {
 public:
  explicit Maker(Input& input) : input_(input) {}

  std::string Make() {
    enum_scalar_ = static_cast<Kind>(Kind::Byte + input_.Byte() % 8);
    tag_scalar_ = input_.Byte() % 4 == 0 ? static_cast<Kind>(Kind::UByte + input_.Byte() % 6) : Kind::UType;
    const std::uint32_t structs = 1 + input_.Byte() % 3;
    tables_ = 1 + input_.Byte() % 4;
    first_table_ = structs;
    for (std::uint32_t i = 0; i < structs; ++i) objects_.push_back(MakeStruct("S" + std::to_string(i)));
    for (std::uint32_t i = 0; i < tables_; ++i) objects_.push_back(MakeTable("T" + std::to_string(i)));
    const std::vector<Offset<reflection::Enum>> enums = {MakeEnum(), MakeUnion()};
    const auto all = builder_.CreateVector(objects_);
    const auto all_enums = builder_.CreateVector(enums);
    builder_.Finish(reflection::CreateSchema(builder_, all, all_enums), "BFBS");
    return {reinterpret_cast<const char*>(builder_.GetBufferPointer()), builder_.GetSize()};
  }

 private:
  using Fields = std::vector<Offset<reflection::Field>>;

  Kind AnyScalar() { return static_cast<Kind>(Kind::Bool + input_.Byte() % 11); }
  int AnyStruct(std::size_t below) { return static_cast<int>(input_.Byte() % below); }
  int AnyTable() { return static_cast<int>(first_table_ + input_.Byte() % tables_); }

  Offset<reflection::Enum> MakeEnum() {
    std::vector<Offset<reflection::EnumVal>> values;
    const std::uint32_t count = 1 + input_.Byte() % 4;
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::string name = "V" + std::to_string(i);
      values.push_back(reflection::CreateEnumValDirect(builder_, name.c_str(), i * (1 + input_.Byte() % 40)));
    }
    const auto all = builder_.CreateVector(values);
    const auto scalar = reflection::CreateType(builder_, enum_scalar_);
    return reflection::CreateEnum(builder_, builder_.CreateString("E"), all, false, scalar);
  }

  Offset<reflection::Enum> MakeUnion() {
    std::vector<Offset<reflection::EnumVal>> members = {Member("NONE", 0, Kind::None, -1), Member("text", 1, Kind::String, -1)};
    for (std::uint32_t i = 0; i <= tables_; ++i) {   // the tables, and the struct before them
      const int object = static_cast<int>(first_table_ - 1 + i);
      members.push_back(Member("M" + std::to_string(i), 2 + i, Kind::Obj, object));
    }
    const auto all = builder_.CreateVector(members);
    const auto scalar = reflection::CreateType(builder_, tag_scalar_);
    return reflection::CreateEnum(builder_, builder_.CreateString("U"), all, true, scalar);
  }
  Offset<reflection::EnumVal> Member(const std::string& name, std::uint32_t tag, Kind kind, int index) {
    return reflection::CreateEnumValDirect(builder_, name.c_str(), tag, reflection::CreateType(builder_, kind, Kind::None, index));
  }

  Offset<reflection::Object> MakeStruct(const std::string& name) {
    Layout layout;
    Fields fields;
    const std::uint32_t count = 1 + input_.Byte() % 4;
    for (std::uint32_t i = 0; i < count; ++i) fields.push_back(StructField(i, layout));
    layout.Place(0, layout.alignment);
    structs_.push_back(Known{layout.bytes, layout.alignment});
    return Finish(name, fields, true, layout);
  }

  Offset<reflection::Field> StructField(std::uint32_t id, Layout& layout) {
    const std::uint8_t choice = input_.Byte();
    Kind kind = AnyScalar();
    int index = -1;
    Known known{kBytes[kind], kBytes[kind]};
    if (choice % 4 == 1) {
      kind = enum_scalar_;
      index = kPlainEnum;
      known = Known{kBytes[kind], kBytes[kind]};
    } else if (choice % 4 == 2 && !structs_.empty()) {
      kind = Kind::Obj;
      index = AnyStruct(structs_.size());
      known = structs_[static_cast<std::size_t>(index)];
    }
    const std::uint32_t length = choice < 64 ? 1 + input_.Byte() % 5 : 0;
    const std::uint32_t at = layout.Place(known.bytes * std::max(length, 1U), known.alignment);
    const auto type = length > 0 ? reflection::CreateType(builder_, Kind::Array, kind, index, static_cast<std::uint16_t>(length))
                                 : reflection::CreateType(builder_, kind, Kind::None, index);
    const std::string name = "f" + std::to_string(id);
    return reflection::CreateFieldDirect(builder_, name.c_str(), type, static_cast<std::uint16_t>(id), static_cast<std::uint16_t>(at));
  }

  Offset<reflection::Object> MakeTable(const std::string& name) {
    Fields fields;
    const std::uint32_t count = input_.Byte() % 9;
    for (std::uint32_t i = 0; i < count; ++i) AddTableField(fields);
    return Finish(name, fields, false, Layout{});
  }

  void AddTableField(Fields& fields) {
    const std::uint8_t choice = input_.Byte();
    switch (choice % 16) {
      case 0: case 1: return Scalar(fields, AnyScalar(), -1);
      case 2: return Scalar(fields, enum_scalar_, kPlainEnum);
      case 3: return Add(fields, Kind::String, Kind::None, -1);
      case 4: return Add(fields, Kind::Obj, Kind::None, AnyStruct(first_table_));
      case 5: case 6: return Add(fields, Kind::Obj, Kind::None, AnyTable());
      case 7: return Add(fields, Kind::Vector, AnyScalar(), -1);
      case 8: return Add(fields, Kind::Vector, enum_scalar_, kPlainEnum);
      case 9: return Add(fields, Kind::Vector, Kind::String, -1);
      case 10: return Add(fields, Kind::Vector, Kind::Obj, AnyStruct(first_table_));
      case 11: return Add(fields, Kind::Vector, Kind::Obj, AnyTable());
      case 12: return Union(fields);
      case 13: return Unions(fields);
      case 14: return Add(fields, Kind::Vector, Kind::UByte, -1, "nested_flatbuffer", "T" + std::to_string(input_.Byte() % tables_));
      default: return Far(fields);
    }
  }

  void Scalar(Fields& fields, Kind kind, int index) {
    const bool is_real = kind == Kind::Float || kind == Kind::Double;
    const std::uint8_t choice = input_.Byte();
    const std::string name = NextName(fields);
    const auto type = reflection::CreateType(builder_, kind, Kind::None, index);
    const auto id = static_cast<std::uint16_t>(fields.size());
    fields.push_back(reflection::CreateFieldDirect(
        builder_, name.c_str(), type, id, SlotOf(id), is_real ? 0 : choice % 5, is_real ? choice / 2.0 : 0.0,
        /*deprecated=*/choice >= 240, false, false, nullptr, nullptr, /*optional=*/choice % 8 == 7));
  }

  void Union(Fields& fields) {
    Add(fields, Kind::UType, Kind::None, kUnion);
    Add(fields, Kind::Union, Kind::None, kUnion);
  }
  void Unions(Fields& fields) {
    Add(fields, Kind::Vector, Kind::UType, kUnion);
    Add(fields, Kind::Vector, Kind::Union, kUnion);
  }
  void Far(Fields& fields) {
    switch (input_.Byte() % 4) {
      case 0: return Add(fields, Kind::String, Kind::None, -1, "offset64", "0");
      case 1: return Add(fields, Kind::Vector, AnyScalar(), -1, "offset64", "0");
      case 2: return Add(fields, static_cast<Kind>(kVector64), AnyScalar(), -1, "vector64", "0");
      default: return Add(fields, static_cast<Kind>(kVector64), Kind::Obj, AnyStruct(first_table_), "vector64", "0");
    }
  }

  void Add(Fields& fields, Kind kind, Kind element, int index, const char* attribute = nullptr, const std::string& value = "") {
    // A required union whose member is NONE or unknown passes the verifier, though nothing can be read.
    const bool is_union = kind == Kind::UType || element == Kind::UType || kind == Kind::Union;
    const bool is_required = !is_union && input_.Byte() % 8 == 7;
    const std::string name = NextName(fields);
    std::vector<Offset<reflection::KeyValue>> attributes;
    if (attribute != nullptr) attributes.push_back(reflection::CreateKeyValueDirect(builder_, attribute, value.c_str()));
    const auto type = reflection::CreateType(builder_, kind, element, index);
    const auto id = static_cast<std::uint16_t>(fields.size());
    fields.push_back(reflection::CreateFieldDirect(builder_, name.c_str(), type, id, SlotOf(id), 0, 0, false, is_required, false,
                                                   attribute == nullptr ? nullptr : &attributes));
  }

  static std::string NextName(const Fields& fields) { return "f" + std::to_string(fields.size()); }
  static std::uint16_t SlotOf(std::uint16_t id) { return static_cast<std::uint16_t>(4 + 2 * id); }

  Offset<reflection::Object> Finish(const std::string& name, const Fields& fields, bool is_struct, const Layout& layout) {
    const auto named = builder_.CreateString(name);
    const auto all = builder_.CreateVector(fields);
    return reflection::CreateObject(builder_, named, all, is_struct, static_cast<int>(layout.alignment),
                                    static_cast<int>(layout.bytes));
  }

  Input& input_;
  flatbuffers::FlatBufferBuilder builder_;
  Kind enum_scalar_ = Kind::Byte;
  Kind tag_scalar_ = Kind::UType;
  std::uint32_t tables_ = 0;
  std::uint32_t first_table_ = 0;
  std::vector<Known> structs_;
  std::vector<Offset<reflection::Object>> objects_;
};

}  // namespace

std::string RandomSchema(Input& input) { return Maker(input).Make(); }

}  // namespace shmcomm::fuzz
