// Generated from newer.channel by shmcommc; do not edit.
#pragma once

#include "newer_generated.h"
#include "shmcomm/typed.h"

namespace robot::newer {

/// Channel 'robot/newer/order', pubsub<Order>.
struct OrderChannel {
  using Message = ::robot::newer::Order;
  static const ::shmcomm::ChannelSpec& Spec();
};
using OrderPublisher = ::shmcomm::TypedPublisher<OrderChannel>;
using OrderSubscriber = ::shmcomm::TypedSubscriber<OrderChannel>;
using OrderSample = ::shmcomm::TypedSample<::robot::newer::Order>;
using OrderLoan = ::shmcomm::TypedLoan<::robot::newer::Order>;

}  // namespace robot::newer
