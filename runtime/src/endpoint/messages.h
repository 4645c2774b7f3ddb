// SPDX-License-Identifier: Apache-2.0
// The words of errors that several endpoints give.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/role_names.h"
#include "segment/layout.h"
#include "shmcomm/channel_spec.h"

namespace shmcomm::endpoint {

/// `status` with the channel's name before its message, unless it has it already.
absl::Status Named(absl::string_view channel, const absl::Status& status);

absl::Status Forked(absl::string_view channel);
absl::Status Closed();
absl::Status OutOfMemory();
absl::Status Cancelled(absl::string_view channel);
absl::Status LockLost(absl::string_view channel);
absl::Status MessageTooLarge(absl::string_view channel, std::uint64_t bytes, std::uint64_t max_size,
                             absl::string_view declared_at);

/// kInvalidArgument where an endpoint of `pattern` is opened from the spec of another one.
absl::Status CheckPattern(const ChannelSpec& spec, Pattern pattern);

/// `pid 5301 (worker.py)`, as the line's owner described itself.
std::string ReaderOf(const layout::ReaderLine& line);

/// A reliable ring without room; names the subscriber that holds it. `waited_ns` 0: on_full is fail.
absl::Status RingFull(absl::string_view channel, std::uint32_t capacity, std::int64_t waited_ns, absl::string_view slowest);

/// A ring full of jobs that are not over; `owner` has the oldest, empty: nobody has taken it.
absl::Status JobsFull(absl::string_view channel, std::uint32_t capacity, std::int64_t waited_ns,
                      const base::RoleNames& roles, absl::string_view owner);

/// `9,437,312`
std::string WithCommas(std::uint64_t value);

}  // namespace shmcomm::endpoint
