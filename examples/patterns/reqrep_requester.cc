// SPDX-License-Identifier: Apache-2.0
// Asks for a route. usage: reqrep_requester FROM TO
#include <cstdint>
#include <cstdlib>
#include <iostream>

#include "warehouse.shm.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: " << argv[0] << " FROM TO\n";
    return 2;
  }
  const auto from = static_cast<std::uint32_t>(std::atoi(argv[1]));
  const auto to = static_cast<std::uint32_t>(std::atoi(argv[2]));
  shmcomm::RequesterOptions options;
  options.wait_for_replier = true;   // for the channel's timeout, one second; without it the call fails at once
  auto planner = warehouse::RouteRequester::Open(options);
  if (!planner.ok()) {
    std::cerr << planner.status() << '\n';
    return 1;
  }
  auto route = planner->Call([&](auto& fbb) { return warehouse::CreateRouteRequest(fbb, from, to); });
  if (!route.ok()) {
    std::cerr << route.status() << '\n';
    return 1;
  }
  for (const std::uint32_t shelf : *(*route)->shelves()) std::cout << shelf << ' ';
  std::cout << "(" << (*route)->metres() << " m)" << std::endl;
}
