// SPDX-License-Identifier: Apache-2.0
// The values of the interop messages: a case number decides every one of them. interop_values.py holds the same rule; a slip in
// either shows as a difference.
//
// Case 0 sets only what is required. Cases 1 to 3 are the ends of the ranges. All others are pseudo-random.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "interop.shm.h"

namespace interop {

/// Draws values one after the other, in the order in which the schema declares the fields.
class Draw {
 public:
  explicit Draw(std::uint64_t number) : number_(number), state_(number) {}

  template <class T>
  T Integer() {
    return static_cast<T>(Bits(8 * sizeof(T)));
  }

  // Never -0.0 (a table's builder takes it for the default), never a signalling NaN (a conversion would quieten it).
  float F32() {
    static constexpr std::array<std::uint32_t, 4> kEnds = {0, 0x80000001u, 0x7fc00000u, 0x7f800000u};
    const std::uint32_t bits = number_ < 4 ? kEnds[number_] : static_cast<std::uint32_t>(Next()) & 0xbfffffffu;
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }
  double F64() {
    static constexpr std::array<std::uint64_t, 4> kEnds = {0, 0x8000000000000001u, 0x7ff8000000000000u, 0x7ff0000000000000u};
    const std::uint64_t bits = number_ < 4 ? kEnds[number_] : Next() & 0xbfffffffffffffffu;
    double value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }
  bool Flag() { return Choose(2) == 1; }
  Color OfColor() {
    static constexpr std::array<Color, 3> kAll = {Color_Red, Color_Green, Color_Blue};
    return kAll[Choose(kAll.size())];
  }
  Level OfLevel() {
    static constexpr std::array<Level, 3> kAll = {Level_Low, Level_Middle, Level_High};
    return kAll[Choose(kAll.size())];
  }
  Modes OfModes() {
    static constexpr std::array<std::uint16_t, 4> kAll = {0, Modes_Fast, Modes_Fast | Modes_Loud,
                                                            Modes_Fast | Modes_Safe | Modes_Loud};
    return static_cast<Modes>(kAll[Choose(kAll.size())]);
  }
  Shape OfShape() {
    static constexpr std::array<Shape, 7> kAll = {Shape_NONE, Shape_Circle, Shape_Note, Shape_Word, Shape_Spot, Shape_Wheel, Shape_Whole};
    return kAll[Choose(kAll.size())];
  }
  std::string Text() {
    static const std::array<std::string, 7> kAll = {
        "", "a", "Grüße", "温度 20 °C", "line\nbreak\ttab", std::string("nul\0inside", 10), std::string(300, 'x')};
    return kAll[Choose(kAll.size())];
  }
  std::size_t Length() { return Choose(9); }

  geometry::Point OfPoint() { return geometry::Point{F32(), F32(), F64()}; }
  Part OfPart() {
    const Color color = OfColor();
    const geometry::Point point = OfPoint();
    const auto weights = Array<float, 3>([this] { return F32(); });
    return Part(color, point, Span(weights), Flag());
  }

  Lane OfLane() {
    const float width = F32();
    return Lane(width, Integer<std::uint8_t>());
  }
  Rank OfRank() {
    const auto place = Integer<std::uint16_t>();
    return Rank(place, F32());
  }

  template <class T, std::size_t kCount, class Make>
  static std::array<T, kCount> Array(Make make) {
    std::array<T, kCount> all;
    for (T& one : all) one = make();
    return all;
  }
  template <class T, std::size_t kCount>
  static flatbuffers::span<const T, kCount> Span(const std::array<T, kCount>& all) {
    return flatbuffers::span<const T, kCount>(all.data(), kCount);
  }

 private:
  // Case 1 is a signed minimum, case 2 all ones, case 3 a signed maximum.
  std::uint64_t Bits(unsigned count) {
    const std::uint64_t top = std::uint64_t{1} << (count - 1);
    if (number_ == 1) return top;
    if (number_ == 2) return ~std::uint64_t{0};
    return number_ == 3 ? top - 1 : Next();
  }
  // Case 1 takes the first of `count`, case 2 the last, case 3 the middle one.
  std::size_t Choose(std::size_t count) {
    if (number_ < 4) return number_ <= 1 ? 0 : number_ == 2 ? count - 1 : count / 2;
    return Next() % count;
  }
  // SplitMix64, a published generator of a few operations.
  std::uint64_t Next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  std::uint64_t number_;
  std::uint64_t state_;
};

flatbuffers::Offset<Everything> BuildEverything(flatbuffers::FlatBufferBuilder& builder, std::uint64_t number);
Plain MakePlain(std::uint64_t number);
flatbuffers::Offset<Choice> BuildChoice(flatbuffers::FlatBufferBuilder& builder, std::uint64_t number);
/// Element i is (i + bytes) mod 251.
flatbuffers::Offset<Blob> BuildBlob(flatbuffers::FlatBufferBuilder& builder, std::uint64_t bytes);

}  // namespace interop
