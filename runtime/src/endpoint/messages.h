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
#include "shmcomm/options.h"

namespace shmcomm::endpoint {

/// `status`, an error, with the channel's name before its message, unless it has it already.
absl::Status Named(absl::string_view channel, const absl::Status& status);

/// kInvalidArgument: an endpoint's own option is beyond what the channel has; `bound` is " at most" or " exactly".
absl::Status OptionBeyond(const ChannelSpec& spec, const EndpointOptions& options, absl::string_view option, std::uint64_t value,
                          std::uint64_t allowed, absl::string_view bound);
/// kInvalidArgument: an endpoint's own `verify` trusts more than the channel does.
absl::Status VerifyTooLax(const ChannelSpec& spec, const EndpointOptions& options);
/// kInvalidArgument: a subscriber asks a best_effort channel for more.
absl::Status ReliabilityTooStrict(const ChannelSpec& spec, const EndpointOptions& options);

absl::Status Forked(absl::string_view channel);
absl::Status Closed();
absl::Status OutOfMemory();
absl::Status Cancelled(absl::string_view channel);
absl::Status LockLost(absl::string_view channel);
/// kOutOfRange, with the max_size that would do, unless no message can be as large.
absl::Status MessageTooLarge(absl::string_view channel, std::uint64_t bytes, std::uint64_t max_size,
                             absl::string_view declared_at);

/// `, or raise max_loans`. Nothing where that cannot be done: an option that `has` the `most` there can be, and channels that no
/// schema declares.
std::string OrRaise(const layout::MetaHeader& meta, absl::string_view option, std::uint64_t has, std::uint64_t most);

/// kInvalidArgument where an endpoint of `pattern` is opened from the spec of another one.
absl::Status CheckPattern(const ChannelSpec& spec, Pattern pattern);

/// `pid 5301 (worker.py)`.
std::string DescribeProgram(std::uint32_t pid, absl::string_view program);
/// The same of a line's owner, as it described itself.
std::string ReaderOf(const layout::ReaderLine& line);

/// A reliable ring without room; names the subscriber that holds it. `waited_ns` 0: on_full is fail.
absl::Status RingFull(absl::string_view channel, std::uint32_t capacity, std::int64_t waited_ns, absl::string_view slowest);

/// The oldest job or request of a ring without room, by the programs that have to do with it.
struct OldestJob {
  std::string sender;   ///< empty: not known any more
  std::string owner;    ///< empty: nobody has taken it
};
/// A ring whose oldest job is not over.
absl::Status JobsFull(absl::string_view channel, std::uint32_t capacity, std::int64_t waited_ns,
                      const base::RoleNames& roles, const OldestJob& oldest);

/// `9,437,312`
std::string WithCommas(std::uint64_t value);

}  // namespace shmcomm::endpoint
