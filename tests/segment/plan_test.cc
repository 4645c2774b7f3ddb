// SPDX-License-Identifier: Apache-2.0
#include "segment/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "segment/layout.h"
#include "segment/slots.h"

namespace shmcomm::segment {
namespace {

using ::testing::HasSubstr;

Qos QosWith(const std::function<void(Qos&)>& change) {
  Qos qos;
  change(qos);
  return qos;
}

ChannelSpec SpecWith(const std::function<void(Qos&)>& change) {
  ChannelSpec spec;
  spec.qos = QosWith(change);
  return spec;
}

TEST(EntriesFor, IsTheNextPowerOfTwoOfAtLeastSixteen) {
  EXPECT_EQ(EntriesFor(QosWith([](Qos& q) { q.capacity = 1; })), 16u);
  EXPECT_EQ(EntriesFor(QosWith([](Qos& q) { q.capacity = 16; })), 16u);
  EXPECT_EQ(EntriesFor(QosWith([](Qos& q) { q.capacity = 17; })), 32u);
  EXPECT_EQ(EntriesFor(QosWith([](Qos& q) { q.capacity = 32768; })), 32768u);
}

TEST(EntriesFor, HoldsOneMoreThanTheHistory) {
  EXPECT_EQ(EntriesFor(QosWith([](Qos& q) { q.history = 15; })), 16u);
  EXPECT_EQ(EntriesFor(QosWith([](Qos& q) { q.history = 16; })), 32u);
  EXPECT_EQ(EntriesFor(QosWith([](Qos& q) { q.history = 32767; })), 32768u);
}

struct Range {
  const char* option;
  std::function<void(Qos&, std::uint64_t)> set;
  std::uint64_t low;
  std::uint64_t high;
};

const Range kRanges[] = {
    {"history", [](Qos& q, std::uint64_t v) { q.history = static_cast<std::uint32_t>(v); }, 0, 32767},
    {"capacity", [](Qos& q, std::uint64_t v) { q.capacity = static_cast<std::uint32_t>(v); }, 1, 32768},
    {"max_size", [](Qos& q, std::uint64_t v) { q.max_size = v; }, 1, (std::uint64_t{1} << 31) - 64},
    {"max_publishers", [](Qos& q, std::uint64_t v) { q.max_publishers = static_cast<std::uint32_t>(v); }, 1, 255},
    {"max_subscribers", [](Qos& q, std::uint64_t v) { q.max_subscribers = static_cast<std::uint32_t>(v); }, 1, 1024},
    {"max_borrowed", [](Qos& q, std::uint64_t v) { q.max_borrowed = static_cast<std::uint32_t>(v); }, 1, 6},
    {"max_loans", [](Qos& q, std::uint64_t v) { q.max_loans = static_cast<std::uint32_t>(v); }, 1, 8},
    {"max_attempts", [](Qos& q, std::uint64_t v) { q.max_attempts = static_cast<std::uint32_t>(v); }, 1, 15},
};

TEST(CheckQos, AllowsNoMorePullersThanAClaimCanName) {
  ChannelSpec spec = SpecWith([](Qos& q) { q.max_subscribers = 256; });
  ASSERT_TRUE(CheckQos(spec).ok());
  spec.pattern = Pattern::kPushPull;

  const absl::Status status = CheckQos(spec);

  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("max_pullers is 256, allowed are 1 to 255"));
}

TEST(CheckQos, AcceptsBothEndsOfEveryRange) {
  for (const Range& range : kRanges) {
    for (const std::uint64_t value : {range.low, range.high}) {
      EXPECT_TRUE(CheckQos(SpecWith([&](Qos& q) { range.set(q, value); })).ok()) << range.option << " " << value;
    }
  }
}

TEST(CheckQos, RefusesWhatIsOutsideAndSaysWhatAndWhy) {
  for (const Range& range : kRanges) {
    for (const std::uint64_t value : {range.low - 1, range.high + 1}) {
      if (range.low == 0 && value == range.low - 1) continue;
      const absl::Status status = CheckQos(SpecWith([&](Qos& q) { range.set(q, value); }));

      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << range.option;
      EXPECT_THAT(std::string(status.message()), HasSubstr(range.option));
      EXPECT_THAT(std::string(status.message()), HasSubstr(std::to_string(value)));
      EXPECT_THAT(std::string(status.message()), HasSubstr(std::to_string(range.high)));
    }
  }
}

DataRequest Request(std::uint64_t message_bytes, bool is_struct) {
  DataRequest request;
  request.entries = 16;
  request.max_subscribers = 16;
  request.max_borrowed = 4;
  request.max_loans = 2;
  request.max_message_bytes = message_bytes;
  request.is_struct = is_struct;
  return request;
}

TEST(PlanData, GivesEveryHolderASlot) {
  const auto plan = PlanData(Request(100, true));

  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->slots, 16u + 16 * 4 + 2 + 1);
}

