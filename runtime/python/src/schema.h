// SPDX-License-Identifier: Apache-2.0
// The types of one binary schema (.bfbs), laid out for fast reading and building of messages.
//
// Functions of this extension follow CPython's convention: null or false means that a Python exception is set.
#pragma once

#include <Python.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "flatbuffers/reflection_generated.h"
#include "known_fields.h"

namespace shmcomm::python {

using Scalar = reflection::BaseType;
using Documentation = std::string;

/// What a field, or an element of a vector, is.
enum class Shape : std::uint8_t { kScalar, kString, kStruct, kTable, kUnion, kVector, kArray, kUnsupported };

struct Field;
struct RecordObject;
struct Type;

/// Reads a field of a record: an attribute's value, a new reference.
using ReadFunction = PyObject* (*)(RecordObject& record, Field& field);

/// What a union holds where its tag is `tag`. NONE, tag 0, is not among them.
struct UnionMember {
  std::string name;
  std::int64_t tag = 0;
  Shape shape = Shape::kUnsupported;       ///< table, struct or string
  Type* type = nullptr;                    ///< of a table or struct
};

/// An enum of the schema, or the tags of a union. `python_class` and `members` are made when first needed.
struct Enumeration {
  std::string name;
  Documentation documentation;
  Scalar scalar = Scalar::Byte;
  bool is_flags = false;
  std::vector<std::pair<std::string, std::int64_t>> values;
  std::vector<UnionMember> union_members;  ///< of a union; otherwise empty

  /// Null for NONE and for a tag that a newer schema may know.
  const UnionMember* FindMember(std::int64_t tag) const;

  PyObject* python_class = nullptr;  ///< IntEnum or IntFlag
  PyObject* members = nullptr;       ///< dict: value → member
  std::vector<PyObject*> dense;      ///< members from value 0 upward; null where there is none (members of `members`)
};

/// A field as its accessor and the builder need it.
struct Field {
  ReadFunction read = nullptr;             ///< null: not supported
  PyObject* absent = nullptr;              ///< value of a field that is not in the message, made when first needed
  std::uint32_t slot = 0;                  ///< table: offset in the vtable; struct: offset in the struct
  Enumeration* enumeration = nullptr;      ///< of a scalar or a union, or of such elements
  std::string name;
  Documentation documentation;
  Shape shape = Shape::kScalar;
  Shape element = Shape::kScalar;          ///< of a vector or an array
  Scalar scalar = Scalar::None;            ///< of a scalar, or of a vector's or array's scalar elements
  std::uint32_t inline_bytes = 0;          ///< bytes in the table or struct
  std::uint32_t element_bytes = 0;         ///< of a vector or an array
  std::uint32_t count = 0;                 ///< elements of an array
  Type* type = nullptr;                    ///< of a struct or table, or of such elements
  Type* nested = nullptr;                  ///< root of the message that a vector of bytes holds (nested_flatbuffer)
  std::uint16_t tag = 0;                   ///< of a union or a vector of them: the field that says which members they are
  bool is_tag = false;
  bool is_required = false;
  bool is_optional = false;
  bool is_far = false;                     ///< a string or vector behind a 64-bit offset (offset64, vector64)
  bool is_long = false;                    ///< a vector whose length has 64 bits (vector64)
  std::int64_t default_integer = 0;
  double default_real = 0;
  PyObject* key = nullptr;                 ///< interned name
  PyObject* content = nullptr;             ///< default of a string or vector; null: absent by default
  PyObject* dtype = nullptr;               ///< NumPy dtype of the elements, made when first needed

  bool is_reference() const {
    return shape == Shape::kString || shape == Shape::kTable || shape == Shape::kVector || shape == Shape::kUnion;
  }
  bool is_union() const { return shape == Shape::kUnion || element == Shape::kUnion; }
};

/// The fields that a tuple of keyword names stands for. Holds the tuple, so that its address is nobody else's.
struct KeywordPlan {
  static constexpr std::uint16_t kTimeout = 0xFFFF;  ///< in place of a field: an argument of the call itself

  PyObject* names = nullptr;
  std::vector<std::uint16_t> fields;
  bool has_timeout = false;
};

/// A table or struct. Deprecated fields are not in it.
struct Type {
  std::string name;
  Documentation documentation;
  bool is_struct = false;
  std::uint32_t struct_bytes = 0;
  std::uint32_t alignment = 1;
  std::vector<Field> fields;                   ///< by id; a struct's by offset
  std::vector<std::uint16_t> references;       ///< fields that are built before the table itself
  std::vector<std::uint16_t> inline_order;     ///< all fields, the largest first: tables then need the least padding

  PyObject* python_class = nullptr;
  PyObject* field_indices = nullptr;           ///< dict: name → index in `fields`
  std::array<KeywordPlan, 4> plans;            ///< of the last call sites that gave keywords
  std::size_t next_plan = 0;
  mutable KnownFields known_fields;
  class Schema* schema = nullptr;
};

/// Owns all types of a schema. Lives as long as any class made from it; classes hold it through their accessors.
class Schema {
 public:
  /// ValueError if `bytes` is not a binary schema.
  static std::unique_ptr<Schema> Load(std::string bytes);
  ~Schema();
  Schema(const Schema&) = delete;
  Schema& operator=(const Schema&) = delete;

  /// KeyError naming the schema's own types if there is none of that name.
  Type* FindType(const std::string& name);
  Enumeration* FindEnumeration(const std::string& name);

  /// The default of a string or vector, which a binary schema does not tell. KeyError if there is no such field.
  bool SetContent(Type& type, const std::string& field, PyObject* content);

  /// The Python class of a type or enum, made by the factory on first use. Borrowed.
  PyObject* ClassOf(Type& type);
  PyObject* ClassOf(Enumeration& enumeration);
  /// The NumPy dtype of a field's elements, made by the factory on first use. Borrowed.
  PyObject* DtypeOf(Field& field);

  const std::vector<std::unique_ptr<Type>>& types() const { return types_; }
  const std::vector<std::unique_ptr<Enumeration>>& enumerations() const { return enumerations_; }
  const std::string& bytes() const { return bytes_; }

  /// The Python object whose methods make_type(name), make_enum(name) and struct_dtype(name) make classes. Held.
  void set_factory(PyObject* factory);

 private:
  explicit Schema(std::string bytes) : bytes_(std::move(bytes)) {}
  void AddEnumerations(const reflection::Schema& schema);
  void AddTypes(const reflection::Schema& schema);
  void FillUnions(const reflection::Schema& schema);
  void FillFields(Type& type, const reflection::Object& object);
  void FillShape(Field& field, const reflection::Type& type);
  Type* FindNested(const Type& owner, const reflection::Field& field) const;
  PyObject* CallFactory(const char* method, const std::string& name);

  const std::string bytes_;
  std::vector<std::unique_ptr<Type>> types_;
  std::vector<std::unique_ptr<Enumeration>> enumerations_;
  std::unordered_map<std::string, Type*> types_by_name_;
  std::unordered_map<std::string, Enumeration*> enumerations_by_name_;
  PyObject* factory_ = nullptr;
};

/// Bytes of a scalar on the wire.
std::uint32_t ScalarBytes(Scalar scalar);
/// NumPy's name of a scalar, `float32`.
const char* ScalarName(Scalar scalar);

}  // namespace shmcomm::python
