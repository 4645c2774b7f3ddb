// SPDX-License-Identifier: Apache-2.0
// Publishes where the robot is. usage: pubsub_publisher [how many, for ever by default]
#include <cmath>
#include <cstdlib>
#include <iostream>

#include "absl/time/clock.h"
#include "warehouse.shm.h"

int main(int argc, char** argv) {
  const long count = argc > 1 ? std::atol(argv[1]) : -1;
  auto pose = warehouse::PosePublisher::Open();
  if (!pose.ok()) {
    std::cerr << pose.status() << '\n';
    return 1;
  }
  for (long i = 0; i != count; ++i) {
    const double angle = 0.1 * static_cast<double>(i);
    if (absl::Status sent = pose->Publish(warehouse::Pose(std::cos(angle), std::sin(angle), angle)); !sent.ok()) {
      std::cerr << sent << '\n';
      return 1;
    }
    absl::SleepFor(absl::Milliseconds(100));
  }
}
