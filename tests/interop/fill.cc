// SPDX-License-Identifier: Apache-2.0
#include "fill.h"

namespace interop {
namespace {

using Builder = flatbuffers::FlatBufferBuilder;

template <class T, class Make>
std::vector<T> Many(Draw& draw, Make make) {
  std::vector<T> all;
  for (std::size_t left = draw.Length(); left > 0; --left) all.push_back(make());
  return all;
}

template <class T>
flatbuffers::Offset<flatbuffers::Vector<T>> Integers(Builder& builder, Draw& draw) {
  return builder.CreateVector(Many<T>(draw, [&] { return draw.Integer<T>(); }));
}

// Builders write what has an offset as it is drawn, so nested tables come out in the order of the draws.
flatbuffers::Offset<Leaf> BuildLeaf(Builder& builder, Draw& draw, int depth) {
  const auto id = draw.Integer<std::int32_t>();
  const auto label = builder.CreateString(draw.Text());
  const geometry::Point point = draw.OfPoint();
  std::vector<flatbuffers::Offset<Leaf>> children;
  if (depth > 0) children = Many<flatbuffers::Offset<Leaf>>(draw, [&] { return BuildLeaf(builder, draw, depth - 1); });
  return CreateLeaf(builder, id, label, &point, builder.CreateVector(children));
}

flatbuffers::Offset<Entry> BuildEntry(Builder& builder, Draw& draw) {
  const auto id = draw.Integer<std::uint32_t>();
  return CreateEntry(builder, id, builder.CreateString(draw.Text()));
}

struct Scalars {
  std::int8_t i8; std::uint8_t u8; std::int16_t i16; std::uint16_t u16; std::int32_t i32; std::uint32_t u32;
  std::int64_t i64; std::uint64_t u64;
  float f32; double f64; bool flag; Color color; Level level; Modes modes;
};

Scalars DrawScalars(Draw& d) {
  return Scalars{d.Integer<std::int8_t>(),  d.Integer<std::uint8_t>(),  d.Integer<std::int16_t>(), d.Integer<std::uint16_t>(),
                 d.Integer<std::int32_t>(), d.Integer<std::uint32_t>(), d.Integer<std::int64_t>(), d.Integer<std::uint64_t>(),
                 d.F32(), d.F64(), d.Flag(), d.OfColor(), d.OfLevel(), d.OfModes()};
}

void AddScalars(EverythingBuilder& out, const Scalars& s) {
  out.add_i8(s.i8);
  out.add_u8(s.u8);
  out.add_i16(s.i16);
  out.add_u16(s.u16);
  out.add_i32(s.i32);
  out.add_u32(s.u32);
  out.add_i64(s.i64);
  out.add_u64(s.u64);
  out.add_f32(s.f32);
  out.add_f64(s.f64);
  out.add_flag(s.flag);
  out.add_color(s.color);
  out.add_level(s.level);
  out.add_modes(s.modes);
}

flatbuffers::Offset<Everything> BuildLeast(Builder& builder) {
  const auto name = builder.CreateString("least");
  EverythingBuilder out(builder);
  out.add_name(name);
  return out.Finish();
}

}  // namespace

flatbuffers::Offset<Everything> BuildEverything(Builder& b, std::uint64_t number) {
  if (number == 0) return BuildLeast(b);
  Draw d(number);
  const Scalars scalars = DrawScalars(d);
  const auto text = b.CreateString(d.Text());
  const auto name = b.CreateString(d.Text());
  const auto i8s = Integers<std::int8_t>(b, d);
  const auto u8s = Integers<std::uint8_t>(b, d);
  const auto i16s = Integers<std::int16_t>(b, d);
  const auto u16s = Integers<std::uint16_t>(b, d);
  const auto i32s = Integers<std::int32_t>(b, d);
  const auto u32s = Integers<std::uint32_t>(b, d);
  const auto i64s = Integers<std::int64_t>(b, d);
  const auto u64s = Integers<std::uint64_t>(b, d);
  const auto f32s = b.CreateVector(Many<float>(d, [&] { return d.F32(); }));
  const auto f64s = b.CreateVector(Many<double>(d, [&] { return d.F64(); }));
  const auto flags = b.CreateVector(Many<std::uint8_t>(d, [&] { return d.Flag() ? std::uint8_t{1} : std::uint8_t{0}; }));
  const auto colors = b.CreateVector(Many<std::uint8_t>(d, [&] { return static_cast<std::uint8_t>(d.OfColor()); }));
  const auto levels = b.CreateVector(Many<std::int16_t>(d, [&] { return static_cast<std::int16_t>(d.OfLevel()); }));
  const auto mode_sets = b.CreateVector(Many<std::uint16_t>(d, [&] { return static_cast<std::uint16_t>(d.OfModes()); }));
  const auto texts = b.CreateVector(Many<flatbuffers::Offset<flatbuffers::String>>(d, [&] { return b.CreateString(d.Text()); }));
  const auto points = b.CreateVectorOfStructs(Many<geometry::Point>(d, [&] { return d.OfPoint(); }));
  const auto parts = b.CreateVectorOfStructs(Many<Part>(d, [&] { return d.OfPart(); }));
  const geometry::Point point = d.OfPoint();
  const Part part = d.OfPart();
  const auto leaf = BuildLeaf(b, d, 0);
  const auto leaves = b.CreateVector(Many<flatbuffers::Offset<Leaf>>(d, [&] { return BuildLeaf(b, d, 1); }));
  const auto after_old = d.Integer<std::int16_t>();
  const Lane lane = d.OfLane();
  const auto lanes = b.CreateVectorOfStructs(Many<Lane>(d, [&] { return d.OfLane(); }));
  const auto entries = b.CreateVector(Many<flatbuffers::Offset<Entry>>(d, [&] { return BuildEntry(b, d); }));
  const auto ranks = b.CreateVectorOfStructs(Many<Rank>(d, [&] { return d.OfRank(); }));
  const auto hashed = d.Integer<std::uint64_t>();
  const auto flexible = Integers<std::uint8_t>(b, d);

  EverythingBuilder out(b);
  AddScalars(out, scalars);
  out.add_text(text);
  out.add_name(name);
  out.add_i8s(i8s);
  out.add_u8s(u8s);
  out.add_i16s(i16s);
  out.add_u16s(u16s);
  out.add_i32s(i32s);
  out.add_u32s(u32s);
  out.add_i64s(i64s);
  out.add_u64s(u64s);
  out.add_f32s(f32s);
  out.add_f64s(f64s);
  out.add_flags(flags);
  out.add_colors(colors);
  out.add_levels(levels);
  out.add_mode_sets(mode_sets);
  out.add_texts(texts);
  out.add_points(points);
  out.add_parts(parts);
  out.add_point(&point);
  out.add_part(&part);
  out.add_leaf(leaf);
  out.add_leaves(leaves);
  out.add_after_old(after_old);
  out.add_lane(&lane);
  out.add_lanes(lanes);
  out.add_entries(entries);
  out.add_ranks(ranks);
  out.add_hashed(hashed);
  out.add_flexible(flexible);
  return out.Finish();
}

Plain MakePlain(std::uint64_t number) {
  Draw d(number);
  const auto u8 = d.Integer<std::uint8_t>();
  const auto i64 = d.Integer<std::int64_t>();
  const bool flag = d.Flag();
  const float f32 = d.F32();
  const Color color = d.OfColor();
  const double f64 = d.F64();
  const auto i16 = d.Integer<std::int16_t>();
  const Level level = d.OfLevel();
  const auto u64 = d.Integer<std::uint64_t>();
  const auto i8 = d.Integer<std::int8_t>();
  const auto u32 = d.Integer<std::uint32_t>();
  const auto u16 = d.Integer<std::uint16_t>();
  const auto i32 = d.Integer<std::int32_t>();
  const geometry::Point point = d.OfPoint();
  const Part part = d.OfPart();
  const auto u16s = Draw::Array<std::uint16_t, 3>([&] { return d.Integer<std::uint16_t>(); });
  const auto f64s = Draw::Array<double, 2>([&] { return d.F64(); });
  const auto flags = Draw::Array<std::uint8_t, 5>([&] { return d.Flag() ? std::uint8_t{1} : std::uint8_t{0}; });
  const auto colors = Draw::Array<Color, 4>([&] { return d.OfColor(); });
  const auto points = Draw::Array<geometry::Point, 2>([&] { return d.OfPoint(); });
  return Plain(u8, i64, flag, f32, color, f64, i16, level, u64, i8, u32, u16, i32, point, part, Draw::Span(u16s), Draw::Span(f64s),
               Draw::Span(flags), Draw::Span(colors), Draw::Span(points));
}

flatbuffers::Offset<Blob> BuildBlob(Builder& builder, std::uint64_t bytes) {
  std::uint8_t* data = nullptr;
  const auto vector = builder.CreateUninitializedVector(bytes, 1, &data);
  for (std::uint64_t i = 0; i < bytes; ++i) data[i] = static_cast<std::uint8_t>((i + bytes) % 251);
  return CreateBlob(builder, vector);
}

}  // namespace interop
