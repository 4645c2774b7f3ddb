// Generated from language.channel by shmcommc; do not edit.
#pragma once

#include "language_generated.h"
#include "shmcomm/typed.h"

namespace robot::language {

/// Channel 'robot/language/order', pubsub<Order>.
struct OrderChannel {
  using Message = ::robot::language::Order;
  static const ::shmcomm::ChannelSpec& Spec();
};
using OrderPublisher = ::shmcomm::TypedPublisher<OrderChannel>;
using OrderSubscriber = ::shmcomm::TypedSubscriber<OrderChannel>;
using OrderSample = ::shmcomm::TypedSample<::robot::language::Order>;
using OrderLoan = ::shmcomm::TypedLoan<::robot::language::Order>;

}  // namespace robot::language
