// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <vector>

#include "ends.h"

namespace newer {
namespace {

void BuildFar(flatbuffers::FlatBufferBuilder64& builder, int number) {
  std::vector<std::int32_t> numbers;
  std::vector<Point> points;
  for (int i = 0; i < number; ++i) {
    numbers.push_back(i - 1);
    points.emplace_back(i, -i);
  }
  const std::vector<std::uint8_t> bytes(number * 1000, static_cast<std::uint8_t>(number));
  const std::vector<double> wide(number, number);
  builder.Finish(CreateFarDirect(builder, 1, &numbers, &points, "far words", &bytes, &wide, &points, 2));
}

}  // namespace

/// 64-bit offsets have a builder of their own, whose message is copied into the slot. Of number 0 nothing is set.
absl::Status Send(FarPublisher& publisher, int number) {
  flatbuffers::FlatBufferBuilder64 builder;
  if (number == 0) {
    builder.Finish(FarBuilder(builder).Finish());
  } else {
    BuildFar(builder, number);
  }
  return publisher.raw().PublishCopy(builder.GetBufferPointer(), builder.GetSize(), shmcomm::Codec::kFlatBuffer);
}

std::string Text(const Far& far) {
  std::string text = "before=" + std::to_string(far.before()) + " numbers=" + ListText(far.numbers(), NumberText);
  text += " points=" + ListText(far.points(), PointText);
  text += " words=" + (far.words() == nullptr ? "none" : far.words()->str());
  text += " bytes=" + ListText(far.bytes(), NumberText) + " wide=" + ListText(far.wide(), NumberText);
  return text + " many=" + ListText(far.many(), PointText) + " after=" + std::to_string(far.after());
}

}  // namespace newer
