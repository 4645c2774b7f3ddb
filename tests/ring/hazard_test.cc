// SPDX-License-Identifier: Apache-2.0
#include "ring/hazard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "support/hand_laid.h"

namespace shmcomm::ring {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::uint64_t> Scanned(const ReadersView& readers) {
  std::vector<std::uint64_t> found;
  ScanHazards(readers, [&](Entry entry) { found.push_back(entry.bits); });
  return found;
}

TEST(Protect, KeepsTheMarkWhileTheRingNamesTheEntry) {
  test::HandLaid laid;
  laid.LayMessages(0, 1, 1);

  const bool is_protected = Protect(laid.line(0).hazards[2], laid.ring().At(0), laid.entry(0));

  EXPECT_TRUE(is_protected);
  EXPECT_EQ(laid.line(0).hazards[2].load(), laid.entry(0).bits);
}

TEST(Protect, TakesTheMarkBackWhenTheEntryHasGone) {
  test::HandLaid laid;
  laid.LayMessages(0, 17, 1);

  const bool is_protected = Protect(laid.line(0).hazards[0], laid.ring().At(0), laid.EntryFor(0, 1, 0));

  EXPECT_FALSE(is_protected);
  EXPECT_EQ(laid.line(0).hazards[0].load(), 0u);
}

TEST(Protect, FailsWhenOnlyTheLapHasChanged) {
  test::HandLaid laid;
  laid.LayEntry(16, 1, 3);

  EXPECT_FALSE(Protect(laid.line(0).hazards[0], laid.ring().At(0), laid.EntryFor(0, 1, 3)));
}

TEST(ScanHazards, ReportsAllSixHazardsOfActiveLines) {
  test::HandLaid laid;
  laid.LayReader(1);
  for (std::uint32_t k = 0; k < layout::kMaxHazards; ++k) laid.LayHazard(1, k, Entry{k + 1});

  EXPECT_THAT(Scanned(laid.readers()), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(ScanHazards, SkipsLinesThatAreNotActive) {
  test::HandLaid laid;
  laid.LayHazard(2, 0, Entry{9});

  EXPECT_THAT(Scanned(laid.readers()), IsEmpty());
}

TEST(ScanHazards, CountsDemotedAndLossyLines) {
  test::HandLaid laid;
  laid.LayReader(0, ReaderState::kDemoted);
  laid.LayReader(3, ReaderState::kLossy);
  laid.LayHazard(0, 0, Entry{7});
  laid.LayHazard(3, 5, Entry{8});

  EXPECT_THAT(Scanned(laid.readers()), ElementsAre(7, 8));
}

TEST(ScanHazards, ReachesTheLastOfManyLines) {
  test::HandLaid laid({16, 8, 1024, 0});
  laid.LayReader(1023);
  laid.LayHazard(1023, 0, Entry{5});

  EXPECT_THAT(Scanned(laid.readers()), ElementsAre(5));
}

TEST(ScanHazards, StaysInsideTheFileUnderAHostileBitmap) {
  test::HandLaid laid({16, 8, 3, 0});
  laid.LayHazard(2, 0, Entry{5});
  laid.readers().active[0].store(~std::uint64_t{0});

  EXPECT_THAT(Scanned(laid.readers()), ElementsAre(5));
}

}  // namespace
}  // namespace shmcomm::ring
