// SPDX-License-Identifier: Apache-2.0
#include "channel/schema_model.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "flatbuffers/reflection_generated.h"

namespace shmcomm::channel {
namespace {

constexpr std::size_t kMaxSchemaBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxNameBytes = 512;

absl::Status Inconsistent(const std::string& what) { return absl::DataLossError(absl::StrCat("binary schema: ", what)); }

// Names end up in error messages on terminals, so only what the schema language allows may pass.
bool IsName(const flatbuffers::String& name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
  };
  return name.size() > 0 && name.size() <= kMaxNameBytes && std::all_of(name.begin(), name.end(), allowed);
}

// Reads one verified buffer. FlatBuffers' verifier checks that all offsets stay inside; that the numbers mean something
// is checked here.
class Parser {
 public:
  explicit Parser(const reflection::Schema& schema) : schema_(schema) {}

  absl::StatusOr<std::vector<ObjectModel>> Objects() const {
    std::vector<ObjectModel> objects;
    for (const reflection::Object* object : *schema_.objects()) {
      absl::StatusOr<ObjectModel> model = Object(*object);
      if (!model.ok()) return model.status();
      objects.push_back(*std::move(model));
    }
    return objects;
  }

  absl::StatusOr<std::vector<EnumModel>> Enums() const {
    std::vector<EnumModel> enums;
    for (const reflection::Enum* one : *schema_.enums()) {
      absl::StatusOr<EnumModel> model = Enum(*one);
      if (!model.ok()) return model.status();
      enums.push_back(*std::move(model));
    }
    return enums;
  }

 private:
  absl::StatusOr<ObjectModel> Object(const reflection::Object& object) const {
    if (!IsName(*object.name())) return Inconsistent("a type's name is not a name");
    ObjectModel model;
    model.name = object.name()->str();
    model.is_struct = object.is_struct();
    if (object.bytesize() < 0 || object.minalign() < 0) return Inconsistent(absl::StrCat("size of ", model.name));
    model.bytes = static_cast<std::uint32_t>(object.bytesize());
    model.alignment = static_cast<std::uint32_t>(object.minalign());
    for (const reflection::Field* field : *object.fields()) {
      absl::StatusOr<FieldModel> one = Field(*field, model);
      if (!one.ok()) return one.status();
      model.fields.push_back(*std::move(one));
    }
    return SortById(std::move(model));
  }

  static absl::StatusOr<ObjectModel> SortById(ObjectModel model) {
    const auto by_id = [](const FieldModel& a, const FieldModel& b) { return a.id < b.id; };
    const auto same_id = [](const FieldModel& a, const FieldModel& b) { return a.id == b.id; };
    std::sort(model.fields.begin(), model.fields.end(), by_id);
    if (std::adjacent_find(model.fields.begin(), model.fields.end(), same_id) != model.fields.end()) {
      return Inconsistent(absl::StrCat("two fields of ", model.name, " have one id"));
    }
    return model;
  }

  absl::StatusOr<FieldModel> Field(const reflection::Field& field, const ObjectModel& owner) const {
    if (!IsName(*field.name())) return Inconsistent(absl::StrCat("a field of ", owner.name, " has no name"));
    absl::StatusOr<TypeModel> type = Type(*field.type());
    if (!type.ok()) return Inconsistent(absl::StrCat(owner.name, ".", field.name()->str(), " has an impossible type"));
    FieldModel model;
    model.name = field.name()->str();
    model.type = *type;
    model.id = field.id();
    model.offset = field.offset();
    model.default_integer = field.default_integer();
    model.default_real = field.default_real();
    model.deprecated = field.deprecated();
    model.required = field.required();
    model.optional = field.optional();
    return model;
  }

  absl::StatusOr<EnumModel> Enum(const reflection::Enum& one) const {
    if (!IsName(*one.name())) return Inconsistent("an enum's name is not a name");
    EnumModel model;
    model.name = one.name()->str();
    model.is_union = one.is_union();
    model.underlying = static_cast<BaseType>(one.underlying_type()->base_type());
    if (!IsScalar(model.underlying)) return Inconsistent(absl::StrCat(model.name, " has no scalar type"));
    for (const reflection::EnumVal* value : *one.values()) {
      absl::StatusOr<EnumValueModel> member = EnumValue(*value, model);
      if (!member.ok()) return member.status();
      model.values.push_back(*std::move(member));
    }
    std::stable_sort(model.values.begin(), model.values.end(),
                     [](const EnumValueModel& a, const EnumValueModel& b) { return a.value < b.value; });
    return model;
  }

