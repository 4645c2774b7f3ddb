// SPDX-License-Identifier: Apache-2.0
#include "text.h"

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <type_traits>

namespace interop {
namespace {

std::string Hex(std::uint64_t bits, int digits) {
  char text[17];
  std::snprintf(text, sizeof text, "%0*llx", digits, static_cast<unsigned long long>(bits));
  return text;
}

std::string Of(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return Hex(bits, 8);
}

std::string Of(double value) {
  std::uint64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return Hex(bits, 16);
}

template <class T, std::enable_if_t<std::is_integral_v<T> || std::is_enum_v<T>, int> = 0>
std::string Of(T value) {
  if constexpr (std::is_unsigned_v<T>) {
    return std::to_string(static_cast<std::uint64_t>(value));
  } else {
    return std::to_string(static_cast<std::int64_t>(value));
  }
}

std::string Of(const flatbuffers::String* text) {
  if (text == nullptr) return "none";
  std::string hex = "'";
  for (const char c : *text) hex += Hex(static_cast<std::uint8_t>(c), 2);
  return hex + "'";
}

std::string Of(const geometry::Point& point) { return "(" + Of(point.x()) + "," + Of(point.y()) + "," + Of(point.z()) + ")"; }
std::string Of(const Part& part);
std::string Of(const Leaf* leaf);
std::string Of(const Lane* lane);
std::string Of(const Rank* rank);
std::string Of(const Entry* entry);

std::string Of(const geometry::Point* point) { return point == nullptr ? "none" : Of(*point); }
std::string Of(const Part* part) { return part == nullptr ? "none" : Of(*part); }

// Vectors and fixed arrays alike.
template <class Elements>
std::string List(const Elements* elements) {
  if (elements == nullptr) return "none";
  std::string text = "[";
  for (flatbuffers::uoffset_t i = 0; i < elements->size(); ++i) text += (i == 0 ? "" : ",") + Of((*elements)[i]);
  return text + "]";
}

template <class T>
std::string Of(const flatbuffers::Optional<T>& value) {
  return value ? Of(*value) : "none";
}

std::string Of(const Part& part) {
  return "(" + Of(part.color()) + "," + Of(part.point()) + "," + List(part.weights()) + "," + Of(part.ok()) + ")";
}

std::string Of(const Lane& lane) { return "(" + Of(lane.width()) + "," + Of(lane.number()) + ")"; }
std::string Of(const Lane* lane) { return lane == nullptr ? "none" : Of(*lane); }
std::string Of(const Rank* rank) { return "(" + Of(rank->place()) + "," + Of(rank->weight()) + ")"; }
std::string Of(const Entry* entry) { return "(" + Of(entry->id()) + "," + Of(entry->label()) + ")"; }

std::string Of(const Leaf* leaf) {
  if (leaf == nullptr) return "none";
  return "(" + Of(leaf->id()) + "," + Of(leaf->label()) + "," + Of(leaf->point()) + "," + List(leaf->children()) + ")";
}

std::string Of(const Circle& circle) { return "(" + Of(circle.radius()) + "," + Of(circle.center()) + ")"; }
std::string Of(const Note& note) { return "(" + Of(note.text()) + "," + Of(note.level()) + ")"; }

std::string OfShape(Shape tag, const void* value) {
  const std::string name = EnumNameShape(tag);
  switch (tag) {
    case Shape_Circle:
    case Shape_Wheel: return name + Of(*static_cast<const Circle*>(value));
    case Shape_Note: return name + Of(*static_cast<const Note*>(value));
    case Shape_Word: return name + Of(static_cast<const flatbuffers::String*>(value));
    case Shape_Spot: return name + Of(*static_cast<const geometry::Point*>(value));
    case Shape_Whole: return name + Of(*static_cast<const Part*>(value));
    default: return "none";
  }
}

std::string ListOfShapes(const Choice& choice) {
  if (choice.shapes() == nullptr) return "none";
  std::string text = "[";
  for (flatbuffers::uoffset_t i = 0; i < choice.shapes()->size(); ++i) {
    text += (i == 0 ? "" : ",") + OfShape(choice.shapes_type()->GetEnum<Shape>(i), choice.shapes()->Get(i));
  }
  return text + "]";
}

// CRC-32 as in zlib, for messages too large to print.
std::uint32_t Crc32(const std::uint8_t* data, std::size_t bytes) {
  std::uint32_t crc = 0xffffffffu;
  for (std::size_t i = 0; i < bytes; ++i) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1u) != 0 ? 0xedb88320u : 0u);
  }
  return ~crc;
}

}  // namespace

#define FIELD(name) (std::string(" " #name "=") + Of(m.name()))
#define LIST(name) (std::string(" " #name "=") + List(m.name()))

std::string Text(const Everything& m) {
  return "everything" + FIELD(i8) + FIELD(u8) + FIELD(i16) + FIELD(u16) + FIELD(i32) + FIELD(u32) + FIELD(i64) + FIELD(u64) + FIELD(f32) +
         FIELD(f64) + FIELD(flag) + FIELD(color) + FIELD(level) + FIELD(modes) + FIELD(text) + FIELD(name) + LIST(i8s) + LIST(u8s) + LIST(i16s) +
         LIST(u16s) + LIST(i32s) + LIST(u32s) + LIST(i64s) + LIST(u64s) + LIST(f32s) + LIST(f64s) + LIST(flags) + LIST(colors) +
         LIST(levels) + LIST(mode_sets) + LIST(texts) + LIST(points) + LIST(parts) + FIELD(point) + FIELD(part) + FIELD(leaf) + LIST(leaves) +
         FIELD(default_i32) + FIELD(default_u64) + FIELD(default_f32) + FIELD(default_f64) + FIELD(default_flag) + FIELD(default_color) +
         FIELD(after_old) +
         FIELD(lane) + LIST(lanes) + LIST(entries) + LIST(ranks) + FIELD(hashed) + LIST(flexible);
}

std::string Text(const Plain& m) {
  return "plain" + FIELD(u8) + FIELD(i64) + FIELD(flag) + FIELD(f32) + FIELD(color) + FIELD(f64) + FIELD(i16) + FIELD(level) + FIELD(u64) +
         FIELD(i8) + FIELD(u32) + FIELD(u16) + FIELD(i32) + FIELD(point) + FIELD(part) + LIST(u16s) + LIST(f64s) + LIST(flags) +
         LIST(colors) + LIST(points);
}

std::string Text(const Choice& m) {
  return "choice shape=" + OfShape(m.shape_type(), m.shape()) + " shapes=" + ListOfShapes(m) + FIELD(maybe_i8) + FIELD(maybe_u64) +
         FIELD(maybe_f32) + FIELD(maybe_f64) + FIELD(maybe_flag) + FIELD(maybe_color) +
         " inner=" + (m.inner() == nullptr ? "none" : "<" + Text(*m.inner_nested_root()) + ">");
}

#undef FIELD
#undef LIST

std::string Text(const Tiny& message) { return "tiny value=" + Of(message.value()); }

std::string Text(const Blob& message) {
  const auto& data = *message.data();
  return "blob bytes=" + Of(data.size()) + " crc=" + Hex(Crc32(data.data(), data.size()), 8);
}

}  // namespace interop
