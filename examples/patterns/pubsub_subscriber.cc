// SPDX-License-Identifier: Apache-2.0
// Prints where the robot is. usage: pubsub_subscriber [how many, for ever by default]
#include <cstdlib>
#include <iostream>

#include "warehouse.shm.h"

int main(int argc, char** argv) {
  const long count = argc > 1 ? std::atol(argv[1]) : -1;
  auto poses = warehouse::PoseSubscriber::Open();
  if (!poses.ok()) {
    std::cerr << poses.status() << '\n';
    return 1;
  }
  for (long i = 0; i != count; ++i) {
    absl::StatusOr<warehouse::PoseSample> pose = poses->Take(absl::InfiniteDuration());
    if (!pose.ok()) {
      std::cerr << pose.status() << '\n';
      return 1;
    }
    std::cout << "robot at " << (*pose)->x() << ", " << (*pose)->y() << " (" << pose->lost() << " lost)" << std::endl;
  }
}
