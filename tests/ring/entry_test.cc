// SPDX-License-Identifier: Apache-2.0
#include "ring/entry.h"

#include <gtest/gtest.h>

#include "support/hand_laid.h"

namespace shmcomm::ring {
namespace {

constexpr std::uint64_t kLastLap = (std::uint64_t{1} << 40) - 1;

TEST(Entry, PacksLapPublisherAndSlotAsDocumented) {
  const Entry entry = Entry::Make(0x0123456789, 0xAB, SlotIndex{0xCDEF});

  EXPECT_EQ(entry.bits, 0x0123456789ABCDEFu);
}

TEST(Entry, GivesBackWhatWasPacked) {
  const Entry entry = Entry::Make(kLastLap, 255, SlotIndex{65534});

  EXPECT_EQ(entry.lap(), kLastLap);
  EXPECT_EQ(entry.publisher(), 255u);
  EXPECT_EQ(entry.slot(), SlotIndex{65534});
}

TEST(Entry, KeepsALapModuloTwoToTheForty) {
  const Entry entry = Entry::Make(kLastLap + 1, 1, SlotIndex{0});

  EXPECT_EQ(entry.lap(), 0u);
  EXPECT_EQ(entry.publisher(), 1u);
}

TEST(Entry, OfAZeroedRingIsNobodys) {
  const Entry entry;

  EXPECT_EQ(entry.lap(), 0u);
  EXPECT_EQ(entry.publisher(), 0u);
}

TEST(Entry, AsTombstoneKeepsLapAndPublisher) {
  const Entry tombstone = Entry::Make(77, 9, SlotIndex{3}).Tombstone();

  EXPECT_EQ(tombstone, Entry::Make(77, 9, kTombstone));
}

TEST(Entry, DiffersWhenOnlyTheLapDiffers) {
  EXPECT_NE(Entry::Make(1, 2, SlotIndex{3}), Entry::Make(2, 2, SlotIndex{3}));
  EXPECT_EQ(Entry::Make(1, 2, SlotIndex{3}), Entry::Make(1, 2, SlotIndex{3}));
}

TEST(LapDistance, IsSigned) {
  EXPECT_EQ(LapDistance(5, 5), 0);
  EXPECT_EQ(LapDistance(5, 7), 2);
  EXPECT_EQ(LapDistance(7, 5), -2);
}

TEST(LapDistance, CountsAcrossTheWrap) {
  EXPECT_EQ(LapDistance(kLastLap, 0), 1);
  EXPECT_EQ(LapDistance(0, kLastLap), -1);
  EXPECT_EQ(LapDistance(kLastLap - 4, 5), 10);
}

TEST(LapDistance, HoldsUpToHalfTheRange) {
  constexpr std::int64_t kHalf = std::int64_t{1} << 39;

  EXPECT_EQ(LapDistance(0, kHalf - 1), kHalf - 1);
  EXPECT_EQ(LapDistance(0, kHalf), -kHalf);
}

TEST(LapDistance, IgnoresBitsAboveTheLap) { EXPECT_EQ(LapDistance(3, 4 + (std::uint64_t{1} << 40)), 1); }

TEST(Distance, IsSignedAndCountsAcrossTheWrap) {
  EXPECT_EQ(Distance(10, 7), -3);
  EXPECT_EQ(Distance(~std::uint64_t{0} - 4, 5), 10);
}

TEST(CursorWord, PacksCursorGenerationAndStateAsDocumented) {
  const CursorWord word = CursorWord::Make(0x123456789ABC, 0x3FFF, ReaderState::kDemoted);

  EXPECT_EQ(word.bits, 0x123456789ABCFFFEu);
}

TEST(CursorWord, GivesBackWhatWasPacked) {
  const CursorWord word = CursorWord::Make(0x123456789ABC, 0x1234, ReaderState::kLossy);

  EXPECT_EQ(word.cursor(), 0x123456789ABCu);
  EXPECT_EQ(word.generation(), 0x1234u);
  EXPECT_EQ(word.state(), ReaderState::kLossy);
}

TEST(CursorWord, KeepsACursorModuloTwoToTheFortyEight) {
  const CursorWord word = CursorWord::Make((std::uint64_t{1} << 48) + 5, 1, ReaderState::kActive);

  EXPECT_EQ(word.cursor(), 5u);
  EXPECT_EQ(word.generation(), 1u);
}

TEST(CursorWord, KeepsAGenerationModuloTwoToTheFourteen) {
  const CursorWord word = CursorWord::Make(0, 0x4000, ReaderState::kActive);

  EXPECT_EQ(word.generation(), 0u);
  EXPECT_EQ(word.cursor(), 0u);
  EXPECT_EQ(word.state(), ReaderState::kActive);
}

TEST(CursorWord, OfAZeroedLineIsFree) { EXPECT_EQ(CursorWord{}.state(), ReaderState::kFree); }

TEST(RingView, CountsLapsFromOne) {
  const test::HandLaid laid;

  EXPECT_EQ(laid.ring().Lap(0), 1u);
  EXPECT_EQ(laid.ring().Lap(15), 1u);
  EXPECT_EQ(laid.ring().Lap(16), 2u);
}

TEST(RingView, WrapsItsLaps) {
  const test::HandLaid laid;

  EXPECT_EQ(laid.ring().Lap(kLastLap * 16 - 1), kLastLap);
  EXPECT_EQ(laid.ring().Lap(kLastLap * 16), 0u);
  EXPECT_EQ(laid.ring().Lap(kLastLap * 16 + 16), 1u);
}

TEST(RingView, PlacesOneRoundOfSequencesInEveryEntry) {
  const test::HandLaid laid;

  EXPECT_EQ(&laid.ring().At(5), &laid.ring().entries[5]);
  EXPECT_EQ(&laid.ring().At(16 + 5), &laid.ring().entries[5]);
}

TEST(ReadersView, FindsTheActiveWordOfEveryLine) {
  const test::HandLaid laid({16, 8, 1024, 0});

  EXPECT_EQ(&laid.readers().ActiveWord(63), laid.readers().active);
  EXPECT_EQ(&laid.readers().ActiveWord(64), laid.readers().active + 1);
  EXPECT_EQ(&laid.readers().ActiveWord(1023), laid.readers().active + 15);
}

}  // namespace
}  // namespace shmcomm::ring
