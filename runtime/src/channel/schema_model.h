// SPDX-License-Identifier: Apache-2.0
// A FlatBuffers binary schema (.bfbs) as plain values whose every index has been checked: what compatibility.cc compares.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace shmcomm::channel {

/// The numbers of `reflection::BaseType`; they are part of the .bfbs format.
enum class BaseType : std::uint8_t {
  kNone = 0, kUType = 1, kBool = 2, kByte = 3, kUByte = 4, kShort = 5, kUShort = 6, kInt = 7, kUInt = 8, kLong = 9,
  kULong = 10, kFloat = 11, kDouble = 12, kString = 13, kVector = 14, kObject = 15, kUnion = 16, kArray = 17, kVector64 = 18,
};

/// A number or a bool: FlatBuffers stores it in place and gives it a default.
inline bool IsScalar(BaseType type) { return type >= BaseType::kUType && type <= BaseType::kDouble; }

/// The type of a field. `index` names an object or an enum of the same schema, or is kNoIndex.
struct TypeModel {
  static constexpr std::size_t kNoIndex = static_cast<std::size_t>(-1);

  BaseType base = BaseType::kNone;
  BaseType element = BaseType::kNone;  ///< of a vector or an array, otherwise kNone
  std::size_t index = kNoIndex;
  std::uint16_t length = 0;            ///< of an array

  bool has_elements() const { return base == BaseType::kVector || base == BaseType::kArray || base == BaseType::kVector64; }
  BaseType innermost() const { return has_elements() ? element : base; }
};

struct FieldModel {
  std::string name;
  TypeModel type;
  std::uint16_t id = 0;                ///< the vtable slot of a table's field, the position of a struct's
  std::uint16_t offset = 0;            ///< bytes from the start of a struct
  std::int64_t default_integer = 0;
  double default_real = 0;
  bool deprecated = false;
  bool required = false;
  bool optional = false;               ///< of a scalar: declared `= null`
};

/// A table or a struct.
struct ObjectModel {
  std::string name;
  bool is_struct = false;
  std::uint32_t bytes = 0;             ///< of a struct
  std::uint32_t alignment = 0;
  std::vector<FieldModel> fields;      ///< in the order of their ids, each id once
};

struct EnumValueModel {
  std::string name;
  std::int64_t value = 0;
  TypeModel union_type;                ///< of a union's member
};

/// An enum or a union.
struct EnumModel {
  std::string name;
  bool is_union = false;
  BaseType underlying = BaseType::kNone;
  std::vector<EnumValueModel> values;  ///< in the order of their values
};

/// One schema. Immutable once parsed.
class SchemaModel {
 public:
  /// Copies `bfbs` (which may change meanwhile: it can lie in shared memory), verifies the copy and reads it.
  /// Errors: kDataLoss when it is not a complete and consistent schema, or is larger than 1 MiB.
  static absl::StatusOr<SchemaModel> Parse(absl::Span<const std::uint8_t> bfbs);

  const ObjectModel& object(std::size_t index) const { return objects_[index]; }
  const EnumModel& enumeration(std::size_t index) const { return enums_[index]; }

  /// The index of the table or struct of this fully qualified name, or TypeModel::kNoIndex.
  std::size_t FindObject(std::string_view name) const;

  /// `type` as it is written in a schema: `[float:6]`, `[robot.Vec3]`, `string`.
  std::string TypeText(const TypeModel& type) const;

 private:
  std::vector<ObjectModel> objects_;
  std::vector<EnumModel> enums_;
};

}  // namespace shmcomm::channel
