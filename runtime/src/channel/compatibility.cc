// SPDX-License-Identifier: Apache-2.0
#include "channel/compatibility.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "channel/schema_model.h"

namespace shmcomm::channel {
namespace {

constexpr std::size_t kMaxDifferences = 1000;
constexpr std::size_t kMaxSteps = 1'000'000;
constexpr bool kBreaking = true;
constexpr bool kFine = false;

enum class TypeMatch { kSame, kNamesDiffer, kDiffers };

// Two types that a reader would use for the same bytes.
struct Pair {
  bool is_enum;
  std::size_t writer;
  std::size_t reader;
  bool operator<(const Pair& o) const { return std::tie(is_enum, writer, reader) < std::tie(o.is_enum, o.writer, o.reader); }
};

// The members of one object or enum by name. Where a hostile schema repeats a name, the first one counts.
template <class Member>
using ByName = std::unordered_map<std::string_view, const Member*>;

template <class Member>
ByName<Member> IndexByName(const std::vector<Member>& members) {
  ByName<Member> index;
  for (const Member& member : members) index.emplace(member.name, &member);
  return index;
}

template <class Member>
const Member* Find(const ByName<Member>& index, const std::string& name) {
  const auto found = index.find(name);
  return found == index.end() ? nullptr : found->second;
}

const FieldModel* FindId(const ObjectModel& object, std::uint16_t id) {
  const auto found = std::lower_bound(object.fields.begin(), object.fields.end(), id,
                                      [](const FieldModel& field, std::uint16_t wanted) { return field.id < wanted; });
  return found != object.fields.end() && found->id == id ? &*found : nullptr;
}

const EnumValueModel* FindValue(const EnumModel& one, std::int64_t value) {
  const auto found = std::lower_bound(one.values.begin(), one.values.end(), value,
                                      [](const EnumValueModel& member, std::int64_t wanted) { return member.value < wanted; });
  return found != one.values.end() && found->value == value ? &*found : nullptr;
}

std::string ValueText(const EnumModel& owner, std::int64_t value) {
  return owner.underlying == BaseType::kULong ? absl::StrCat(static_cast<std::uint64_t>(value)) : absl::StrCat(value);
}

// The numeric companion of a union field; the union field speaks for both.
bool IsUnionType(const FieldModel& field) { return field.type.innermost() == BaseType::kUType; }

// Walks the pairs of types reachable from the root, breadth first: recursion in a schema costs a visit, not a stack.
class Comparison {
 public:
  Comparison(const SchemaModel& writer, const SchemaModel& reader) : writer_(writer), reader_(reader) {}

  absl::StatusOr<std::vector<Difference>> Run(std::size_t writer_root, std::size_t reader_root) {
    Meet({false, writer_root, reader_root});
    // Ends: a pair is queued once, and there are finitely many; steps_ ends it sooner on schemas made to be slow.
    for (std::size_t next = 0; next < queue_.size(); ++next) {
      if (steps_ > kMaxSteps) return absl::DataLossError("binary schema: too intricate to compare");
      if (differences_.size() == kMaxDifferences && !IsCompatible(differences_)) break;
      ComparePair(Pair(queue_[next]));
    }
    return std::move(differences_);
  }

 private:
  void Meet(Pair pair) {
    if (seen_.insert(pair).second) queue_.push_back(pair);
  }

  void ComparePair(Pair pair) {
    if (pair.is_enum) return CompareEnums(writer_.enumeration(pair.writer), reader_.enumeration(pair.reader));
    const ObjectModel& writer = writer_.object(pair.writer);
    const ObjectModel& reader = reader_.object(pair.reader);
    steps_ += writer.fields.size() + reader.fields.size() + 1;
    label_ = absl::StrCat(writer.is_struct ? "struct " : "table ", writer.name);
    if (writer.is_struct != reader.is_struct) return Say(kBreaking, writer.is_struct ? "is a table to the reader" : "is a struct to the reader");
    return writer.is_struct ? CompareStructs(writer, reader) : CompareTables(writer, reader);
  }

  // A full list still takes a breaking difference, in its last place: the verdict must not depend on the limit.
  void Say(bool breaking, const std::string& what) {
    if (differences_.size() == kMaxDifferences) {
      if (!breaking) return;
      differences_.pop_back();
    }
    differences_.push_back({absl::StrCat(label_, ": ", what), breaking});
  }

  // ---- types

