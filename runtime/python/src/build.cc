// SPDX-License-Identifier: Apache-2.0
#include "build.h"

#include <string>
#include <vector>

#include "box.h"
#include "build_parts.h"
#include "copy.h"
#include "elements.h"
#include "pack.h"
#include "plain.h"
#include "reserve.h"
#include "unbox.h"

namespace shmcomm::python {
namespace {

MaybeOffset BuildTable(Builder& builder, Type& type, const Values& values, const Path& path);
PyObject* MessageBytes(Type& type, const Values& values, const Path& path);

MaybeOffset BuildScalars(Builder& builder, Type& owner, Field& field, PyObject* value, const Path& path) {
  Elements elements(owner, field);
  if (!elements.Open(value, path)) return std::nullopt;
  const auto place = ReserveVector(builder, field, elements.count(), path);
  if (!place || !elements.WriteTo(place->first_element, path)) return std::nullopt;
  return place->offset;
}

MaybeOffset BuildList(Builder& builder, Field& field, PyObject* value, const Path& path) {
  PyObject* list = ListOf(value, field.element == Shape::kString ? "a list of str" : "a list of tables", path);
  if (list == nullptr) return std::nullopt;
  std::vector<flatbuffers::Offset<void>> offsets;
  bool ok = true;
  for (Py_ssize_t i = 0; ok && i < PySequence_Fast_GET_SIZE(list); ++i) {
    PyObject* element = Py_NewRef(PySequence_Fast_GET_ITEM(list, i));
    const Path here = path.Element(i);
    const MaybeOffset offset = field.element == Shape::kString ? BuildString(builder, element, here)
                                                               : BuildRecord(builder, *field.type, element, here);
    Py_DECREF(element);
    ok = offset.has_value();
    if (ok) offsets.emplace_back(*offset);
  }
  Py_DECREF(list);
  if (!ok || !HasRoom(builder, offsets.size() * 4, path)) return std::nullopt;
  return builder.CreateVector(offsets.data(), offsets.size()).o;
}

/// The message inside a vector of bytes, from an instance, a dict, or its bytes.
MaybeOffset BuildNested(Builder& builder, Type& owner, Field& field, PyObject* value, const Path& path) {
  PyObject* bytes = nullptr;
  if (PyDict_Check(value)) {
    Values values(*field.nested);
    if (values.SetItems(*field.nested, value, path)) bytes = MessageBytes(*field.nested, values, path);
  } else if (IsRecord(value)) {
    bytes = AsRecord(value)->type->name == field.nested->name ? EncodeRecord(value) : nullptr;
    if (bytes == nullptr && PyErr_Occurred() == nullptr) Expected(path, field.nested->name, value);
  } else {
    bytes = Py_NewRef(value);
  }
  Elements elements(owner, field);
  const bool is_open = bytes != nullptr && elements.Open(bytes, path);
  Py_XDECREF(bytes);  // `elements` holds what it reads
  if (!is_open) return std::nullopt;
  AlignNested(builder, elements.count());
  const auto place = ReserveVector(builder, field, elements.count(), path);
  if (!place || !elements.WriteTo(place->first_element, path)) return std::nullopt;
  return place->offset;
}

MaybeOffset BuildReference(Builder& builder, Type& owner, Field& field, PyObject* value, const Path& path) {
  if (field.nested != nullptr) return BuildNested(builder, owner, field, value, path);
  if (field.shape == Shape::kString) return BuildString(builder, value, path);
  if (field.shape == Shape::kTable) return BuildRecord(builder, *field.type, value, path);
  const bool is_plain = field.element == Shape::kScalar || field.element == Shape::kStruct;
  return is_plain ? BuildScalars(builder, owner, field, value, path) : BuildList(builder, field, value, path);
}

bool AddScalar(Builder& builder, Type& owner, Field& field, PyObject* value, const Path& path) {
  return WithScalar(field.scalar, [&](auto* kind) {
    using T = std::remove_pointer_t<decltype(kind)>;
    T scalar{};
    if (!UnboxField(*owner.schema, field, value, path, &scalar)) return false;
    AddScalarField(builder, field, static_cast<Stored<T>>(scalar));
    return true;
  });
}

bool AddStruct(Builder& builder, Field& field, PyObject* value, const Path& path) {
  std::vector<std::uint8_t> bytes(field.type->struct_bytes);
  if (!PackStruct(*field.type, value, path, bytes.data())) return false;
  AddStructField(builder, field, bytes.data());
  return true;
}

bool AddInline(Builder& builder, Type& owner, Field& field, PyObject* value, const Path& path) {
  return field.shape == Shape::kScalar ? AddScalar(builder, owner, field, value, path)
                                       : AddStruct(builder, field, value, path);
}

bool CheckRequired(const Type& type, const Values& values, const Path& path) {
  for (std::size_t i = 0; i < type.fields.size(); ++i) {
    const Field& field = type.fields[i];
    if (field.is_required && !field.is_tag && IsLeftOut(field, values[i])) return Refuse(path.Then(field.key), "required, but not given");
  }
  return true;
}

/// Where the parts of a table lie that are built before it, in the order of Type::references, and the tags of its unions.
class Parts {
 public:
  explicit Parts(std::size_t count) : many_(count > few_.size() ? count : 0), all_(many_.empty() ? few_.data() : many_.data()) {}
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  struct Part {
    flatbuffers::uoffset_t offset;
    std::int64_t tag;
  };
  Part& operator[](std::size_t i) { return all_[i]; }

