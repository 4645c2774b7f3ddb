// SPDX-License-Identifier: Apache-2.0
#include "ring/segments.h"

#include <gtest/gtest.h>

#include "support/hand_laid.h"

namespace shmcomm::ring {
namespace {

constexpr std::uint32_t kSlots = 4;

// Message 40 of publisher 3, generation 2, 24 bytes in slot 1; each test breaks one thing.
class Resolving : public testing::Test {
 protected:
  Resolving() : slots_(kSlots) {
    publisher_.generation = 2;
    publisher_.start_sequence = 30;
    publisher_.max_message_bytes = 48;
    publisher_.slots = slots_.table();
    held_.entry = Entry::Make(3, 3, SlotIndex{1});
    held_.sequence = 40;
    slots_.header(1).sequence = 40;
    slots_.header(1).message_bytes = 24;
  }

  Resolution ResolveNow() const { return Resolve(publisher_, 2, held_).resolution; }

  test::LaidSlots slots_;
  MappedPublisher publisher_;
  Held held_;
};

TEST_F(Resolving, FindsTheMessageBelowItsHeader) {
  const Resolved resolved = Resolve(publisher_, 2, held_);

  ASSERT_EQ(resolved.resolution, Resolution::kMessage);
  EXPECT_EQ(resolved.header, &slots_.header(1));
  EXPECT_EQ(resolved.bytes, 24u);
  EXPECT_EQ(resolved.message + resolved.bytes, reinterpret_cast<const std::byte*>(resolved.header));
}

TEST_F(Resolving, AcceptsAnEmptyAndALargestMessage) {
  for (const std::uint32_t bytes : {0u, 48u}) {
    slots_.header(1).message_bytes = bytes;

    EXPECT_EQ(ResolveNow(), Resolution::kMessage) << bytes;
  }
}

TEST_F(Resolving, WantsAnotherGenerationMapped) {
  EXPECT_EQ(Resolve(publisher_, 3, held_).resolution, Resolution::kNotMapped);
}

TEST_F(Resolving, NeverUsesGenerationZero) {
  publisher_.generation = 0;

  EXPECT_EQ(Resolve(publisher_, 0, held_).resolution, Resolution::kNotMapped);
}

TEST_F(Resolving, TreatsAnEntryBeforeTheFilesStartAsAnEarlierOwners) {
  publisher_.start_sequence = 41;

  EXPECT_EQ(ResolveNow(), Resolution::kStale);
}

TEST_F(Resolving, AcceptsTheFirstEntryOfTheFile) {
  publisher_.start_sequence = 40;

  EXPECT_EQ(ResolveNow(), Resolution::kMessage);
}

TEST_F(Resolving, ComparesTheStartAcrossTheWrap) {
  publisher_.start_sequence = ~std::uint64_t{0} - 4;
  held_.sequence = 3;
  slots_.header(1).sequence = 3;

  EXPECT_EQ(ResolveNow(), Resolution::kMessage);
}

TEST_F(Resolving, RejectsASlotBeyondTheLast) {
  held_.entry = Entry::Make(3, 3, SlotIndex{kSlots});

  EXPECT_EQ(ResolveNow(), Resolution::kCorrupt);
}

TEST_F(Resolving, RejectsASizeAboveThePublishersLargest) {
  slots_.header(1).message_bytes = 49;

  EXPECT_EQ(ResolveNow(), Resolution::kCorrupt);
}

TEST_F(Resolving, RejectsTheLargestSizeThereIs) {
  slots_.header(1).message_bytes = 0xFFFFFFFF;

  EXPECT_EQ(ResolveNow(), Resolution::kCorrupt);
}

TEST_F(Resolving, RejectsAHeaderOfAnotherSequence) {
  slots_.header(1).sequence = 41;

  EXPECT_EQ(ResolveNow(), Resolution::kCorrupt);
}

}  // namespace
}  // namespace shmcomm::ring