  TypeMatch MatchTypes(const TypeModel& writer, const TypeModel& reader) {
    if (writer.base != reader.base || writer.element != reader.element || writer.length != reader.length) return TypeMatch::kDiffers;
    const bool is_object = writer.innermost() == BaseType::kObject;
    if (is_object && writer_.object(writer.index).is_struct != reader_.object(reader.index).is_struct) return TypeMatch::kDiffers;
    const bool writer_is_named = writer.index != TypeModel::kNoIndex;
    const bool reader_is_named = reader.index != TypeModel::kNoIndex;
    if (writer_is_named && reader_is_named) Meet({!is_object, writer.index, reader.index});
    return writer_.TypeText(writer) == reader_.TypeText(reader) ? TypeMatch::kSame : TypeMatch::kNamesDiffer;
  }

  std::string TypeChange(const TypeModel& writer, const TypeModel& reader) const {
    const std::string from = writer_.TypeText(writer);
    const std::string to = reader_.TypeText(reader);
    if (from != to) return absl::StrCat(from, " -> ", to);
    return absl::StrCat(KindText(writer_, writer), from, " -> ", KindText(reader_, reader), to);
  }

  static std::string KindText(const SchemaModel& schema, const TypeModel& type) {
    if (type.innermost() == BaseType::kUnion) return "union ";
    if (type.innermost() != BaseType::kObject) return type.index == TypeModel::kNoIndex ? "" : absl::StrCat("enum:", ScalarOf(schema, type), " ");
    return schema.object(type.index).is_struct ? "struct " : "table ";
  }

  static std::string ScalarOf(const SchemaModel& schema, const TypeModel& type) {
    TypeModel plain;
    plain.base = type.innermost();
    return schema.TypeText(plain);
  }

  // ---- structs: the bytes are the message, so only names may differ

  void CompareStructs(const ObjectModel& writer, const ObjectModel& reader) {
    const ByName<FieldModel> in_writer = IndexByName(writer.fields);
    const ByName<FieldModel> in_reader = IndexByName(reader.fields);
    const std::string sizes = writer.bytes == reader.bytes ? "" : absl::StrCat(" (", writer.bytes, " -> ", reader.bytes, " bytes)");
    bool is_explained = false;
    for (const FieldModel& field : writer.fields) {
      const FieldModel* other = Find(in_reader, field.name);
      if (other == nullptr) other = RenamedTo(field, reader, in_writer);
      is_explained |= other == nullptr ? SayRemoved(field, sizes) : CompareStructField(field, *other, sizes);
    }
    for (const FieldModel& field : reader.fields) {
      if (Find(in_writer, field.name) != nullptr || RenamedTo(field, writer, in_reader) != nullptr) continue;
      Say(kBreaking, absl::StrCat("field '", field.name, "' added", sizes));
      is_explained = true;
    }
    if (!is_explained) CompareLayout(writer, reader);
  }

  // The field at the same place, if its own name is new: a rename, seen from either side.
  static const FieldModel* RenamedTo(const FieldModel& field, const ObjectModel& other, const ByName<FieldModel>& known) {
    const FieldModel* same_id = FindId(other, field.id);
    if (same_id == nullptr || same_id->offset != field.offset || Find(known, same_id->name) != nullptr) return nullptr;
    return same_id->type.base == field.type.base && same_id->type.element == field.type.element ? same_id : nullptr;
  }

  bool SayRemoved(const FieldModel& field, const std::string& sizes) {
    Say(kBreaking, absl::StrCat("field '", field.name, "' removed", sizes));
    return true;
  }

  // True if what differs also explains why later fields moved.
  bool CompareStructField(const FieldModel& writer, const FieldModel& reader, const std::string& sizes) {
    if (writer.name != reader.name) SayRenamed(writer, reader);
    const TypeMatch match = MatchTypes(writer.type, reader.type);
    if (match == TypeMatch::kDiffers) {
      Say(kBreaking, absl::StrCat("field '", writer.name, "' ", TypeChange(writer.type, reader.type), sizes));
      return true;
    }
    if (match == TypeMatch::kNamesDiffer) SayTypeRenamed(writer, reader);
    if (writer.type.innermost() != BaseType::kObject) return false;
    const ObjectModel& inner = writer_.object(writer.type.index);
    const ObjectModel& other = reader_.object(reader.type.index);
    return inner.bytes != other.bytes || inner.alignment != other.alignment;
  }

  void CompareLayout(const ObjectModel& writer, const ObjectModel& reader) {
    const ByName<FieldModel> in_reader = IndexByName(reader.fields);
    bool moved = false;
    for (const FieldModel& field : writer.fields) {
      const FieldModel* other = Find(in_reader, field.name);
      if (other == nullptr || other->offset == field.offset) continue;
      Say(kBreaking, absl::StrCat("field '", field.name, "' moved from byte ", field.offset, " to ", other->offset));
      moved = true;
    }
    if (moved) return;
    if (writer.bytes != reader.bytes) Say(kBreaking, absl::StrCat("size ", writer.bytes, " -> ", reader.bytes, " bytes"));
    // A reader that relies on less alignment than it is given loses nothing.
    if (writer.alignment != reader.alignment) {
      Say(writer.alignment < reader.alignment, absl::StrCat("alignment ", writer.alignment, " -> ", reader.alignment, " bytes"));
    }
  }

