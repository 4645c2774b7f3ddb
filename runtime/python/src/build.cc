// SPDX-License-Identifier: Apache-2.0
#include "build.h"

#include <optional>
#include <string>
#include <vector>

#include "box.h"
#include "copy.h"
#include "elements.h"
#include "pack.h"
#include "plain.h"
#include "reserve.h"
#include "unbox.h"

namespace shmcomm::python {
namespace {

using Builder = flatbuffers::FlatBufferBuilder;
using MaybeOffset = std::optional<flatbuffers::uoffset_t>;

MaybeOffset BuildTable(Builder& builder, Type& type, const Values& values, const Path& path);

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

MaybeOffset BuildScalars(Builder& builder, Type& owner, Field& field, PyObject* value, const Path& path) {
  Elements elements(owner, field);
  if (!elements.Open(value, path)) return std::nullopt;
  const auto place = ReserveVector(builder, field, elements.count(), path);
  if (!place || !elements.WriteTo(place->first_element, path)) return std::nullopt;
  return place->offset;
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

MaybeOffset BuildList(Builder& builder, Field& field, PyObject* value, const Path& path) {
  const char* what = field.element == Shape::kString ? "a list of str" : "a list of tables";
  const bool is_other = PyUnicode_Check(value) || PyBytes_Check(value) || PyDict_Check(value);
  PyObject* list = is_other ? nullptr : PySequence_Fast(value, "");
  if (list == nullptr) {
    Expected(path, what, value);
    return std::nullopt;
  }
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

MaybeOffset BuildReference(Builder& builder, Type& owner, Field& field, PyObject* value, const Path& path) {
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

/// Nothing was given: None is the same as leaving a field out, except for a scalar that must have a value.
bool IsLeftOut(const Field& field, PyObject* value) {
  return value == nullptr || (value == Py_None && (field.shape != Shape::kScalar || field.is_optional));
}

bool CheckRequired(const Type& type, const Values& values, const Path& path) {
  for (std::size_t i = 0; i < type.fields.size(); ++i) {
    const Field& field = type.fields[i];
    if (field.is_required && IsLeftOut(field, values[i])) return Refuse(path.Then(field.key), "required, but not given");
  }
  return true;
}

MaybeOffset BuildTable(Builder& builder, Type& type, const Values& values, const Path& path) {
  if (!CheckRequired(type, values, path)) return std::nullopt;
  std::array<flatbuffers::uoffset_t, 16> few;
  std::vector<flatbuffers::uoffset_t> many(type.references.size() > few.size() ? type.references.size() : 0);
  flatbuffers::uoffset_t* offsets = many.empty() ? few.data() : many.data();
  for (std::size_t i = 0; i < type.references.size(); ++i) {
    Field& field = type.fields[type.references[i]];
    PyObject* value = values[type.references[i]];
    offsets[i] = 0;
    if (IsLeftOut(field, value)) continue;
    const MaybeOffset offset = BuildReference(builder, type, field, value, path.Then(field.key));
    if (!offset) return std::nullopt;
    offsets[i] = *offset;
  }
  const flatbuffers::uoffset_t start = builder.StartTable();
  for (const std::uint16_t at : type.inline_order) {
    Field& field = type.fields[at];
    if (field.is_reference() || IsLeftOut(field, values[at])) continue;
    if (!AddInline(builder, type, field, values[at], path.Then(field.key))) return std::nullopt;
  }
  for (std::size_t i = 0; i < type.references.size(); ++i) {
    builder.AddOffset(static_cast<flatbuffers::voffset_t>(type.fields[type.references[i]].slot),
                      flatbuffers::Offset<void>(offsets[i]));
  }
  return builder.EndTable(start);
}

PyObject* StructBytes(Type& type, const Values& values) {
  PyObject* bytes = PyBytes_FromStringAndSize(nullptr, type.struct_bytes);
  if (bytes == nullptr) return nullptr;
  if (!PackFields(type, values, Path{}, reinterpret_cast<std::uint8_t*>(PyBytes_AS_STRING(bytes)))) Py_CLEAR(bytes);
  return bytes;
}

PyObject* BytesOf(const Builder& builder) {
  return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(builder.GetBufferPointer()),
                                   static_cast<Py_ssize_t>(builder.GetSize()));
}

}  // namespace

bool BuildMessage(Builder& builder, Type& type, const Values& values) {
  const MaybeOffset root = BuildTable(builder, type, values, Path{});
  if (!root) return false;
  builder.Finish(flatbuffers::Offset<void>(*root));
  return true;
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
  if (!values.SetItems(type, keywords, Path{})) return nullptr;
  if (type.is_struct) return StructBytes(type, values);
  Builder builder;
  return BuildMessage(builder, type, values) ? BytesOf(builder) : nullptr;
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
