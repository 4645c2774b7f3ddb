// SPDX-License-Identifier: Apache-2.0
// Sorts parcels, for ever or until none has come for a while. usage: pushpull_puller [SECONDS]
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "warehouse.shm.h"

int main(int argc, char** argv) {
  const absl::Duration patience = argc > 1 ? absl::Seconds(std::atoi(argv[1])) : absl::InfiniteDuration();
  auto parcels = warehouse::ParcelsPuller::Open();
  if (!parcels.ok()) {
    std::cerr << parcels.status() << '\n';
    return 1;
  }
  for (;;) {
    auto parcel = parcels->Take(patience);
    if (absl::IsDeadlineExceeded(parcel.status())) return 0;
    if (!parcel.ok()) {
      std::cerr << parcel.status() << '\n';
      return 1;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));   // the work
    std::cout << "sorted " << (*parcel)->id() << " to " << (*parcel)->address()->c_str();
    if (parcel->attempt() > 0) std::cout << " (another arm died with it)";
    std::cout << '.' << std::endl;
  }                                                              // the parcel is sorted, and its slot free again
}