  void SayRenamed(const FieldModel& writer, const FieldModel& reader) {
    Say(kFine, absl::StrCat("field '", writer.name, "' renamed '", reader.name, "'"));
  }

  void SayTypeRenamed(const FieldModel& writer, const FieldModel& reader) {
    Say(kFine, absl::StrCat("field '", writer.name, "' ", TypeChange(writer.type, reader.type), ", same bytes"));
  }

  // ---- tables: a field is its id

  void CompareTables(const ObjectModel& writer, const ObjectModel& reader) {
    const ByName<FieldModel> in_writer = IndexByName(writer.fields);
    const ByName<FieldModel> in_reader = IndexByName(reader.fields);
    for (const FieldModel& field : writer.fields) {
      const FieldModel* namesake = Find(in_reader, field.name);
      const FieldModel* other = FindId(reader, field.id);
      if (namesake != nullptr && namesake->id != field.id) {
        SayMoved(field, *namesake);
      } else if (other == nullptr) {
        if (!IsUnionType(field)) Say(kFine, absl::StrCat("field '", field.name, "' removed"));
      } else if (Find(in_writer, other->name) == nullptr || other->name == field.name) {
        CompareTableField(field, *other);
      }
    }
    for (const FieldModel& field : reader.fields) {
      if (FindId(writer, field.id) == nullptr && Find(in_writer, field.name) == nullptr) SayAdded(field);
    }
  }

  // A name that is found elsewhere is most likely a field inserted without ids: the reader would mistake one for another.
  void SayMoved(const FieldModel& writer, const FieldModel& reader) {
    if (IsUnionType(writer) && IsUnionType(reader)) return;
    Say(kBreaking, absl::StrCat("field '", writer.name, "' moved from id ", writer.id, " to ", reader.id));
  }

  void SayAdded(const FieldModel& field) {
    if (IsUnionType(field)) return;
    Say(field.required, absl::StrCat("field '", field.name, "' added", field.required ? ", required" : ""));
  }

  void CompareTableField(const FieldModel& writer, const FieldModel& reader) {
    const bool is_unused = writer.deprecated || reader.deprecated;
    if (writer.name != reader.name && !IsUnionType(writer)) SayRenamed(writer, reader);
    if (writer.deprecated != reader.deprecated) {
      Say(kFine, absl::StrCat("field '", writer.name, "' ", reader.deprecated ? "deprecated" : "no longer deprecated"));
    }
    const bool is_missed = reader.required && !reader.deprecated && (!writer.required || writer.deprecated);
    if (is_missed) Say(kBreaking, absl::StrCat("field '", writer.name, "' optional -> required"));
    if (is_unused) return CompareUnusedField(writer, reader);

    const TypeMatch match = MatchTypes(writer.type, reader.type);
    if (match == TypeMatch::kDiffers) {
      return Say(kBreaking, absl::StrCat("field '", writer.name, "' ", TypeChange(writer.type, reader.type)));
    }
    if (match == TypeMatch::kNamesDiffer && !IsUnionType(writer)) SayTypeRenamed(writer, reader);
    CompareDefaults(writer, reader);
  }

  // Nobody writes it or nobody reads it, so its type is not looked into.
  void CompareUnusedField(const FieldModel& writer, const FieldModel& reader) {
    const std::string from = writer_.TypeText(writer.type);
    const std::string to = reader_.TypeText(reader.type);
    if (from != to) Say(kFine, absl::StrCat("field '", writer.name, "' ", from, " -> ", to, ", deprecated"));
  }

  // A writer leaves out a value that equals its default, and the reader then sees its own: the value changes silently.
  void CompareDefaults(const FieldModel& writer, const FieldModel& reader) {
    if (!IsScalar(writer.type.base) || HasSameDefault(writer, reader)) return;
    Say(kFine, absl::StrCat("field '", writer.name, "' default ", DefaultText(writer_, writer), " -> ", DefaultText(reader_, reader)));
  }

  static bool HasSameDefault(const FieldModel& a, const FieldModel& b) {
    if (a.optional != b.optional) return false;
    const bool same_real = std::memcmp(&a.default_real, &b.default_real, sizeof a.default_real) == 0 ||
                           (std::isnan(a.default_real) && std::isnan(b.default_real));
    return a.default_integer == b.default_integer && same_real;
  }