 private:
  std::array<Part, 16> few_;
  std::vector<Part> many_;
  Part* all_;
};

/// Builds part `i`. A vector of tags comes with the unions after it.
bool BuildPart(Builder& builder, Type& type, std::size_t i, const Values& values, const Path& path, Parts& parts) {
  const std::uint16_t at = type.references[i];
  Field& field = type.fields[at];
  parts[i] = Parts::Part{0, 0};
  if (field.is_tag) return true;
  PyObject* tag = field.is_union() ? values[field.tag] : nullptr;
  PyObject* value = IsLeftOut(field, values[at]) ? field.content : values[at];
  if (value == nullptr && tag == nullptr) return true;
  const Path here = path.Then(field.key);
  MaybeOffset offset;
  if (!field.is_union()) {
    offset = BuildReference(builder, type, field, value, here);
  } else if (field.shape == Shape::kUnion) {
    offset = BuildUnion(builder, type, field, tag, value, here, &parts[i].tag);
  } else if (value != nullptr) {
    offset = BuildUnions(builder, type, field, tag, value, here, &parts[i - 1].offset);
  } else {
    offset = 0;
  }
  if (offset) parts[i].offset = *offset;
  return offset.has_value();
}

void AddPart(Builder& builder, const Type& type, const Field& field, const Parts::Part& part) {
  if (part.tag != 0) {
    const Field& tag = type.fields[field.tag];
    WithScalar(tag.scalar, [&](auto* kind) {
      AddScalarField(builder, tag, static_cast<Stored<std::remove_pointer_t<decltype(kind)>>>(part.tag));
    });
  }
  AddReference(builder, field, part.offset);
}

/// The place of a field that is not given.
void AddPlace(Builder& builder, const Field& field) {
  if (field.shape == Shape::kStruct) {
    const std::vector<std::uint8_t> zeros(field.type->struct_bytes);
    return AddStructField(builder, field, zeros.data());
  }
  WithScalar(field.scalar, [&](auto* kind) {
    using T = std::remove_pointer_t<decltype(kind)>;
    const bool is_real = std::is_floating_point_v<T>;
    const auto value = is_real ? static_cast<T>(field.default_real) : static_cast<T>(field.default_integer);
    AddScalarField(builder, field, static_cast<Stored<T>>(value));
  });
}

/// `add_left_out(field)` may add an inline field that is not given.
template <class AddLeftOut>
MaybeOffset BuildTableWith(Builder& builder, Type& type, const Values& values, const Path& path, AddLeftOut&& add_left_out) {
  if (!CheckRequired(type, values, path)) return std::nullopt;
  Parts parts(type.references.size());
  for (std::size_t i = 0; i < type.references.size(); ++i) {
    if (!BuildPart(builder, type, i, values, path, parts)) return std::nullopt;
  }
  const flatbuffers::uoffset_t start = builder.StartTable();
  for (const std::uint16_t at : type.inline_order) {
    Field& field = type.fields[at];
    if (field.is_reference() || field.is_tag) continue;
    if (IsLeftOut(field, values[at])) {
      add_left_out(field);
      continue;
    }
    if (!AddInline(builder, type, field, values[at], path.Then(field.key))) return std::nullopt;
  }
  for (std::size_t i = 0; i < type.references.size(); ++i) {
    AddPart(builder, type, type.fields[type.references[i]], parts[i]);
  }
  return builder.EndTable(start);
}

MaybeOffset BuildTable(Builder& builder, Type& type, const Values& values, const Path& path) {
  return BuildTableWith(builder, type, values, path, [](const Field&) {});
}

PyObject* StructBytes(Type& type, const Values& values, const Path& path) {
  PyObject* bytes = PyBytes_FromStringAndSize(nullptr, type.struct_bytes);
  if (bytes == nullptr) return nullptr;
  if (!PackFields(type, values, path, reinterpret_cast<std::uint8_t*>(PyBytes_AS_STRING(bytes)))) Py_CLEAR(bytes);
  return bytes;
}

PyObject* BytesOf(const Builder& builder) {
  return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(builder.GetBufferPointer()),
                                   static_cast<Py_ssize_t>(builder.GetSize()));
}

bool FinishMessage(Builder& builder, Type& type, const Values& values, const Path& path) {
  const MaybeOffset root = BuildTable(builder, type, values, path);
  if (!root) return false;
  builder.Finish(flatbuffers::Offset<void>(*root));
  return true;
}

/// A message of its own as a bytes object.
PyObject* MessageBytes(Type& type, const Values& values, const Path& path) {
  if (type.is_struct) return StructBytes(type, values, path);
  Builder builder;
  return FinishMessage(builder, type, values, path) ? BytesOf(builder) : nullptr;
}

}  // namespace

