// SPDX-License-Identifier: Apache-2.0
// Takes the camera image that a late joiner is given, then ten inertial samples, and says what it saw.
#include <iostream>

#include "absl/time/time.h"
#include "robot.shm.h"

namespace {

absl::Status Run() {
  auto camera = robot::CameraSubscriber::Open();
  if (!camera.ok()) return camera.status();
  auto imu = robot::ImuSubscriber::Open();
  if (!imu.ok()) return imu.status();

  auto image = camera->Take(absl::Seconds(30));
  if (!image.ok()) return image.status();
  std::cout << "image " << (*image)->width() << " x " << (*image)->height() << ", " << (*image)->data()->size()
            << " bytes, first " << int{(*image)->data()->Get(0)} << std::endl;

  for (int i = 0; i < 10; ++i) {
    auto sample = imu->Take(absl::Seconds(30));
    if (!sample.ok()) return sample.status();
    std::cout << "imu " << sample->sequence() << ": z " << (*sample)->accel().z() << ", lost " << sample->lost()
              << std::endl;
  }
  return absl::OkStatus();
}

}  // namespace

int main() {
  const absl::Status status = Run();
  if (!status.ok()) std::cerr << status << '\n';
  return status.ok() ? 0 : 1;
}
