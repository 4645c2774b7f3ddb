// SPDX-License-Identifier: Apache-2.0
// Plans routes until Ctrl-C. Start as many as you like: they share the requests.
#include <csignal>
#include <cstdint>
#include <iostream>
#include <vector>

#include "warehouse.shm.h"

namespace {

constexpr std::uint32_t kShelves = 100;
warehouse::RouteReplier* planner = nullptr;

absl::StatusOr<flatbuffers::Offset<warehouse::Route>> Plan(const warehouse::RouteRequest& request,
                                                           flatbuffers::FlatBufferBuilder& reply) {
  if (request.from_shelf() >= kShelves || request.to_shelf() >= kShelves) {
    return absl::NotFoundError("there are 100 shelves");   // the caller gets this as it is
  }
  std::vector<std::uint32_t> shelves;
  const int step = request.from_shelf() <= request.to_shelf() ? 1 : -1;
  for (std::uint32_t shelf = request.from_shelf(); shelf != request.to_shelf(); shelf += step) shelves.push_back(shelf);
  shelves.push_back(request.to_shelf());
  return warehouse::CreateRouteDirect(reply, &shelves, 1.5 * static_cast<double>(shelves.size() - 1));
}

}  // namespace

int main() {
  auto opened = warehouse::RouteReplier::Open();
  if (!opened.ok()) {
    std::cerr << opened.status() << '\n';
    return 1;
  }
  planner = &*opened;
  std::signal(SIGINT, [](int) { planner->Cancel(); });
  std::signal(SIGTERM, [](int) { planner->Cancel(); });
  const absl::Status served = planner->Serve(Plan);
  std::cout << "planned " << planner->stats().replied << " routes" << std::endl;
  return served.ok() ? 0 : 1;
}
