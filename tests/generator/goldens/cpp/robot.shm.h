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

/// Channel 'robot/drive', reqrep<Twist, Ack>.
struct DriveChannel {
  using Request = ::robot::Twist;
  using Reply = ::robot::Ack;
  static const ::shmcomm::ChannelSpec& Spec();
};
using DriveRequester = ::shmcomm::TypedRequester<DriveChannel>;
using DriveReplier = ::shmcomm::TypedReplier<DriveChannel>;
using DriveRequestSample = ::shmcomm::TypedRequest<DriveChannel>;
using DriveRequestLoan = ::shmcomm::TypedLoan<::robot::Twist>;
using DriveReplySample = ::shmcomm::TypedSample<::robot::Ack>;
using DriveReplyLoan = ::shmcomm::TypedLoan<::robot::Ack>;

/// Channel 'robot/tiles', pushpull<Job>.
struct TilesChannel {
  using Message = ::robot::Job;
  static const ::shmcomm::ChannelSpec& Spec();
};
using TilesPusher = ::shmcomm::TypedPusher<TilesChannel>;
using TilesPuller = ::shmcomm::TypedPuller<TilesChannel>;
using TilesSample = ::shmcomm::TypedJob<::robot::Job>;
using TilesLoan = ::shmcomm::TypedLoan<::robot::Job>;

}  // namespace robot
