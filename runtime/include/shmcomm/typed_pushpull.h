// SPDX-License-Identifier: Apache-2.0
// Typed pushers and pullers. A generated pushpull channel is a type `Channel` with
//   using Message = robot::Job;  static const shmcomm::ChannelSpec& Spec();
#pragma once

namespace shmcomm {

template <class Channel>
class TypedPusher;   // not available yet

template <class Channel>
class TypedPuller;   // not available yet

}  // namespace shmcomm
