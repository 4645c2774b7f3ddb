// SPDX-License-Identifier: Apache-2.0
#include "pack.h"

#include <cstring>
#include <string>

#include "box.h"
#include "elements.h"
#include "plain.h"
#include "record.h"
#include "unbox.h"

namespace shmcomm::python {
namespace {

bool PackArray(Type& owner, Field& field, PyObject* value, const Path& path, std::uint8_t* out) {
  Elements elements(owner, field);
  if (!elements.Open(value, path)) return false;
  if (elements.count() != field.count) {
    return Refuse(path, "expected " + std::to_string(field.count) + " elements, got " + std::to_string(elements.count()));
  }
  return elements.WriteTo(out, path);
}

bool PackField(Type& owner, Field& field, PyObject* value, const Path& path, std::uint8_t* out) {
  switch (field.shape) {
    case Shape::kScalar: return PackScalar(owner, field, value, path, out);
    case Shape::kStruct: return PackStruct(*field.type, value, path, out);
    default: return PackArray(owner, field, value, path, out);
  }
}

/// A record of a type of the same name from another schema is read field by field.
bool PackForeign(Type& type, PyObject* record, const Path& path, std::uint8_t* out) {
  PyObject* dict = ToDict(*AsRecord(record));
  const bool ok = dict != nullptr && PackStruct(type, dict, path, out);
  Py_XDECREF(dict);
  return ok;
}

}  // namespace

bool PackScalar(Type& owner, Field& field, PyObject* value, const Path& path, std::uint8_t* out) {
  return WithScalar(field.scalar, [&](auto* kind) {
    using T = std::remove_pointer_t<decltype(kind)>;
    T scalar{};
    if (!UnboxField(*owner.schema, field, value, path, &scalar)) return false;
    const auto stored = static_cast<Stored<T>>(scalar);
    std::memcpy(out, &stored, sizeof(stored));
    return true;
  });
}

bool PackFields(Type& type, const Values& values, const Path& path, std::uint8_t* out) {
  std::memset(out, 0, type.struct_bytes);
  for (std::size_t i = 0; i < type.fields.size(); ++i) {
    Field& field = type.fields[i];
    if (values[i] == nullptr) continue;
    const Path here = path.Then(field.key);
    if (!PackField(type, field, values[i], here, out + field.slot)) return false;
  }
  return true;
}

bool PackStruct(Type& type, PyObject* value, const Path& path, std::uint8_t* out) {
  if (IsRecord(value)) {
    const RecordObject& record = *AsRecord(value);
    if (record.type == &type) {
      std::memcpy(out, record.region.base + record.table.position, type.struct_bytes);
      return true;
    }
    if (record.type->name == type.name) return PackForeign(type, value, path, out);
  }
  Values values(type);
  if (PyDict_Check(value)) return values.SetItems(type, value, path) && PackFields(type, values, path, out);
  if (PyTuple_Check(value)) return values.SetTuple(type, value, path) && PackFields(type, values, path, out);
  return Expected(path, type.name + " (or a dict, or a tuple of all its fields)", value);
}

}  // namespace shmcomm::python
