// SPDX-License-Identifier: Apache-2.0
#include "endpoint/debug_log.h"

#include <algorithm>
#include <new>

#include "absl/strings/str_cat.h"
#include "endpoint/log.h"
#include "platform/os.h"

namespace shmcomm::endpoint {
namespace {

/// A text that finds no memory is left out: it must not change what the endpoint does.
template <class... Parts>
void Tell(LogLevel level, const Parts&... parts) {
  if (!IsLogging()) return;
  try {
    Log(level, absl::StrCat(parts...));
  } catch (const std::bad_alloc&) {
    return;
  }
}

}  // namespace

std::unique_ptr<DebugLog> DebugLog::IfWanted(const std::string& channel, const base::RoleNames& roles) {
  return IsDebugMode() ? std::make_unique<DebugLog>(channel, roles) : nullptr;
}

DebugLog::DebugLog(const std::string& channel, const base::RoleNames& roles)
    : channel_(channel), noun_(roles.message), fork_generation_(platform::ForkGeneration()) {}

DebugLog::~DebugLog() {
  if (role_ == nullptr || platform::ForkGeneration() != fork_generation_) return;
  Tell(LogLevel::kDebug, channel_, ": ", role_, " ", number_, " closed");
}

void DebugLog::Opened(const char* role, std::uint32_t number) {
  role_ = role;
  number_ = number;
  Tell(LogLevel::kDebug, channel_, ": ", role_, " ", number_, " opened");
}

void DebugLog::Sent(std::uint64_t sequence, std::uint64_t bytes) {
  Tell(LogLevel::kDebug, channel_, ": sent ", noun_, " ", sequence, ", ", bytes, " B");
}

void DebugLog::Received(std::uint64_t sequence, std::uint64_t bytes) {
  Tell(LogLevel::kDebug, channel_, ": received ", noun_, " ", sequence, ", ", bytes, " B");
}

void DebugLog::Lost(std::uint64_t lost_now, std::uint64_t lost_in_all) {
  if (!lost_.IsDue()) return;
  Tell(LogLevel::kWarning, channel_, ": lost ", lost_now, " messages, ", lost_in_all,
       " in all, because they were not received in time");
}

void DebugLog::Behind(const Backlog& backlog) {
  if (backlog.unread * 10 < backlog.limit * 9 || !behind_.IsDue()) return;
  const std::uint64_t unread = std::min(backlog.unread, backlog.limit);
  Tell(LogLevel::kWarning, channel_, ": ring ", unread * 100 / backlog.limit, " % full, drops likely: ", unread, " of ",
       backlog.limit, " messages unread; receive faster, or give the channel a larger capacity");
}

bool DebugLog::Seldom::IsDue() {
  const std::int64_t now_ns = platform::NowNs();
  if (now_ns < next_ns_) return false;
  next_ns_ = now_ns + 1'000'000'000;
  return true;
}

}  // namespace shmcomm::endpoint
