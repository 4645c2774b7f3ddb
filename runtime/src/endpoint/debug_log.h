// SPDX-License-Identifier: Apache-2.0
// What one endpoint tells the log in debug mode (shmcomm/log.h). Endpoints have none otherwise: all that debug mode costs
// them then is to see that.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/compiler.h"
#include "base/role_names.h"
#include "shmcomm/stats.h"

namespace shmcomm::endpoint {

/// One thread at a time, the endpoint's.
class DebugLog {
 public:
  /// Null unless debug mode is on. `channel` outlives it; `roles` names what is sent.
  static std::unique_ptr<DebugLog> IfWanted(const std::string& channel, const base::RoleNames& roles);

  DebugLog(const std::string& channel, const base::RoleNames& roles);
  DebugLog(const DebugLog&) = delete;
  DebugLog& operator=(const DebugLog&) = delete;
  /// Tells that it closes where it told that it opened, unless in a forked child, whose it never was.
  ~DebugLog();

  /// `role` stays valid. Not called for what only serves another endpoint, such as a ring of replies.
  void Opened(const char* role, std::uint32_t number);

  SHMCOMM_COLD void Sent(std::uint64_t sequence, std::uint64_t bytes);
  SHMCOMM_COLD void Received(std::uint64_t sequence, std::uint64_t bytes);
  SHMCOMM_COLD void Lost(std::uint64_t lost_now, std::uint64_t lost_in_all);
  /// Warns where nine tenths are unread.
  SHMCOMM_COLD void Behind(const Backlog& backlog);

 private:
  /// At most once a second.
  class Seldom {
   public:
    bool IsDue();

   private:
    std::int64_t next_ns_ = 0;
  };

  const std::string& channel_;
  const char* noun_;
  const char* role_ = nullptr;
  std::uint32_t number_ = 0;
  std::uint32_t fork_generation_;
  Seldom lost_;
  Seldom behind_;
};

}  // namespace shmcomm::endpoint
