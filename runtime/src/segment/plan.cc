// SPDX-License-Identifier: Apache-2.0
#include "segment/plan.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "segment/layout.h"

namespace shmcomm::segment {
namespace {

// Slots up to this many bytes in all are committed at once; it costs less than asking at each first use.
constexpr std::uint64_t kDenseBytes = std::uint64_t{1} << 20;

// Ends of page-aligned slots would all fall into the same cache sets: three pairs of lines apart they do not, and the
// header stays in one pair with the end of its message.
constexpr std::uint32_t kStagger = 6 * layout::kCacheLine;

constexpr std::uint64_t RoundUp(std::uint64_t value, std::uint64_t unit) { return (value + unit - 1) / unit * unit; }

absl::Status CheckRange(const char* option, std::uint64_t value, std::uint64_t low, std::uint64_t high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(option, " is ", value, ", allowed are ", low, " to ", high));
}

}  // namespace

std::uint32_t EntriesFor(const Qos& qos) {
  const std::uint32_t wanted = std::max({layout::kMinEntries, qos.capacity, qos.history + 1});
  std::uint32_t entries = layout::kMinEntries;
  while (entries < wanted) entries *= 2;
  return entries;
}

base::RoleNames RolesOf(Pattern pattern) {
  switch (pattern) {
    case Pattern::kPubSub:
      break;
    case Pattern::kReqRep:
      return base::kReqRepRoles;
    case Pattern::kPushPull:
      return base::kPushPullRoles;
  }
  return base::kPubSubRoles;
}

absl::Status CheckQos(const ChannelSpec& spec) {
  const Qos& qos = spec.qos;
  const base::RoleNames roles = RolesOf(spec.pattern);
  const std::uint32_t most_readers = spec.pattern == Pattern::kPubSub ? layout::kMaxSubscribers : layout::kMaxPullers;
  const absl::Status checks[] = {
      CheckRange("history", qos.history, 0, layout::kMaxEntries - 1),
      CheckRange("capacity", qos.capacity, 1, layout::kMaxEntries),
      CheckRange("max_size", qos.max_size, 1, layout::kMaxMessageBytes),
      CheckRange(roles.max_writers, qos.max_publishers, 1, layout::kMaxPublishers),
      CheckRange(roles.max_readers, qos.max_subscribers, 1, most_readers),
      CheckRange("max_borrowed", qos.max_borrowed, 1, layout::kMaxHazards),
      CheckRange("max_loans", qos.max_loans, 1, layout::kMaxLoans),
      CheckRange("max_attempts", qos.max_attempts, 1, layout::kMaxAttempts),
  };
  for (const absl::Status& check : checks) {
    if (!check.ok()) return check;
  }
  if (spec.pattern != Pattern::kReqRep) return absl::OkStatus();
  if (absl::Status s = CheckRange("max_reply_size", qos.max_reply_size, 1, layout::kMaxMessageBytes); !s.ok()) return s;
  return CheckRange("max_in_flight", qos.max_in_flight, 1, layout::kMaxInFlight);
}

absl::StatusOr<DataPlan> PlanData(const DataRequest& request) {
  const std::uint64_t slots = std::uint64_t{request.entries} +
                              std::uint64_t{request.max_subscribers} * request.max_borrowed + request.max_loans + 1;
  if (slots > layout::kMaxSlots) {
    return absl::InvalidArgumentError(absl::StrCat("a publisher would need ", slots, " slots (ring ", request.entries,
                                                   " + subscribers x borrowed + loans + 1), the format holds ",
                                                   layout::kMaxSlots, "; lower capacity or max_subscribers"));
  }
  DataPlan plan;
  plan.slots = static_cast<std::uint32_t>(slots);
  const std::uint64_t header_end = sizeof(layout::DataHeader) + request.descriptor_bytes;
  const std::uint64_t dense_stride = RoundUp(request.max_message_bytes, layout::kCacheLine) + sizeof(layout::SlotHeader);
  plan.is_dense = request.is_struct && dense_stride * slots <= kDenseBytes;
  if (plan.is_dense) {
    plan.stride = dense_stride;
    // Pairs of lines are fetched together: a 64-byte struct and its header make one pair.
    plan.slots_offset = RoundUp(header_end, 2 * layout::kCacheLine);
    plan.fresh_first = plan.slots;
    plan.fresh_first_large = plan.slots;
  } else {
    // The builder grows by halves and keeps its scratch at the low end, so half as much again always suffices.
    const std::uint64_t room = request.is_struct ? request.max_message_bytes
                                                 : request.max_message_bytes + request.max_message_bytes / 2 + request.page_bytes;
    plan.stagger = kStagger;
    plan.stride = RoundUp(room + sizeof(layout::SlotHeader) + 7 * kStagger, request.page_bytes);
    plan.slots_offset = RoundUp(header_end, request.page_bytes);
    // Every slot ever used keeps its pages.
    plan.fresh_first = std::min(plan.slots, 2 * request.entries + request.max_loans + 1);
    plan.fresh_first_large = std::min(plan.slots, request.entries + request.entries / 2 + request.max_loans + 1);
  }
  plan.file_bytes = RoundUp(plan.slots_offset + plan.stride * slots, request.page_bytes);
  return plan;
}

}  // namespace shmcomm::segment
