// SPDX-License-Identifier: Apache-2.0
// Values of a message as Python objects. Every offset is checked on every read (see region.h).
#pragma once

#include <Python.h>

#include <optional>

#include "record.h"

namespace shmcomm::python {

/// How a field of `type` is read; null for a kind that is not supported.
ReadFunction ChooseRead(const Type& type, const Field& field);

/// Where a field of the record lies, or kAbsent.
inline std::uint64_t PositionOf(const RecordObject& record, const Field& field) {
  if (record.type->is_struct) return record.table.position + field.slot;
  return record.region.FieldPosition(record.table, field.slot);
}

/// Where the offset of a string, table or vector field leads that lies at `at`.
inline std::optional<std::uint64_t> TargetOf(const Field& field, Region region, std::uint64_t at) {
  return field.is_far ? region.FollowFar(at) : region.Follow(at);
}

/// The string whose length word is at `position`; null with SHMCorruptionError if it does not lie inside. Bytes that are
/// not UTF-8 become surrogate escapes, so that any string can be read and sent on unchanged.
PyObject* ReadString(const Type& type, const Field& field, Region region, std::uint64_t position);

/// Element `index` of a vector or array of the record's message.
PyObject* ReadElement(const Type& type, Field& field, PyObject* holder, Region region, VectorAt elements,
                      std::uint64_t index);

/// What a union holds, and where the offset that leads there lies.
struct UnionAt {
  std::int64_t tag = 0;
  const UnionMember* member = nullptr;  ///< null for NONE, and for a tag that only a newer schema knows
  std::uint64_t at = kAbsent;
};

/// A union of the record. False with SHMCorruptionError.
bool LocateUnion(const RecordObject& record, const Field& field, UnionAt* found);

/// Element `index` of a vector of unions.
bool LocateUnionElement(const Type& type, const Field& field, Region region, VectorAt elements, std::uint64_t index,
                        UnionAt* found);

/// Elements of a vector or array field; `first` is kAbsent if it is absent. False with SHMCorruptionError if it does not
/// lie inside.
bool LocateElements(const RecordObject& record, const Field& field, VectorAt* elements);

/// Sets SHMCorruptionError for a field that does not lie inside its message, returns null.
PyObject* CorruptField(const Type& type, const Field& field);

}  // namespace shmcomm::python
