// Generated from everything.channel by shmcommc; do not edit.
#pragma once

#include "everything_generated.h"
#include "shmcomm/typed.h"

namespace robot::deep {

/// All of it.
/// Channel 'robot/deep/all', pubsub<All>.
struct AllChannel {
  using Message = ::robot::deep::All;
  static const ::shmcomm::ChannelSpec& Spec();
};
using AllPublisher = ::shmcomm::TypedPublisher<AllChannel>;
using AllSubscriber = ::shmcomm::TypedSubscriber<AllChannel>;
using AllSample = ::shmcomm::TypedSample<::robot::deep::All>;
using AllLoan = ::shmcomm::TypedLoan<::robot::deep::All>;

/// Channel 'robot/deep/p', pubsub<P>.
struct PChannel {
  using Message = ::robot::deep::P;
  static const ::shmcomm::ChannelSpec& Spec();
};
using PPublisher = ::shmcomm::TypedPublisher<PChannel>;
using PSubscriber = ::shmcomm::TypedSubscriber<PChannel>;
using PSample = ::shmcomm::TypedSample<::robot::deep::P>;

}  // namespace robot::deep
