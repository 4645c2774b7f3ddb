// SPDX-License-Identifier: Apache-2.0
// Gives out parcels to be sorted. usage: pushpull_pusher COUNT
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

#include "warehouse.shm.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: " << argv[0] << " COUNT\n";
    return 2;
  }
  const auto count = static_cast<std::uint64_t>(std::atoll(argv[1]));
  auto parcels = warehouse::ParcelsPusher::Open();
  if (!parcels.ok()) {
    std::cerr << parcels.status() << '\n';
    return 1;
  }
  std::cout << "giving out " << count << " parcels" << std::endl;
  for (std::uint64_t id = 0; id < count; ++id) {
    const std::string address = "shelf " + std::to_string(id % 100);
    // Waits while 64 parcels are not sorted yet.
    const absl::Status given = parcels->Push(
        [&](auto& fbb) { return warehouse::CreateParcelDirect(fbb, id, address.c_str()); }, absl::Minutes(1));
    if (!given.ok()) {
      std::cerr << given << '\n';
      return 1;
    }
  }
}