  absl::StatusOr<EnumValueModel> EnumValue(const reflection::EnumVal& value, const EnumModel& owner) const {
    if (!IsName(*value.name())) return Inconsistent(absl::StrCat("a value of ", owner.name, " has no name"));
    EnumValueModel model;
    model.name = value.name()->str();
    model.value = value.value();
    if (!owner.is_union || value.union_type() == nullptr) return model;
    absl::StatusOr<TypeModel> type = Type(*value.union_type());
    if (!type.ok()) return Inconsistent(absl::StrCat(owner.name, ".", model.name, " has an impossible type"));
    model.union_type = *type;
    return model;
  }

  absl::StatusOr<TypeModel> Type(const reflection::Type& type) const {
    TypeModel model;
    model.base = static_cast<BaseType>(type.base_type());
    model.element = model.has_elements() ? static_cast<BaseType>(type.element()) : BaseType::kNone;
    model.length = model.base == BaseType::kArray ? type.fixed_length() : std::uint16_t{0};
    const BaseType innermost = model.innermost();
    if (type.index() >= 0) model.index = static_cast<std::size_t>(type.index());
    if (!IsPossible(innermost) || !IndexFits(innermost, model.index)) return Inconsistent("impossible type");
    return model;
  }

  // A vector of vectors does not exist; kNone is the type of a union's NONE.
  static bool IsPossible(BaseType innermost) {
    return innermost <= BaseType::kString || innermost == BaseType::kObject || innermost == BaseType::kUnion;
  }

  bool IndexFits(BaseType innermost, std::size_t index) const {
    const bool is_named = index != TypeModel::kNoIndex;
    if (innermost == BaseType::kObject) return is_named && index < schema_.objects()->size();
    if (innermost == BaseType::kUnion || innermost == BaseType::kUType) {
      return is_named && index < schema_.enums()->size() && EnumAt(index).is_union();
    }
    if (!is_named) return true;
    return IsScalar(innermost) && index < schema_.enums()->size() && !EnumAt(index).is_union();
  }

  const reflection::Enum& EnumAt(std::size_t index) const {
    return *schema_.enums()->Get(static_cast<flatbuffers::uoffset_t>(index));
  }

  const reflection::Schema& schema_;
};

const char* ScalarText(BaseType type) {
  static constexpr const char* kNames[] = {"none", "union_type", "bool", "byte",  "ubyte", "short",  "ushort",
                                           "int",  "uint",       "long", "ulong", "float", "double", "string"};
  const auto index = static_cast<std::size_t>(type);
  return index < std::size(kNames) ? kNames[index] : "unknown";
}

}  // namespace

absl::StatusOr<SchemaModel> SchemaModel::Parse(absl::Span<const std::uint8_t> bfbs) {
  if (bfbs.size() > kMaxSchemaBytes) return Inconsistent(absl::StrCat(bfbs.size(), " bytes, at most ", kMaxSchemaBytes, " are read"));
  if (bfbs.empty()) return Inconsistent("empty");
  std::vector<std::uint64_t> copy((bfbs.size() + 7) / 8);  // aligned for 8-byte fields
  std::memcpy(copy.data(), bfbs.data(), bfbs.size());
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(copy.data());

  // Tables may share bytes in a hostile buffer; no honest one has more of them than this.
  const auto max_tables = static_cast<flatbuffers::uoffset_t>(bfbs.size() / 8);
  flatbuffers::Verifier verifier(bytes, bfbs.size(), /*max_depth=*/16, max_tables);
  if (!reflection::VerifySchemaBuffer(verifier)) return Inconsistent("does not verify");

  const Parser parser(*reflection::GetSchema(bytes));
  absl::StatusOr<std::vector<EnumModel>> enums = parser.Enums();
  if (!enums.ok()) return enums.status();
  absl::StatusOr<std::vector<ObjectModel>> objects = parser.Objects();
  if (!objects.ok()) return objects.status();
  SchemaModel model;
  model.enums_ = *std::move(enums);
  model.objects_ = *std::move(objects);
  return model;
}

std::size_t SchemaModel::FindObject(std::string_view name) const {
  for (std::size_t i = 0; i < objects_.size(); ++i) {
    if (objects_[i].name == name) return i;
  }
  return TypeModel::kNoIndex;
}

std::string SchemaModel::TypeText(const TypeModel& type) const {
  const BaseType innermost = type.innermost();
  std::string text = innermost == BaseType::kObject           ? objects_[type.index].name
                     : type.index != TypeModel::kNoIndex ? enums_[type.index].name
                                                              : ScalarText(innermost);
  if (type.base == BaseType::kArray) return absl::StrCat("[", text, ":", type.length, "]");
  return type.has_elements() ? absl::StrCat("[", text, "]") : text;
}

}  // namespace shmcomm::channel
