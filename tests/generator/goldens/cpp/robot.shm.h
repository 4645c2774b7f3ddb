// Generated from robot.channel by shmcommc; do not edit.
#pragma once

#include "robot_generated.h"
#include "shmcomm/typed.h"

namespace robot {

/// Channel 'robot/imu', pubsub<Imu>.
struct ImuChannel {
  using Message = ::robot::Imu;
  static const ::shmcomm::ChannelSpec& Spec();
};
using ImuPublisher = ::shmcomm::TypedPublisher<ImuChannel>;
using ImuSubscriber = ::shmcomm::TypedSubscriber<ImuChannel>;
using ImuSample = ::shmcomm::TypedSample<::robot::Imu>;

/// Channel 'front/camera', pubsub<Image>.
struct CameraChannel {
  using Message = ::robot::Image;
  static const ::shmcomm::ChannelSpec& Spec();
};
using CameraPublisher = ::shmcomm::TypedPublisher<CameraChannel>;
using CameraSubscriber = ::shmcomm::TypedSubscriber<CameraChannel>;
using CameraSample = ::shmcomm::TypedSample<::robot::Image>;
using CameraLoan = ::shmcomm::TypedLoan<::robot::Image>;

}  // namespace robot
