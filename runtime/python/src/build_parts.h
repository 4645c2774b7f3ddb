// SPDX-License-Identifier: Apache-2.0
// The parts of a message that are built before the table that refers to them. Within build.cc and build_union.cc.
#pragma once

#include <Python.h>

#include <optional>
#include <string>

#include "flatbuffers/flatbuffers.h"
#include "path.h"
#include "schema.h"

namespace shmcomm::python {

using Builder = flatbuffers::FlatBufferBuilder;

/// Nothing, with an exception set, where a part cannot be built.
using MaybeOffset = std::optional<flatbuffers::uoffset_t>;

MaybeOffset BuildString(Builder& builder, PyObject* value, const Path& path);

/// A table from an instance or a dict.
MaybeOffset BuildRecord(Builder& builder, Type& type, PyObject* value, const Path& path);

/// A union. `tag` may be null; `chosen_tag` becomes that of the member chosen, and the offset is zero where it is NONE.
MaybeOffset BuildUnion(Builder& builder, Type& owner, Field& field, PyObject* tag, PyObject* value, const Path& path,
                       std::int64_t* chosen_tag);

/// A vector of unions, and before it the vector of their tags.
MaybeOffset BuildUnions(Builder& builder, Type& owner, Field& field, PyObject* tags, PyObject* value, const Path& path,
                        flatbuffers::uoffset_t* tags_offset);

/// A list or tuple of what `value` iterates over; null with SHMSerializationError.
PyObject* ListOf(PyObject* value, const std::string& what, const Path& path);

}  // namespace shmcomm::python
