// SPDX-License-Identifier: Apache-2.0
// The words of errors that several endpoints give.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace shmcomm::endpoint {

/// `status` with the channel's name before its message, unless it has it already.
absl::Status Named(absl::string_view channel, const absl::Status& status);

absl::Status Forked(absl::string_view channel);
absl::Status Closed();
absl::Status LockLost(absl::string_view channel);
absl::Status MessageTooLarge(absl::string_view channel, std::uint64_t bytes, std::uint64_t max_size,
                             absl::string_view declared_at);

/// A reliable ring without room; names the subscriber that holds it. `waited_ns` 0: on_full is fail.
absl::Status RingFull(absl::string_view channel, std::uint32_t capacity, std::int64_t waited_ns, std::uint32_t pid,
                      absl::string_view program);

/// `9,437,312`
std::string WithCommas(std::uint64_t value);

}  // namespace shmcomm::endpoint