MaybeOffset BuildString(Builder& builder, PyObject* value, const Path& path) {
  if (!PyUnicode_Check(value) && !PyBytes_Check(value)) {
    Expected(path, "str", value);
    return std::nullopt;
  }
  Py_ssize_t size = 0;
  const char* text = nullptr;
  PyObject* encoded = nullptr;
  if (PyUnicode_Check(value)) {
    text = PyUnicode_AsUTF8AndSize(value, &size);
    if (text == nullptr) {  // lone surrogates: bytes that came out of a message that way
      PyErr_Clear();
      encoded = PyUnicode_AsEncodedString(value, "utf-8", "surrogateescape");
      if (encoded == nullptr) {
        PyErr_Clear();
        Expected(path, "text that can be encoded as UTF-8", value);
        return std::nullopt;
      }
      value = encoded;
    }
  }
  if (text == nullptr) {
    text = PyBytes_AS_STRING(value);
    size = PyBytes_GET_SIZE(value);
  }
  MaybeOffset offset;
  if (HasRoom(builder, static_cast<std::uint64_t>(size), path)) {
    offset = builder.CreateString(text, static_cast<std::size_t>(size)).o;
  }
  Py_XDECREF(encoded);
  return offset;
}

MaybeOffset BuildRecord(Builder& builder, Type& type, PyObject* value, const Path& path) {
  constexpr int kDeepest = 64;  // what readers and FlatBuffers' verifier accept
  if (path.depth > kDeepest) {
    Refuse(path, "nested deeper than 64 levels");
    return std::nullopt;
  }
  if (IsRecord(value) && AsRecord(value)->type == &type) return CopyTable(builder, *AsRecord(value), path);
  PyObject* dict = nullptr;
  if (IsRecord(value) && AsRecord(value)->type->name == type.name) {
    dict = ToDict(*AsRecord(value));  // from another schema: field by field
    if (dict == nullptr) return std::nullopt;
  } else if (PyDict_Check(value)) {
    dict = Py_NewRef(value);
  } else {
    Expected(path, type.name + " (or a dict)", value);
    return std::nullopt;
  }
  Values values(type);
  MaybeOffset offset;
  if (values.SetItems(type, dict, path)) offset = BuildTable(builder, type, values, path);
  Py_DECREF(dict);
  return offset;
}

bool IsLeftOut(const Field& field, PyObject* value) {
  return value == nullptr || (value == Py_None && (field.shape != Shape::kScalar || field.is_optional));
}

bool BuildMessage(Builder& builder, Type& type, const Values& values) {
  return FinishMessage(builder, type, values, Path{});
}

bool BuildWithAllPlaces(Builder& builder, Type& type, const Values& values) {
  builder.ForceDefaults(true);
  builder.DedupVtables(false);
  const MaybeOffset root =
      BuildTableWith(builder, type, values, Path{}, [&](const Field& field) { AddPlace(builder, field); });
  if (root) builder.Finish(flatbuffers::Offset<void>(*root));
  builder.ForceDefaults(false);
  builder.DedupVtables(true);
  return root.has_value();
}

bool CopyMessage(Builder& builder, const Type& type, PyObject* record) {
  if (AsRecord(record)->type != &type) return Expected(Path{}, type.name, record);
  const MaybeOffset root = CopyTable(builder, *AsRecord(record), Path{});
  if (!root) return false;
  builder.Finish(flatbuffers::Offset<void>(*root));
  return true;
}

PyObject* BuildBytes(Type& type, PyObject* keywords) {
  Values values(type);
  return values.SetItems(type, keywords, Path{}) ? MessageBytes(type, values, Path{}) : nullptr;
}

PyObject* EncodeRecord(PyObject* object) {
  const RecordObject& record = *AsRecord(object);
  if (record.type->is_struct) {
    return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(record.region.base + record.table.position),
                                     record.type->struct_bytes);
  }
  Builder builder;
  return CopyMessage(builder, *record.type, object) ? BytesOf(builder) : nullptr;
}

}  // namespace shmcomm::python
