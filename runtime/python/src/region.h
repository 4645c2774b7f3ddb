// SPDX-License-Identifier: Apache-2.0
// Checked reading of bytes that another process may change at any moment.
//
// Rules of this file, on which the safety of every accessor rests:
//   - a position is 64 bits wide and an offset of the wire format 32, so sums cannot overflow; a 64-bit offset or length is
//     compared with the region's size before it is added to or multiplied with anything
//   - each word is loaded once into a local, the local is checked, and only the local is used (`Load`)
//   - a false or empty answer means "the message does not make sense"; nothing outside [base, base + size) is touched
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>

namespace shmcomm::python {

namespace region_detail {
template <std::size_t kBytes>
struct Word;
template <>
struct Word<1> {
  using type = std::uint8_t;
};
template <>
struct Word<2> {
  using type = std::uint16_t;
};
template <>
struct Word<4> {
  using type = std::uint32_t;
};
template <>
struct Word<8> {
  using type = std::uint64_t;
};
}  // namespace region_detail

/// Keeps the compiler from reading the memory again after the local copy was checked.
template <class T>
inline T Opaque(T word) {
#if defined(__GNUC__)
  asm volatile("" : "+r"(word));
#endif
  return word;
}

/// A table whose vtable lies inside its region. All members are private copies: a writer cannot change them afterwards.
struct TableAt {
  std::uint64_t position = 0;
  std::uint64_t vtable = 0;
  std::uint32_t vtable_bytes = 0;
};

/// The position of a field that is not in its table.
constexpr std::uint64_t kAbsent = ~std::uint64_t{0};

/// A vector whose elements all lie inside its region.
struct VectorAt {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  std::uint64_t tags = kAbsent;  ///< of unions: where the equally many tags begin
};

/// The bytes of one message.
struct Region {
  const std::uint8_t* base = nullptr;
  std::uint64_t size = 0;

  bool Holds(std::uint64_t at, std::uint64_t bytes) const { return at <= size && bytes <= size - at; }

  template <class T>
  bool Load(std::uint64_t at, T* value) const {
    if (!Holds(at, sizeof(T))) return false;
    typename region_detail::Word<sizeof(T)>::type word;
    std::memcpy(&word, base + at, sizeof(T));
    word = Opaque(word);
    std::memcpy(value, &word, sizeof(T));
    return true;
  }

  /// Where the 32-bit offset stored at `at` points.
  std::optional<std::uint64_t> Follow(std::uint64_t at) const {
    std::uint32_t offset = 0;
    if (!Load(at, &offset)) return std::nullopt;
    return at + offset;
  }

  /// Where the 64-bit offset stored at `at` points (offset64).
  std::optional<std::uint64_t> FollowFar(std::uint64_t at) const {
    std::uint64_t offset = 0;
    if (!Load(at, &offset) || offset > size) return std::nullopt;
    return at + offset;
  }

  std::optional<TableAt> OpenTable(std::uint64_t position) const {
    std::int32_t back = 0;
    if (!Load(position, &back)) return std::nullopt;
    const std::int64_t vtable = static_cast<std::int64_t>(position) - back;
    std::uint16_t bytes = 0;
    if (vtable < 0 || !Load(static_cast<std::uint64_t>(vtable), &bytes)) return std::nullopt;
    if (bytes < 4 || !Holds(static_cast<std::uint64_t>(vtable), bytes)) return std::nullopt;
    return TableAt{position, static_cast<std::uint64_t>(vtable), bytes};
  }

  /// The vector (or string) whose length word is at `position`.
  std::optional<VectorAt> OpenVector(std::uint64_t position, std::uint64_t element_bytes) const {
    std::uint32_t count = 0;
    if (!Load(position, &count)) return std::nullopt;
    if (!Holds(position + 4, count * element_bytes)) return std::nullopt;
    return VectorAt{position + 4, count, kAbsent};
  }

  /// The vector whose 64-bit length is at `position` (vector64).
  std::optional<VectorAt> OpenLongVector(std::uint64_t position, std::uint64_t element_bytes) const {
    std::uint64_t count = 0;
    if (!Load(position, &count) || count > size / element_bytes) return std::nullopt;
    if (!Holds(position + sizeof(count), count * element_bytes)) return std::nullopt;
    return VectorAt{position + sizeof(count), count, kAbsent};
  }

  /// Position of a table's field, or kAbsent. The vtable was checked by `OpenTable`; the position was not.
  std::uint64_t FieldPosition(const TableAt& table, std::uint32_t slot) const {
    if (slot + 2 > table.vtable_bytes) return kAbsent;
    std::uint16_t offset = 0;
    std::memcpy(&offset, base + table.vtable + slot, sizeof(offset));
    offset = Opaque(offset);
    return offset == 0 ? kAbsent : table.position + offset;
  }
};

}  // namespace shmcomm::python
