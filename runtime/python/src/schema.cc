// SPDX-License-Identifier: Apache-2.0
#include "schema.h"

#include <algorithm>
#include <utility>

#include "flatbuffers/verifier.h"
#include "read.h"

namespace shmcomm::python {
namespace {

using DocumentationLines = flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>;

Documentation Join(const DocumentationLines* lines) {
  Documentation text;
  if (lines == nullptr) return text;
  for (const flatbuffers::String* line : *lines) {
    if (!text.empty()) text += '\n';
    const std::string whole = line->str();
    text += whole.substr(!whole.empty() && whole[0] == ' ' ? 1 : 0);
  }
  return text;
}

/// Text of an attribute, null if there is none of that name.
const flatbuffers::String* FindAttribute(const flatbuffers::Vector<flatbuffers::Offset<reflection::KeyValue>>* attributes,
                                         const char* key) {
  if (attributes == nullptr) return nullptr;
  for (const reflection::KeyValue* attribute : *attributes) {
    if (attribute->key()->str() == key) return attribute->value();
  }
  return nullptr;
}

/// FlatBuffers 2.0.8 has no name for a vector64.
constexpr auto kLongVector = static_cast<Scalar>(18);

/// A plain union's tag is a byte of a type of its own.
Scalar ScalarOf(Scalar scalar) { return scalar == Scalar::UType ? Scalar::UByte : scalar; }

/// Where a field is a tag, its union says how wide that is: a binary schema calls each of them UType.
Scalar ScalarOf(Scalar scalar, const Enumeration* enumeration) {
  return scalar == Scalar::UType && enumeration != nullptr ? enumeration->scalar : ScalarOf(scalar);
}

Shape ShapeOf(Scalar scalar, const Type* object) {
  if (scalar == kLongVector) return Shape::kVector;
  switch (scalar) {
    case Scalar::String: return Shape::kString;
    case Scalar::Vector: return Shape::kVector;
    case Scalar::Array: return Shape::kArray;
    case Scalar::Obj: return object != nullptr && object->is_struct ? Shape::kStruct : Shape::kTable;
    case Scalar::Union: return Shape::kUnion;
    default: return ScalarBytes(scalar) == 0 ? Shape::kUnsupported : Shape::kScalar;
  }
}

std::uint32_t Alignment(const Field& field) {
  if (field.shape == Shape::kStruct) return field.type->alignment;
  return field.shape == Shape::kScalar || field.is_far ? field.inline_bytes : 4;
}

/// The tag of a union is the field with the id before its own.
void PairWithTag(Type& type, Field& field) {
  Field* tag = type.fields.empty() ? nullptr : &type.fields.back();
  const Shape wanted = field.shape == Shape::kVector ? Shape::kVector : Shape::kScalar;
  if (tag == nullptr || field.enumeration == nullptr || tag->enumeration != field.enumeration || tag->shape != wanted) {
    field.shape = field.element = Shape::kUnsupported;
    return;
  }
  tag->is_tag = true;
  field.tag = static_cast<std::uint16_t>(type.fields.size() - 1);
}

PyObject* NewEnumKey(const Enumeration& enumeration, std::int64_t value) {
  if (enumeration.scalar == Scalar::ULong) return PyLong_FromUnsignedLongLong(static_cast<std::uint64_t>(value));
  return PyLong_FromLongLong(value);
}

std::uint32_t InlineBytes(Shape shape, Scalar scalar, const Type* object) {
  if (shape == Shape::kScalar) return ScalarBytes(scalar);
  return shape == Shape::kStruct ? object->struct_bytes : 4;
}

}  // namespace

std::uint32_t ScalarBytes(Scalar scalar) {
  switch (scalar) {
    case Scalar::Bool:
    case Scalar::Byte:
    case Scalar::UByte: return 1;
    case Scalar::Short:
    case Scalar::UShort: return 2;
    case Scalar::Int:
    case Scalar::UInt:
    case Scalar::Float: return 4;
    case Scalar::Long:
    case Scalar::ULong:
    case Scalar::Double: return 8;
    default: return 0;
  }
}

const char* ScalarName(Scalar scalar) {
  switch (scalar) {
    case Scalar::Bool: return "bool";
    case Scalar::Byte: return "int8";
    case Scalar::UByte: return "uint8";
    case Scalar::Short: return "int16";
    case Scalar::UShort: return "uint16";
    case Scalar::Int: return "int32";
    case Scalar::UInt: return "uint32";
    case Scalar::Long: return "int64";
    case Scalar::ULong: return "uint64";
    case Scalar::Float: return "float32";
    case Scalar::Double: return "float64";
    default: return "unknown";
  }
}

std::unique_ptr<Schema> Schema::Load(std::string bytes) {
  std::unique_ptr<Schema> schema(new Schema(std::move(bytes)));
  const auto* data = reinterpret_cast<const std::uint8_t*>(schema->bytes_.data());
  flatbuffers::Verifier verifier(data, schema->bytes_.size());
  if (schema->bytes_.size() < 8 || !reflection::VerifySchemaBuffer(verifier)) {
    PyErr_SetString(PyExc_ValueError, "not a FlatBuffers binary schema (.bfbs)");
    return nullptr;
  }
  const reflection::Schema& root = *reflection::GetSchema(data);
  schema->AddEnumerations(root);
  schema->AddTypes(root);
  return schema;
}

void Schema::AddEnumerations(const reflection::Schema& schema) {
  for (const reflection::Enum* source : *schema.enums()) {
    auto made = std::make_unique<Enumeration>();
    made->name = source->name()->str();
    made->documentation = Join(source->documentation());
    made->scalar = ScalarOf(source->underlying_type()->base_type());
    made->is_flags = FindAttribute(source->attributes(), "bit_flags") != nullptr;
    for (const reflection::EnumVal* value : *source->values()) {
      made->values.emplace_back(value->name()->str(), value->value());
    }
    enumerations_by_name_[made->name] = made.get();
    enumerations_.push_back(std::move(made));
  }
}

void Schema::AddTypes(const reflection::Schema& schema) {
  for (const reflection::Object* object : *schema.objects()) {
    auto made = std::make_unique<Type>();
    made->name = object->name()->str();
    made->documentation = Join(object->documentation());
    made->is_struct = object->is_struct();
    made->struct_bytes = static_cast<std::uint32_t>(std::max(object->bytesize(), 0));
    made->alignment = static_cast<std::uint32_t>(std::max(object->minalign(), 1));
    made->field_indices = PyDict_New();
    made->schema = this;
    types_by_name_[made->name] = made.get();
    types_.push_back(std::move(made));
  }
  FillUnions(schema);
  for (std::size_t i = 0; i < types_.size(); ++i) FillFields(*types_[i], *schema.objects()->Get(i));
}

void Schema::FillUnions(const reflection::Schema& schema) {
  for (std::size_t i = 0; i < enumerations_.size(); ++i) {
    const reflection::Enum& source = *schema.enums()->Get(i);
    if (!source.is_union()) continue;
    for (const reflection::EnumVal* value : *source.values()) {
      const reflection::Type* type = value->union_type();
      if (value->value() == 0 || type == nullptr) continue;
      UnionMember member{value->name()->str(), value->value(), Shape::kUnsupported, nullptr};
      const auto index = static_cast<std::size_t>(type->index() < 0 ? types_.size() : type->index());
      if (type->base_type() == Scalar::Obj && index < types_.size()) member.type = types_[index].get();
      if (type->base_type() != Scalar::String && member.type == nullptr) continue;
      member.shape = ShapeOf(type->base_type(), member.type);
      enumerations_[i]->union_members.push_back(std::move(member));
    }
  }
}

void Schema::FillFields(Type& type, const reflection::Object& object) {
  std::vector<const reflection::Field*> sources(object.fields()->begin(), object.fields()->end());
  std::sort(sources.begin(), sources.end(), [](auto* a, auto* b) { return a->id() < b->id(); });
  for (const reflection::Field* source : sources) {
    if (source->deprecated()) continue;
    Field field;
    field.name = source->name()->str();
    field.documentation = Join(source->documentation());
    field.slot = source->offset();
    field.is_required = source->required();
    field.is_optional = source->optional();
    field.default_integer = source->default_integer();
    field.default_real = source->default_real();
    field.key = PyUnicode_InternFromString(field.name.c_str());
    field.is_long = source->type()->base_type() == kLongVector;
    field.is_far = field.is_long || FindAttribute(source->attributes(), "offset64") != nullptr;
    FillShape(field, *source->type());
    field.nested = FindNested(type, *source);
    if (field.is_union()) PairWithTag(type, field);
    if (field.shape == Shape::kUnsupported) continue;
    field.read = ChooseRead(type, field);
    PyObject* index = PyLong_FromSize_t(type.fields.size());
    PyDict_SetItem(type.field_indices, field.key, index);
    Py_DECREF(index);
    const auto at = static_cast<std::uint16_t>(type.fields.size());
    if (field.is_reference()) type.references.push_back(at);
    type.inline_order.push_back(at);
    type.fields.push_back(std::move(field));
  }
  std::stable_sort(type.inline_order.begin(), type.inline_order.end(), [&type](std::uint16_t a, std::uint16_t b) {
    return Alignment(type.fields[a]) > Alignment(type.fields[b]);
  });
}

void Schema::FillShape(Field& field, const reflection::Type& type) {
  const bool has_index = type.index() >= 0;
  const bool is_object = type.base_type() == Scalar::Obj || type.element() == Scalar::Obj;
  const auto index = static_cast<std::size_t>(has_index ? type.index() : 0);
  if (has_index && is_object && index < types_.size()) field.type = types_[index].get();
  if (has_index && !is_object && index < enumerations_.size()) field.enumeration = enumerations_[index].get();
  field.shape = ShapeOf(ScalarOf(type.base_type()), field.type);
  field.scalar = ScalarOf(type.base_type(), field.enumeration);
  const bool lacks_type = is_object && field.type == nullptr;
  if (lacks_type) field.shape = Shape::kUnsupported;
  if (lacks_type || field.shape == Shape::kUnsupported) return;
  field.inline_bytes = field.is_far ? 8 : InlineBytes(field.shape, field.scalar, field.type);
  if (field.shape != Shape::kVector && field.shape != Shape::kArray) return;
  field.scalar = ScalarOf(type.element(), field.enumeration);
  field.element = ShapeOf(ScalarOf(type.element()), field.type);
  if (field.element == Shape::kUnsupported) field.shape = Shape::kUnsupported;
  if (field.element == Shape::kUnsupported) return;
  field.element_bytes = InlineBytes(field.element, field.scalar, field.type);
  field.count = type.fixed_length();
  if (field.shape == Shape::kArray) field.inline_bytes = field.element_bytes * field.count;
}

/// The type a nested_flatbuffer names, from the innermost scope outward.
Type* Schema::FindNested(const Type& owner, const reflection::Field& field) const {
  const flatbuffers::String* named = FindAttribute(field.attributes(), "nested_flatbuffer");
  if (named == nullptr) return nullptr;
  std::string scope = owner.name;
  do {
    const std::size_t dot = scope.rfind('.');
    scope.resize(dot == std::string::npos ? 0 : dot);
    const auto found = types_by_name_.find(scope.empty() ? named->str() : scope + "." + named->str());
    if (found != types_by_name_.end()) return found->second;
  } while (!scope.empty());
  return nullptr;
}

const UnionMember* Enumeration::FindMember(std::int64_t tag) const {
  for (const UnionMember& member : union_members) {
    if (member.tag == tag) return &member;
  }
  return nullptr;
}

Schema::~Schema() {
  for (auto& type : types_) {
    Py_XDECREF(type->python_class);
    Py_XDECREF(type->field_indices);
    for (KeywordPlan& plan : type->plans) Py_XDECREF(plan.names);
    for (Field& field : type->fields) {
      Py_XDECREF(field.key);
      Py_XDECREF(field.absent);
      Py_XDECREF(field.content);
      Py_XDECREF(field.dtype);
    }
  }
  for (auto& enumeration : enumerations_) {
    Py_XDECREF(enumeration->python_class);
    Py_XDECREF(enumeration->members);
  }
  Py_XDECREF(factory_);
}

Type* Schema::FindType(const std::string& name) {
  const auto found = types_by_name_.find(name);
  if (found != types_by_name_.end()) return found->second;
  PyErr_Format(PyExc_KeyError, "the schema has no table or struct '%s'", name.c_str());
  return nullptr;
}

Enumeration* Schema::FindEnumeration(const std::string& name) {
  const auto found = enumerations_by_name_.find(name);
  if (found != enumerations_by_name_.end()) return found->second;
  PyErr_Format(PyExc_KeyError, "the schema has no enum '%s'", name.c_str());
  return nullptr;
}

bool Schema::SetContent(Type& type, const std::string& field, PyObject* content) {
  for (Field& each : type.fields) {
    if (each.name != field) continue;
    Py_XSETREF(each.content, Py_NewRef(content));
    return true;
  }
  PyErr_Format(PyExc_KeyError, "%s has no field '%s'", type.name.c_str(), field.c_str());
  return false;
}

void Schema::set_factory(PyObject* factory) { Py_XSETREF(factory_, Py_NewRef(factory)); }

PyObject* Schema::CallFactory(const char* method, const std::string& name) {
  if (factory_ == nullptr) {
    PyErr_SetString(PyExc_RuntimeError, "the schema has no factory for its classes");
    return nullptr;
  }
  return PyObject_CallMethod(factory_, method, "s", name.c_str());
}

PyObject* Schema::ClassOf(Type& type) {
  if (type.python_class == nullptr) {
    PyObject* made = CallFactory("make_type", type.name);  // the factory binds the class: see Bind in classes.cc
    if (made == nullptr) return nullptr;
    if (type.python_class == nullptr) type.python_class = Py_NewRef(made);
    Py_DECREF(made);
  }
  return type.python_class;
}

PyObject* Schema::ClassOf(Enumeration& enumeration) {
  if (enumeration.python_class != nullptr) return enumeration.python_class;
  PyObject* made = CallFactory("make_enum", enumeration.name);
  if (made == nullptr) return nullptr;
  PyObject* members = PyDict_New();
  for (const auto& [name, value] : enumeration.values) {
    PyObject* key = members == nullptr ? nullptr : NewEnumKey(enumeration, value);
    PyObject* member = key == nullptr ? nullptr : PyObject_CallOneArg(made, key);
    const bool ok = member != nullptr && PyDict_SetItem(members, key, member) == 0;
    if (ok && value >= 0 && value < 256) {
      if (enumeration.dense.size() <= static_cast<std::size_t>(value)) enumeration.dense.resize(value + 1);
      enumeration.dense[value] = member;  // borrowed from `members`
    }
    Py_XDECREF(key);
    Py_XDECREF(member);
    if (!ok) {
      Py_XDECREF(members);
      Py_DECREF(made);
      enumeration.dense.clear();
      return nullptr;
    }
  }
  enumeration.members = members;
  return enumeration.python_class = made;
}

PyObject* Schema::DtypeOf(Field& field) {
  if (field.dtype != nullptr) return field.dtype;
  const bool is_struct = field.element == Shape::kStruct;
  PyObject* made = is_struct ? CallFactory("struct_dtype", field.type->name)
                             : CallFactory("scalar_dtype", ScalarName(field.scalar));
  return field.dtype = made;
}

}  // namespace shmcomm::python
