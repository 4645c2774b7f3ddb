// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <vector>

#include "ends.h"

namespace newer {
namespace {

using Builder = flatbuffers::FlatBufferBuilder;

flatbuffers::Offset<void> BuildTask(Builder& builder, Task tag, int number) {
  if (tag == Task_Walk) return CreateWalk(builder, number).Union();
  if (tag == Task_Point) return builder.CreateStruct(Point(number, -number)).Union();
  return builder.CreateString("say " + std::to_string(number)).Union();
}

Task TagOf(int number) { return number % 3 == 0 ? Task_Walk : number % 3 == 1 ? Task_Point : Task_text; }

flatbuffers::Offset<Near> BuildNear(Builder& builder, int number) {
  std::vector<std::int16_t> tags;
  std::vector<flatbuffers::Offset<void>> tasks;
  std::vector<std::int32_t> list;
  std::vector<flatbuffers::Offset<flatbuffers::String>> names;
  std::vector<Cell> cells;
  for (int i = 0; i < number; ++i) {
    tags.push_back(TagOf(i));
    tasks.push_back(BuildTask(builder, TagOf(i), i));
    list.push_back(i - 1);
    names.push_back(builder.CreateString("n" + std::to_string(i)));
    cells.push_back(MakeCell(i));
  }
  const flatbuffers::Offset<void> task = BuildTask(builder, TagOf(number), number);
  const std::vector<Place> places = MakePlaces(number);
  return CreateNear(builder, number % 2 == 1 ? Mode_On : Mode_Off, TagOf(number), task, builder.CreateVector(tags),
                    builder.CreateVector(tasks), builder.CreateString("name"), builder.CreateString("some"),
                    builder.CreateVector(list), builder.CreateVector(names), builder.CreateVectorOfStructs(cells),
                    builder.CreateVectorOfStructs(places));
}

std::string TaskText(Task tag, const void* value) {
  if (tag == Task_NONE) return "none";
  if (tag == Task_Walk) return "Walk " + std::to_string(static_cast<const Walk*>(value)->metres());
  if (tag == Task_text) return "text " + static_cast<const flatbuffers::String*>(value)->str();
  return "Point " + PointText(static_cast<const Point*>(value));
}

std::string TasksText(const Near& near) {
  if (near.tasks() == nullptr) return "none";
  std::string all = "[";
  for (flatbuffers::uoffset_t i = 0; i < near.tasks()->size(); ++i) {
    all += (i > 0 ? "," : "") + TaskText(static_cast<Task>(near.tasks_type()->Get(i)), near.tasks()->Get(i));
  }
  return all + "]";
}

}  // namespace

/// Of number 0 nothing is set: what arrives are the defaults.
absl::Status Send(NearPublisher& publisher, int number) {
  return publisher.Publish([&](Builder& builder) { return number == 0 ? NearBuilder(builder).Finish() : BuildNear(builder, number); });
}

std::string Text(const Near& near) {
  std::string text = "mode=" + std::to_string(near.mode()) + " task=" + TaskText(near.task_type(), near.task());
  text += " tasks=" + TasksText(near) + " name=" + near.name()->str() + " none=" + near.none()->str();
  text += " list=" + ListText(near.list(), NumberText);
  text += " names=" + ListText(near.names(), [](const flatbuffers::String* name) { return name->str(); });
  text += " cells=" + ListText(near.cells(), [](const Cell* cell) { return CellText(*cell); });
  text += " places=" + ListText(near.places(), PlaceText);
  if (near.cells() != nullptr && near.cells()->size() > 0) {
    const Cell* found = near.cells()->LookupByKey(near.cells()->Get(0)->at());
    text += " found=" + (found == nullptr ? "none" : CellText(*found));
  }
  return text;
}

}  // namespace newer