TEST(PlanData, LaysSmallStructsDensely) {
  DataRequest request = Request(100, true);
  request.descriptor_bytes = 1000;

  const auto plan = PlanData(request);

  ASSERT_TRUE(plan.ok());
  EXPECT_TRUE(plan->is_dense);
  EXPECT_EQ(plan->stride, 128u + 64);
  EXPECT_EQ(plan->stagger, 0u);
  EXPECT_EQ(plan->slots_offset, 1280u);  // 192 + 1000, rounded up to a pair of lines
  EXPECT_EQ(plan->file_bytes, 20480u);   // 1280 + 83 * 192, rounded up to pages
  EXPECT_EQ(plan->fresh_first, plan->slots);
}

TEST(PlanData, GivesLargeStructsPagesOfTheirOwn) {
  const auto plan = PlanData(Request(100'000, true));

  ASSERT_TRUE(plan.ok());
  EXPECT_FALSE(plan->is_dense);
  EXPECT_EQ(plan->stride % 4096, 0u);
  EXPECT_LT(plan->stride, 100'000u + 2 * 4096);
}

TEST(PlanData, GivesTablesHalfAsMuchAgain) {
  const auto plan = PlanData(Request(1 << 20, false));

  ASSERT_TRUE(plan.ok());
  EXPECT_FALSE(plan->is_dense);
  EXPECT_EQ(plan->stride % 4096, 0u);
  EXPECT_GE(plan->stride, (3u << 19) + sizeof(layout::SlotHeader) + 7 * plan->stagger);
}

TEST(PlanData, SparesFreshSlotsOfTablesMoreForLargeMessages) {
  const auto plan = PlanData(Request(1000, false));

  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->fresh_first, 2u * 16 + 2 + 1);
  EXPECT_EQ(plan->fresh_first_large, 16u + 8 + 2 + 1);
}

TEST(PlanData, NeverPlansMoreFreshSlotsThanThereAre) {
  DataRequest request = Request(1000, false);
  request.max_subscribers = 1;
  request.max_borrowed = 1;

  const auto plan = PlanData(request);

  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->slots, 20u);
  EXPECT_EQ(plan->fresh_first, 20u);
  EXPECT_EQ(plan->fresh_first_large, 20u);
}

TEST(PlanData, ReachesAsFarAsTheFormat) {
  DataRequest request = Request(8, true);
  request.entries = 32768;
  request.max_subscribers = 5460;
  request.max_borrowed = 6;
  request.max_loans = 6;

  const auto plan = PlanData(request);

  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->slots, 65535u);
}

TEST(PlanData, RefusesOneSlotMoreThanTheFormatHolds) {
  DataRequest request = Request(8, true);
  request.entries = 32768;
  request.max_subscribers = 5460;
  request.max_borrowed = 6;
  request.max_loans = 7;

  const auto plan = PlanData(request);

  EXPECT_EQ(plan.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(plan.status().message()), HasSubstr("65536"));
  EXPECT_THAT(std::string(plan.status().message()), HasSubstr("lower capacity or max_subscribers"));
}

TEST(PlanData, HoldsTheLargestOfEverything) {
  DataRequest request = Request(layout::kMaxMessageBytes, false);
  request.entries = 32768;
  request.max_subscribers = 1024;
  request.max_borrowed = 6;
  request.max_loans = 8;

  const auto plan = PlanData(request);

  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->slots, 32768u + 6144 + 8 + 1);
  EXPECT_GE(plan->file_bytes, plan->stride * plan->slots);
  EXPECT_LT(plan->file_bytes, std::uint64_t{1} << 47);  // user address space
}

TEST(SlotTable, EndsEachSlotWithItsHeaderBelowTheNext) {
  for (const bool is_struct : {true, false}) {
    const auto plan = PlanData(Request(1000, is_struct));
    ASSERT_TRUE(plan.ok());
    const SlotTable table{nullptr, plan->stride, plan->slots, plan->stagger};

    for (std::uint16_t s = 0; s < plan->slots; ++s) {
      EXPECT_LE(table.EndOffset(SlotIndex{s}), (s + 1) * plan->stride);
      EXPECT_GE(table.EndOffset(SlotIndex{s}) - sizeof(layout::SlotHeader) - table.Room(), s * plan->stride);
      EXPECT_EQ(table.EndOffset(SlotIndex{s}) % layout::kCacheLine, 0u);
    }
    EXPECT_GE(table.Room(), 1000u);
  }
}

TEST(SlotTable, PutsMessageAndHeaderAgainstEachOther) {
  alignas(64) std::byte bytes[512];
  const SlotTable table{bytes, 256, 2, 0};

  EXPECT_EQ(table.MessageEnd(SlotIndex{1}), bytes + 512 - 64);
  EXPECT_EQ(reinterpret_cast<std::byte*>(table.Header(SlotIndex{1})), bytes + 512 - 64);
  EXPECT_EQ(table.Room(), 192u);
}

TEST(SlotTable, StaggersEightSlots) {
  const SlotTable table{nullptr, 4096, 16, 384};

  EXPECT_EQ(table.EndOffset(SlotIndex{0}), 4096u);
  EXPECT_EQ(table.EndOffset(SlotIndex{7}), 8 * 4096u - 7 * 384);
  EXPECT_EQ(table.EndOffset(SlotIndex{8}), 9 * 4096u);
}

}  // namespace
}  // namespace shmcomm::segment