  static std::string DefaultText(const SchemaModel& schema, const FieldModel& field) {
    if (field.optional) return "null";
    switch (field.type.base) {
      case BaseType::kFloat:
      case BaseType::kDouble:
        return absl::StrCat(field.default_real);
      case BaseType::kBool:
        return field.default_integer != 0 ? "true" : "false";
      case BaseType::kULong:
        return absl::StrCat(static_cast<std::uint64_t>(field.default_integer));
      default:
        return NamedDefault(schema, field);
    }
  }

  static std::string NamedDefault(const SchemaModel& schema, const FieldModel& field) {
    if (field.type.index == TypeModel::kNoIndex) return absl::StrCat(field.default_integer);
    const EnumValueModel* value = FindValue(schema.enumeration(field.type.index), field.default_integer);
    return value != nullptr ? value->name : absl::StrCat(field.default_integer);
  }

  // ---- enums and unions: the number is what is written

  // Both are enums or both are unions: fields of one base type refer to them, and a schema that says otherwise is not parsed.
  void CompareEnums(const EnumModel& writer, const EnumModel& reader) {
    steps_ += writer.values.size() + reader.values.size() + 1;
    label_ = absl::StrCat(writer.is_union ? "union " : "enum ", writer.name);
    const ByName<EnumValueModel> in_writer = IndexByName(writer.values);
    const ByName<EnumValueModel> in_reader = IndexByName(reader.values);
    const char* noun = writer.is_union ? "member '" : "value '";
    for (const EnumValueModel& value : writer.values) {
      const EnumValueModel* namesake = Find(in_reader, value.name);
      const EnumValueModel* same = FindValue(reader, value.value);
      if (namesake != nullptr && namesake->value != value.value) {
        Say(kBreaking, absl::StrCat(noun, value.name, "' ", ValueText(writer, value.value), " -> ", ValueText(reader, namesake->value)));
      } else if (same == nullptr) {
        Say(kBreaking, absl::StrCat(noun, value.name, "' (", ValueText(writer, value.value), ") removed"));
      } else {
        CompareValue(value, *same, noun);
      }
    }
    for (const EnumValueModel& value : reader.values) {
      if (FindValue(writer, value.value) != nullptr || Find(in_writer, value.name) != nullptr) continue;
      Say(kFine, absl::StrCat(noun, value.name, "' (", ValueText(reader, value.value), ") added"));
    }
  }

  void CompareValue(const EnumValueModel& writer, const EnumValueModel& reader, const char* noun) {
    // A member is its type: two tables that happen to be laid out alike do not mean the same.
    if (MatchTypes(writer.union_type, reader.union_type) != TypeMatch::kSame) {
      return Say(kBreaking, absl::StrCat(noun, writer.name, "' ", TypeChange(writer.union_type, reader.union_type)));
    }
    if (writer.name != reader.name) Say(kFine, absl::StrCat(noun, writer.name, "' renamed '", reader.name, "'"));
  }

  const SchemaModel& writer_;
  const SchemaModel& reader_;
  std::vector<Pair> queue_;
  std::set<Pair> seen_;
  std::string label_;
  std::vector<Difference> differences_;
  std::size_t steps_ = 0;
};

absl::Status RootMissing(std::string_view who, std::string_view root) {
  return absl::NotFoundError(absl::StrCat("the schema of the ", std::string(who), " does not contain its message type '", std::string(root), "'"));
}

}  // namespace

absl::StatusOr<std::vector<Difference>> CompareSchemas(absl::Span<const std::uint8_t> writer_schema, std::string_view writer_root,
                                                       absl::Span<const std::uint8_t> reader_schema, std::string_view reader_root) {
  const absl::StatusOr<SchemaModel> writer = SchemaModel::Parse(writer_schema);
  if (!writer.ok()) return writer.status();
  const absl::StatusOr<SchemaModel> reader = SchemaModel::Parse(reader_schema);
  if (!reader.ok()) return reader.status();
  const std::size_t from = writer->FindObject(writer_root);
  const std::size_t to = reader->FindObject(reader_root);
  if (from == TypeModel::kNoIndex) return RootMissing("writer", writer_root);
  if (to == TypeModel::kNoIndex) return RootMissing("reader", reader_root);
  if (writer_root != reader_root) {
    return std::vector<Difference>{{absl::StrCat("message type ", std::string(writer_root), " -> ", std::string(reader_root)), kBreaking}};
  }
  return Comparison(*writer, *reader).Run(from, to);
}

bool IsCompatible(const std::vector<Difference>& differences) {
  return std::none_of(differences.begin(), differences.end(), [](const Difference& one) { return one.breaking; });
}

}  // namespace shmcomm::channel
