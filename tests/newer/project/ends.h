// SPDX-License-Identifier: Apache-2.0
// What both ends of a test know of a message: how the one of a number is sent, and what one that arrived is in words.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "far.shm.h"
#include "near.shm.h"

namespace newer {

absl::Status Send(NearPublisher& publisher, int number);
absl::Status Send(FarPublisher& publisher, int number);
std::string Text(const Near& message);
std::string Text(const Far& message);

/// `[1,2]`, each element through `text`; `none` of no vector.
template <class Vector, class TextOf>
std::string ListText(const Vector* vector, TextOf&& text) {
  if (vector == nullptr) return "none";
  std::string all = "[";
  for (auto element : *vector) all += (all.size() > 1 ? "," : "") + text(element);
  return all + "]";
}

inline std::string NumberText(double number) { return std::to_string(static_cast<long long>(number)); }
inline std::string PointText(const Point* point) { return NumberText(point->x()) + " " + NumberText(point->y()); }
inline std::string CellText(const Cell& cell) {
  return "(" + NumberText(cell.at()->Get(0)) + " " + NumberText(cell.at()->Get(1)) + " " + NumberText(cell.height()) + ")";
}
inline std::string PlaceText(const Place* place) { return CellText(place->cell()) + NumberText(place->weight()); }

inline Cell MakeCell(int number) {
  const std::uint8_t at[2] = {static_cast<std::uint8_t>(number), static_cast<std::uint8_t>(number + 1)};
  return Cell(at, number * -1000);
}

inline std::vector<Place> MakePlaces(int number) {
  std::vector<Place> places;
  for (int i = 0; i < number % 4; ++i) places.emplace_back(MakeCell(i), static_cast<std::int16_t>(i - number));
  return places;
}

}  // namespace newer
