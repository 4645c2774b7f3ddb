// SPDX-License-Identifier: Apache-2.0
// Publishes one camera image, then inertial samples at 200 Hz until it is stopped. Argument: how many samples, default
// no end.
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <thread>

#include "robot.shm.h"

namespace {

std::uint64_t NowNs() {
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

absl::Status PublishImage(robot::CameraPublisher& camera) {
  constexpr std::uint32_t kWidth = 320, kHeight = 240;
  auto loan = camera.Loan();
  if (!loan.ok()) return loan.status();
  std::uint8_t* pixels = nullptr;
  auto data = loan->builder().CreateUninitializedVector(kWidth * kHeight * 3, 1, &pixels);
  std::memset(pixels, 128, kWidth * kHeight * 3);  // written where subscribers read it
  auto image = robot::CreateImage(loan->builder(), NowNs(), kWidth, kHeight, robot::Encoding_Rgb8, data);
  return camera.Publish(*std::move(loan), image);
}

absl::Status Run(std::uint64_t samples) {
  auto camera = robot::CameraPublisher::Open();
  if (!camera.ok()) return camera.status();
  auto imu = robot::ImuPublisher::Open();
  if (!imu.ok()) return imu.status();
  if (absl::Status published = PublishImage(*camera); !published.ok()) return published;
  for (std::uint64_t i = 0; i < samples; ++i) {
    const robot::Vec3 accel(0, 0, 9.81f), gyro(0, 0, static_cast<float>(i));
    if (absl::Status published = imu->Publish(robot::Imu(NowNs(), accel, gyro)); !published.ok()) return published;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  const absl::Status status = Run(argc > 1 ? std::strtoull(argv[1], nullptr, 10) : UINT64_MAX);
  if (!status.ok()) std::cerr << status << '\n';
  return status.ok() ? 0 : 1;
}
