// SPDX-License-Identifier: Apache-2.0
#include "fill.h"

namespace interop {
namespace {

using Builder = flatbuffers::FlatBufferBuilder;

struct TaggedShape {
  Shape tag = Shape_NONE;
  flatbuffers::Offset<void> value;
};

flatbuffers::Offset<void> BuildCircle(Builder& builder, Draw& draw) {
  const float radius = draw.F32();
  const geometry::Point center = draw.OfPoint();
  return CreateCircle(builder, radius, &center).Union();
}

flatbuffers::Offset<void> BuildNote(Builder& builder, Draw& draw) {
  const auto text = builder.CreateString(draw.Text());
  return CreateNote(builder, text, draw.OfLevel()).Union();
}

TaggedShape BuildShape(Builder& builder, Draw& draw) {
  const Shape tag = draw.OfShape();
  switch (tag) {
    case Shape_Circle:
    case Shape_Wheel: return {tag, BuildCircle(builder, draw)};
    case Shape_Note: return {tag, BuildNote(builder, draw)};
    case Shape_Word: return {tag, builder.CreateString(draw.Text()).Union()};
    case Shape_Spot: return {tag, builder.CreateStruct(draw.OfPoint()).Union()};
    case Shape_Whole: return {tag, builder.CreateStruct(draw.OfPart()).Union()};
    default: return {};
  }
}

struct Shapes {
  flatbuffers::Offset<flatbuffers::Vector<std::uint8_t>> tags;
  flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<void>>> values;
};

Shapes BuildShapes(Builder& builder, Draw& draw) {
  const flatbuffers::Offset<void> of_none = builder.CreateString("").Union();  // an element of a vector leads somewhere
  std::vector<std::uint8_t> tags;
  std::vector<flatbuffers::Offset<void>> values;
  for (std::size_t left = draw.Length(); left > 0; --left) {
    const TaggedShape shape = BuildShape(builder, draw);
    tags.push_back(shape.tag);
    values.push_back(shape.tag == Shape_NONE ? of_none : shape.value);
  }
  return {builder.CreateVector(tags), builder.CreateVector(values)};
}

/// The drawn value or nothing: the flag is drawn first.
template <class Make>
auto Maybe(Draw& draw, Make make) -> flatbuffers::Optional<decltype(make())> {
  if (!draw.Flag()) return flatbuffers::nullopt;
  return make();
}

flatbuffers::Offset<Choice> BuildChoice(Builder& builder, Draw& d, int depth) {
  const TaggedShape shape = BuildShape(builder, d);
  const Shapes shapes = BuildShapes(builder, d);
  const auto i8 = Maybe(d, [&] { return d.Integer<std::int8_t>(); });
  const auto u64 = Maybe(d, [&] { return d.Integer<std::uint64_t>(); });
  const auto f32 = Maybe(d, [&] { return d.F32(); });
  const auto f64 = Maybe(d, [&] { return d.F64(); });
  const auto flag = Maybe(d, [&] { return d.Flag(); });
  const auto color = Maybe(d, [&] { return d.OfColor(); });
  flatbuffers::Offset<flatbuffers::Vector<std::uint8_t>> inner;
  if (depth > 0) {
    Builder nested;
    nested.Finish(BuildChoice(nested, d, depth - 1));
    builder.ForceVectorAlignment(nested.GetSize(), 1, nested.GetBufferMinAlignment());
    inner = builder.CreateVector(nested.GetBufferPointer(), nested.GetSize());
  }
  return CreateChoice(builder, shape.tag, shape.value, shapes.tags, shapes.values, i8, u64, f32, f64, flag, color, inner);
}

}  // namespace

flatbuffers::Offset<Choice> BuildChoice(Builder& builder, std::uint64_t number) {
  if (number == 0) return CreateChoice(builder);
  Draw draw(number);
  return BuildChoice(builder, draw, 1);
}

}  // namespace interop
