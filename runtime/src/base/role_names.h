// SPDX-License-Identifier: Apache-2.0
// What the two ends of a channel, and the options that limit them, are called in its pattern. For errors.
#pragma once

namespace shmcomm::base {

struct RoleNames {
  const char* writer;
  const char* max_writers;
  const char* reader;
  const char* max_readers;
  const char* message;
};

inline constexpr RoleNames kPubSubRoles{"publisher", "max_publishers", "subscriber", "max_subscribers", "message"};
inline constexpr RoleNames kReqRepRoles{"requester", "max_requesters", "replier", "max_repliers", "request"};
inline constexpr RoleNames kPushPullRoles{"pusher", "max_pushers", "puller", "max_pullers", "job"};

}  // namespace shmcomm::base
