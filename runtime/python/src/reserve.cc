// SPDX-License-Identifier: Apache-2.0
#include "reserve.h"

#include <algorithm>

#include "errors.h"

namespace shmcomm::python {
namespace {

/// A vector of units whose size is their alignment, which newer builders want to be told twice.
flatbuffers::uoffset_t ReserveUnits(flatbuffers::FlatBufferBuilder& builder, std::uint64_t count, std::uint32_t bytes,
                                    std::uint8_t** first) {
#if FLATBUFFERS_VERSION_MAJOR >= 24
  return builder.CreateUninitializedVector(count, bytes, bytes, first);
#else
  return builder.CreateUninitializedVector(count, bytes, first);
#endif
}

/// Builders of 32 bits know no vector64. Of bytes they reserve the elements and before them the length of 64 bits; the length
/// of 32 bits in front of that is seen by nobody.
ReservedVector ReserveLong(flatbuffers::FlatBufferBuilder& builder, std::uint64_t count, std::uint64_t bytes,
                           std::uint32_t alignment) {
  constexpr std::uint32_t kLengthBytes = sizeof(std::uint64_t);
  ReservedVector made{};
  builder.ForceVectorAlignment(static_cast<std::size_t>(bytes), 1, std::max(alignment, kLengthBytes));
  made.offset = ReserveUnits(builder, kLengthBytes + bytes, 1, &made.first_element) - sizeof(flatbuffers::uoffset_t);
  flatbuffers::WriteScalar(made.first_element, count);
  made.first_element += kLengthBytes;
  return made;
}

}  // namespace

bool HasRoom(const flatbuffers::FlatBufferBuilder& builder, std::uint64_t bytes, const Path& path) {
  constexpr std::uint64_t kLargest = (std::uint64_t{1} << 31) - 4096;  // the rest is for vtables and padding
  if (bytes <= kLargest && builder.GetSize() + bytes <= kLargest) return true;
  SetError(ErrorKind::kMessageTooLarge, "%s: %llu bytes more would exceed the 2 GiB of a FlatBuffers message; send parts",
           path.Text().c_str(), static_cast<unsigned long long>(bytes));
  return false;
}

std::optional<ReservedVector> ReserveVector(flatbuffers::FlatBufferBuilder& builder, const Field& field,
                                            std::uint64_t count, const Path& path) {
  if (count > (std::uint64_t{1} << 32) || !HasRoom(builder, count * field.element_bytes, path)) return std::nullopt;
  const std::uint32_t alignment = field.element == Shape::kStruct ? field.type->alignment : field.element_bytes;
  if (field.is_long) return ReserveLong(builder, count, count * field.element_bytes, alignment);
  // The builder only knows elements whose size is their alignment, so structs are reserved in such units, and the length
  // word, which lies directly before the first element, is then set to the number of structs.
  ReservedVector made{};
  made.offset = ReserveUnits(builder, count * field.element_bytes / alignment, alignment, &made.first_element);
  flatbuffers::WriteScalar(made.first_element - sizeof(flatbuffers::uoffset_t), static_cast<flatbuffers::uoffset_t>(count));
  return made;
}

void AlignNested(flatbuffers::FlatBufferBuilder& builder, std::uint64_t bytes) {
  builder.ForceVectorAlignment(static_cast<std::size_t>(bytes), 1, FLATBUFFERS_MAX_ALIGNMENT);
}

void AddReference(flatbuffers::FlatBufferBuilder& builder, const Field& field, flatbuffers::uoffset_t offset) {
  const auto slot = static_cast<flatbuffers::voffset_t>(field.slot);
  if (!field.is_far) return builder.AddOffset(slot, flatbuffers::Offset<void>(offset));
  if (offset == 0) return;
  builder.Align(sizeof(std::uint64_t));
  const std::uint64_t distance = builder.GetSize() - offset + sizeof(std::uint64_t);
  builder.AddElement<std::uint64_t>(slot, distance, 0);
}

flatbuffers::uoffset_t AddLooseStruct(flatbuffers::FlatBufferBuilder& builder, const Type& type, const std::uint8_t* bytes) {
  builder.StartStruct(type.alignment);
  builder.PushBytes(bytes, type.struct_bytes);
  return builder.EndStruct();
}

void AddStructField(flatbuffers::FlatBufferBuilder& builder, const Field& field, const std::uint8_t* bytes) {
  builder.StartStruct(field.type->alignment);
  builder.PushBytes(bytes, field.type->struct_bytes);
  builder.AddStructOffset(static_cast<flatbuffers::voffset_t>(field.slot), builder.GetSize());
}

}  // namespace shmcomm::python
