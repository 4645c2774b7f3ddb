// SPDX-License-Identifier: Apache-2.0
// Endpoints of every pattern in one fixture, for what has to hold for all of them.
#pragma once

#include <cstdint>
#include <utility>

#include "shmcomm/puller.h"
#include "shmcomm/pusher.h"
#include "support/reqrep_channels.h"

namespace shmcomm::test {

/// Jobs that are numbers.
inline ChannelSpec JobsSpec() {
  ChannelSpec spec = NumbersSpec();
  spec.name = "test/jobs";
  spec.declared_at = "test.channel:4";
  spec.pattern = Pattern::kPushPull;
  spec.qos.max_subscribers = 4;
  return spec;
}

inline absl::Status PushNumber(Pusher& pusher, std::uint64_t value, absl::Duration timeout) {
  const Numbers numbers{value, {}};
  return pusher.PushCopy(&numbers, sizeof(numbers), Codec::kStruct, timeout);
}

class AllPatternsTest : public ReqRepTest {
 protected:
  PusherOptions PusherHere() const {
    PusherOptions options;
    options.root = root_.path();
    return options;
  }
  PullerOptions PullerHere() const {
    PullerOptions options;
    options.root = root_.path();
    options.spin = absl::ZeroDuration();
    return options;
  }
  Pusher OpenPusher(const ChannelSpec& spec) const {
    auto pusher = Pusher::Open(spec, PusherHere());
    EXPECT_TRUE(pusher.ok()) << pusher.status();
    return *std::move(pusher);
  }
  Puller OpenPuller(const ChannelSpec& spec) const {
    auto puller = Puller::Open(spec, PullerHere());
    EXPECT_TRUE(puller.ok()) << puller.status();
    return *std::move(puller);
  }
};

}  // namespace shmcomm::test
