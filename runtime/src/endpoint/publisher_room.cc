// SPDX-License-Identifier: Apache-2.0
// What a publisher does where its ring has no room: it waits, and says who holds it up.
#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "endpoint/messages.h"
#include "endpoint/publisher_core.h"
#include "endpoint/waiting.h"
#include "ring/claim.h"
#include "segment/mapping.h"
#include "segment/validate.h"

namespace shmcomm::endpoint {
namespace {

// Between the pieces of one wait for room.
constexpr std::int64_t kLongestPauseNs = 1'000'000'000;

/// `pid 4121 (planner)`, as the owner of an id described itself, who may have left since; empty where its file is gone or
/// cannot be read.
std::string WriterOf(const registry::Site& site, std::uint32_t publisher) {
  const std::uint32_t generation = site.ring.publishers[publisher].generation.load(std::memory_order_relaxed);  // for people
  const std::string name = registry::DataFileName(publisher, generation);
  const auto file = platform::OpenFileAt(site.directory, name, segment::AccessToOpen(platform::Access::kRead));
  if (!file.ok()) return "";
  const auto mapping = segment::MapFile(*file, platform::Access::kRead, sizeof(layout::DataHeader));
  if (!mapping.ok()) return "";
  const auto info = segment::ValidateData(absl::MakeSpan((*mapping)->data(), (*mapping)->size()));
  return info.ok() ? DescribeProgram(info->pid, info->program) : "";
}

}  // namespace

/// There may be room, or `timeout_ns` or a sleep of 20 ms has passed. The wait began at `start_ns`.
absl::Status PublisherCore::AwaitRoom(std::int64_t start_ns, std::int64_t timeout_ns) {
  if (room_soon_.Comes([this] { return writer_.HasRoom(); }, timeout_ns)) return absl::OkStatus();
  if (!seat_.membership.IsStillHeld()) return LockLost(name());
  has_claims() ? job_room_.WaitFor(writer_, timeout_ns) : room_.WaitFor(writer_.slowest(), timeout_ns);
  room_soon_.CameAfter(platform::NowNs() - start_ns);
  return absl::OkStatus();
}

absl::Status PublisherCore::CommitWhenRoom(segment::SlotIndex slot) {
  const std::int64_t start_ns = platform::NowNs();
  std::int64_t waited_ns = 0;
  for (;;) {
    if (absl::Status awaited = AwaitRoom(start_ns, publish_timeout_ns_ - waited_ns); !awaited.ok()) return awaited;
    if (is_cancelled()) return Cancelled(name());
    waited_ns = platform::NowNs() - start_ns;
    memory_.slots().Header(slot)->publish_ns = platform::NowNs();
    switch (writer_.Commit(slot)) {
      case ring::Writer::CommitResult::kCommitted:
        return absl::OkStatus();
      case ring::Writer::CommitResult::kCorrupt:
        return Corrupt();
      case ring::Writer::CommitResult::kFull:
        if (waited_ns >= publish_timeout_ns_) return Full(start_ns);
    }
  }
}

absl::StatusOr<bool> PublisherCore::WaitForRoom(absl::Duration timeout) {
  if (!IsThisProcess()) return Forked(name());
  if (writer_.HasRoom()) return true;
  const std::int64_t timeout_ns = WaitNs(timeout);
  const std::int64_t start_ns = platform::NowNs();
  if (!IsSameWait(start_ns)) room_awaited_ns_ = start_ns;
  for (std::int64_t waited_ns = 0;; waited_ns = platform::NowNs() - start_ns) {
    absl::Status awaited = AwaitRoom(start_ns, std::max<std::int64_t>(timeout_ns - waited_ns, 0));
    if (!awaited.ok()) return awaited;
    if (timeout_ns > 0) room_left_ns_ = platform::NowNs();
    if (writer_.HasRoom()) return true;
    if (is_cancelled()) return Cancelled(name());
    if (waited_ns >= timeout_ns) return false;
  }
}

/// Whether a caller that waits in pieces, in WaitForRoom, is still at it.
bool PublisherCore::IsSameWait(std::int64_t start_ns) const {
  return room_left_ns_ != 0 && start_ns - room_left_ns_ < kLongestPauseNs;
}

/// The publish itself has waited since `start_ns`, the caller perhaps longer.
absl::Status PublisherCore::Full(std::int64_t start_ns) {
  const bool has_caller_waited = IsSameWait(start_ns);
  room_left_ns_ = 0;
  std::int64_t waited_ns = 0;
  if (has_caller_waited || publish_timeout_ns_ > 0) {
    waited_ns = platform::NowNs() - (has_caller_waited ? room_awaited_ns_ : start_ns);
  }
  if (has_claims()) return FullOfJobs(waited_ns);
  const layout::ReaderLine& line = channel_.site().readers.lines[writer_.slowest().line];
  return RingFull(name(), channel_.meta().capacity, waited_ns, ReaderOf(line));
}

/// The message a lap ago holds the ring; at this moment perhaps another one does.
absl::Status PublisherCore::FullOfJobs(std::int64_t waited_ns) const {
  if (!IsPlaceHeld()) return LockLost(name());  // first: the writer's file is found through the directory's number
  const registry::Site& site = channel_.site();
  const ring::Sequence head = site.ring.head().load(std::memory_order_acquire);
  const ring::ClaimWord claim{site.readers.ClaimAt(head).load(std::memory_order_acquire)};
  const ring::Entry entry{site.ring.At(head).load(std::memory_order_relaxed)};  // for people
  const bool is_claimed = claim.state() == ring::ClaimState::kClaimed && claim.owner() <= site.readers.count;
  const bool has_owner = is_claimed && claim.owner() != ring::kNobody;
  const std::string owner = has_owner ? ReaderOf(site.readers.lines[claim.owner() - 1]) : "";
  return JobsFull(name(), site.ring.size, waited_ns, site.roles, {WriterOf(site, entry.publisher()), owner});
}

}  // namespace shmcomm::endpoint
