// SPDX-License-Identifier: Apache-2.0
// Parts of a message put into a FlatBufferBuilder by their schema instead of by generated code.
#pragma once

#include <cstdint>
#include <optional>

#include "flatbuffers/flatbuffers.h"
#include "path.h"
#include "schema.h"

namespace shmcomm::python {

/// A vector in the builder whose elements are still to be written; valid until the builder is used again.
struct ReservedVector {
  flatbuffers::uoffset_t offset;
  std::uint8_t* first_element;
};

/// FlatBuffers cannot hold 2 GiB and does not check: false with SHMMessageTooLargeError.
bool HasRoom(const flatbuffers::FlatBufferBuilder& builder, std::uint64_t bytes, const Path& path);

/// A vector of `count` scalars or structs of the field.
std::optional<ReservedVector> ReserveVector(flatbuffers::FlatBufferBuilder& builder, const Field& field,
                                            std::uint64_t count, const Path& path);

/// Lets the vector of bytes that is reserved next begin where any message may: it holds one (nested_flatbuffer).
void AlignNested(flatbuffers::FlatBufferBuilder& builder, std::uint64_t bytes);

/// A struct outside of any table: a member of a union.
flatbuffers::uoffset_t AddLooseStruct(flatbuffers::FlatBufferBuilder& builder, const Type& type, const std::uint8_t* bytes);

/// Adds a struct to the table being built.
void AddStructField(flatbuffers::FlatBufferBuilder& builder, const Field& field, const std::uint8_t* bytes);

/// Adds the place of what was built before to the table being built; zero: there is none.
void AddReference(flatbuffers::FlatBufferBuilder& builder, const Field& field, flatbuffers::uoffset_t offset);

/// Adds a scalar to the table being built, unless it is the default.
template <class T>
void AddScalarField(flatbuffers::FlatBufferBuilder& builder, const Field& field, T value) {
  const auto slot = static_cast<flatbuffers::voffset_t>(field.slot);
  if (field.is_optional) return builder.AddElement<T>(slot, value);
  if constexpr (std::is_floating_point_v<T>) {
    builder.AddElement<T>(slot, value, static_cast<T>(field.default_real));
  } else {
    builder.AddElement<T>(slot, value, static_cast<T>(field.default_integer));
  }
}

}  // namespace shmcomm::python
