// SPDX-License-Identifier: Apache-2.0
#include "endpoint/messages.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "segment/plan.h"

namespace shmcomm::endpoint {
namespace {

/// ` after 250ms`; nothing where nobody waited.
std::string AfterWaiting(std::int64_t waited_ns) {
  if (waited_ns <= 0) return "";
  return absl::StrCat(" after ", absl::FormatDuration(absl::Milliseconds(waited_ns / 1'000'000)));
}

/// How to do without an option that does not fit its channel, which can be changed only where a schema declares it.
std::string LeaveOut(const ChannelSpec& spec) {
  const absl::string_view place = spec.declared_at;
  if (place.empty() && spec.message.fingerprint == 0) return "; leave it out, or give what the channel allows";
  return absl::StrCat("; leave it out, or change the channel", place.empty() ? "" : " at ", place);
}

absl::Status BadOption(const ChannelSpec& spec, const EndpointOptions& options, const std::string& what) {
  const absl::string_view name = options.channel.empty() ? absl::string_view(spec.name) : options.channel;
  return absl::InvalidArgumentError(absl::StrCat("channel '", name, "': option ", what, LeaveOut(spec)));
}

/// A max_size for a message of `bytes`: rounded up, with room for one more of the kind.
std::string FittingSize(std::uint64_t bytes) {
  constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
  constexpr std::uint64_t kKiB = std::uint64_t{1} << 10;
  if (bytes < kMiB) return absl::StrCat((bytes + kKiB - 1) / kKiB, "KiB");
  const std::uint64_t mebibytes = (bytes + kMiB - 1) / kMiB;
  return mebibytes * kMiB > layout::kMaxMessageBytes ? absl::StrCat(bytes) : absl::StrCat(mebibytes, "MiB");
}

}  // namespace

absl::Status Named(absl::string_view channel, const absl::Status& status) {
  const bool has_name = absl::StartsWith(status.message(), "channel '") || absl::StartsWith(status.message(), channel);
  if (has_name) return status;
  return absl::Status(status.code(), absl::StrCat("channel '", channel, "': ", status.message()));
}

absl::Status OptionBeyond(const ChannelSpec& spec, const EndpointOptions& options, absl::string_view option, std::uint64_t value,
                          std::uint64_t allowed, absl::string_view bound) {
  return BadOption(spec, options, absl::StrCat(option, " is ", value, ", the channel allows ", allowed, bound));
}

absl::Status VerifyTooLax(const ChannelSpec& spec, const EndpointOptions& options) {
  return BadOption(spec, options, "verify may only be stricter than the channel's");
}

absl::Status ReliabilityTooStrict(const ChannelSpec& spec, const EndpointOptions& options) {
  return BadOption(spec, options, "reliability asks for reliable, and the channel is best_effort, its publishers do not wait");
}

absl::Status Forked(absl::string_view channel) {
  return absl::FailedPreconditionError(
      absl::StrCat(channel, ": this endpoint was opened before fork() and belongs to the parent; open one in the child"));
}

absl::Status OutOfMemory() {
  try {
    return absl::ResourceExhaustedError("out of memory");
  } catch (const std::bad_alloc&) {
    return absl::Status(absl::StatusCode::kResourceExhausted, "");  // the code alone needs no memory
  }
}

absl::Status LockLost(absl::string_view channel) {
  return absl::FailedPreconditionError(absl::StrCat(
      channel, ": the descriptors of this process were closed under the endpoint (daemonise, close_range); its lock is "
               "gone: open endpoints afterwards"));
}

absl::Status Cancelled(absl::string_view channel) {
  return absl::CancelledError(
      absl::StrCat(channel, ": the endpoint was cancelled or closed during the wait; open another one to go on"));
}

absl::Status Closed() { return absl::FailedPreconditionError("the endpoint is closed; open another one"); }

absl::Status MessageTooLarge(absl::string_view channel, std::uint64_t bytes, std::uint64_t max_size,
                             absl::string_view declared_at) {
  const std::string remedy = bytes > layout::kMaxMessageBytes
                                 ? absl::StrCat("no message can have more than ", WithCommas(layout::kMaxMessageBytes), " B: send parts")
                                 : absl::StrCat("set max_size: ", FittingSize(bytes), declared_at.empty() ? "" : " at ", declared_at);
  return absl::OutOfRangeError(absl::StrCat(channel, ": message is ", WithCommas(bytes), " B, max_size is ",
                                            WithCommas(max_size), " B; ", remedy));
}

std::string OrRaise(const layout::MetaHeader& meta, absl::string_view option, std::uint64_t has, std::uint64_t most) {
  const bool is_declared = meta.fingerprint != 0 || meta.declared_at[0] != '\0';
  return is_declared && has < most ? absl::StrCat(", or raise ", option) : "";
}

absl::Status CheckPattern(const ChannelSpec& spec, Pattern pattern) {
  if (spec.pattern == pattern) return absl::OkStatus();
  const base::RoleNames has = segment::RolesOf(spec.pattern);
  const base::RoleNames wanted = segment::RolesOf(pattern);
  return absl::InvalidArgumentError(absl::StrCat("channel '", spec.name, "' has ", has.writer, "s and ", has.reader, "s, no ",
                                                 wanted.writer, "s and ", wanted.reader,
                                                 "s; open one of those, or another channel"));
}

std::string DescribeProgram(std::uint32_t pid, absl::string_view program) {
  std::string printable(program);
  std::replace_if(printable.begin(), printable.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, '?');
  return absl::StrCat("pid ", pid, " (", printable, ")");
}

std::string ReaderOf(const layout::ReaderLine& line) {
  return DescribeProgram(base::LoadPlain(line.pid), {line.program, strnlen(line.program, sizeof(line.program))});
}

absl::Status RingFull(absl::string_view channel, std::uint32_t capacity, std::int64_t waited_ns, absl::string_view slowest) {
  return absl::ResourceExhaustedError(absl::StrCat(
      channel, ": ring full, ", capacity, " of ", capacity, " unread", AfterWaiting(waited_ns), "; slowest subscriber ", slowest,
      " is ", capacity, " behind\n  options: a faster subscriber, a larger capacity, reliability: best_effort, or on_full: fail"));
}

absl::Status JobsFull(absl::string_view channel, std::uint32_t capacity, std::int64_t waited_ns,
                      const base::RoleNames& roles, const OldestJob& oldest) {
  const std::string sender = oldest.sender.empty() ? absl::StrCat("a ", roles.writer, " that is not known any more")
                                                   : absl::StrCat(roles.writer, " ", oldest.sender);
  const std::string owner = oldest.owner.empty() ? absl::StrCat("no ", roles.reader, " has taken it")
                                                 : absl::StrCat(roles.reader, " ", oldest.owner, " has it");
  const std::string remedy = oldest.owner.empty() ? absl::StrCat("more ", roles.reader, "s")
                                                  : absl::StrCat("end that ", roles.message, " (or that ", roles.reader, ")");
  return absl::ResourceExhaustedError(absl::StrCat(
      channel, ": ring full, ", capacity, " of ", capacity, " not free", AfterWaiting(waited_ns), ": the oldest ", roles.message,
      " is not over; ", sender, " sent it, ", owner, "\n  options: ", remedy, ", a larger capacity, or on_full: fail"));
}

std::string WithCommas(std::uint64_t value) {
  std::string digits = absl::StrCat(value);
  for (std::size_t from_end = 3; from_end < digits.size(); from_end += 4) digits.insert(digits.size() - from_end, ",");
  return digits;
}

}  // namespace shmcomm::endpoint
