// SPDX-License-Identifier: Apache-2.0
#include "ring/repair.h"

#include <gtest/gtest.h>

#include "support/hand_laid.h"

namespace shmcomm::ring {
namespace {

TEST(HelpHead, AdvancesPastAnEntryThatIsPublishedButNotCounted) {
  test::HandLaid laid;
  laid.LayMessages(0, 3, 1);
  laid.LayEntry(3, 1, 3);

  HelpHead(laid.ring());

  EXPECT_EQ(laid.head(), 4u);
}

TEST(HelpHead, IsIdempotent) {
  test::HandLaid laid;
  laid.LayMessages(0, 3, 1);
  laid.LayEntry(3, 1, 3);

  HelpHead(laid.ring());
  HelpHead(laid.ring());

  EXPECT_EQ(laid.head(), 4u);
}

TEST(HelpHead, LeavesACountedRingAlone) {
  test::HandLaid laid;
  laid.LayMessages(0, 20, 1);

  HelpHead(laid.ring());

  EXPECT_EQ(laid.head(), 20u);
}

TEST(HelpHead, LeavesAStaleHeadAlone) {
  test::HandLaid laid;
  laid.LayMessages(0, 40, 1);
  laid.SetHead(20);

  HelpHead(laid.ring());

  EXPECT_EQ(laid.head(), 20u);
}

TEST(ClearReaderLine, EmptiesHazardsBitAndState) {
  test::HandLaid laid;
  laid.LayReader(2);
  for (std::uint32_t k = 0; k < layout::kMaxHazards; ++k) laid.LayHazard(2, k, Entry{k + 1});

  ClearReaderLine(laid.readers(), 2);

  for (const auto& hazard : laid.line(2).hazards) EXPECT_EQ(hazard.load(), 0u);
  EXPECT_FALSE(laid.IsActive(2));
  EXPECT_EQ(laid.cursor(2).state(), ReaderState::kFree);
}

TEST(ClearReaderLine, KeepsCursorAndGeneration) {
  test::HandLaid laid;
  laid.line(2).cursor.store(CursorWord::Make(77, 5, ReaderState::kActive).bits);

  ClearReaderLine(laid.readers(), 2);

  EXPECT_EQ(laid.cursor(2).cursor(), 77u);
  EXPECT_EQ(laid.cursor(2).generation(), 5u);
}

TEST(ClearReaderLine, LeavesItsNeighboursAlone) {
  test::HandLaid laid({16, 8, 70, 0});
  laid.LayReader(2);
  laid.LayReader(3);
  laid.LayReader(66);
  laid.LayHazard(3, 0, Entry{9});

  ClearReaderLine(laid.readers(), 2);

  EXPECT_TRUE(laid.IsActive(3) && laid.IsActive(66));
  EXPECT_EQ(laid.line(3).hazards[0].load(), 9u);
}

TEST(IsPublisherNamed, IsFalseInAYoungRing) {
  const test::HandLaid laid;

  EXPECT_FALSE(IsPublisherNamed(laid.ring(), 1));
}

TEST(IsPublisherNamed, FindsTheNewestAndTheOldestEntry) {
  test::HandLaid laid;
  laid.LayMessages(0, 40, 1);
  laid.LayEntry(39, 2, 0);
  laid.LayEntry(24, 3, 0);

  EXPECT_TRUE(IsPublisherNamed(laid.ring(), 2));
  EXPECT_TRUE(IsPublisherNamed(laid.ring(), 3));
  EXPECT_FALSE(IsPublisherNamed(laid.ring(), 4));
}

TEST(IsPublisherNamed, FindsAnEntryThatHeadDoesNotCountYet) {
  test::HandLaid laid;
  laid.LayMessages(0, 32, 1);
  laid.LayEntry(32, 2, 0);

  EXPECT_TRUE(IsPublisherNamed(laid.ring(), 2));
}

TEST(IsPublisherNamed, DoesNotCountTombstones) {
  test::HandLaid laid;
  laid.LayMessages(0, 16, 1);
  laid.LayEntry(9, 2, 4);
  laid.LayTombstone(9);

  EXPECT_FALSE(IsPublisherNamed(laid.ring(), 2));
}

TEST(IsPublisherNamed, DoesNotCountEntriesFarBehindHead) {
  test::HandLaid laid;
  laid.LayMessages(0, 64, 1);
  laid.LayEntry(20, 2, 0);

  EXPECT_FALSE(IsPublisherNamed(laid.ring(), 2));
}

TEST(IsPublisherNamed, LooksAcrossTheLapsWrap) {
  constexpr Sequence kWrap = ((std::uint64_t{1} << 40) - 1) * 16;
  test::HandLaid laid({16, 8, 4, kWrap - 5});
  laid.LayMessages(kWrap - 5, kWrap + 2, 2);

  EXPECT_TRUE(IsPublisherNamed(laid.ring(), 2));
  EXPECT_FALSE(IsPublisherNamed(laid.ring(), 1));
}

TEST(IsPublisherPromised, CountsEntriesFromTheOldestPromisedOn) {
  test::HandLaid laid;
  laid.LayMessages(0, 10, 1);
  laid.LayEntry(7, 2, 0);

  EXPECT_TRUE(IsPublisherPromised(laid.ring(), 2, 7));
  EXPECT_FALSE(IsPublisherPromised(laid.ring(), 2, 8));
}

TEST(IsPublisherPromised, IsFalseFromHeadOn) {
  test::HandLaid laid;
  laid.LayMessages(0, 10, 1);

  EXPECT_FALSE(IsPublisherPromised(laid.ring(), 1, 10));
}

TEST(IsPublisherPromised, DoesNotCountTombstones) {
  test::HandLaid laid;
  laid.LayMessages(0, 10, 1);
  laid.LayEntry(9, 2, 0);
  laid.LayTombstone(9);

  EXPECT_FALSE(IsPublisherPromised(laid.ring(), 2, 0));
}

TEST(IsPublisherPromised, StopsAtTheChannelsFirstMessage) {
  test::HandLaid laid({16, 8, 4, 100});
  laid.LayMessages(100, 102, 1);

  EXPECT_FALSE(IsPublisherPromised(laid.ring(), 2, 100));
  EXPECT_TRUE(IsPublisherPromised(laid.ring(), 1, 100));
}

TEST(IsPublisherPromised, CountsTheOldestEntryOfAFullRing) {
  test::HandLaid laid;
  laid.LayMessages(0, 40, 1);
  laid.LayEntry(40 - 16, 2, 0);

  EXPECT_TRUE(IsPublisherPromised(laid.ring(), 2, 40 - 16));
  EXPECT_FALSE(IsPublisherPromised(laid.ring(), 2, 40 - 15));
}

TEST(IsPublisherPromised, StaysInsideTheRingUnderAHugeHistory) {
  test::HandLaid laid;
  laid.LayMessages(0, 40, 1);

  EXPECT_FALSE(IsPublisherPromised(laid.ring(), 2, 0xFFFFFFFF));
}

test::LaidSizes WithClaims() {
  test::LaidSizes sizes;
  sizes.has_claims = true;
  return sizes;
}

TEST(SweepClaims, GivesTheJobsOfTheLineBackWithTheirAttemptRaised) {
  test::HandLaid laid(WithClaims());
  laid.LayMessages(0, 2, 1);
  laid.LayClaim(0, ClaimState::kClaimed, 0, OwnerOf(1));
  laid.LayClaim(1, ClaimState::kClaimed, 4, OwnerOf(1));

  const Swept swept = SweepClaims(laid.readers(), 1, 15);

  EXPECT_EQ(laid.claim(0), ClaimWord::Make(laid.ring().Lap(0), ClaimState::kReady, 1, kNobody));
  EXPECT_EQ(laid.claim(1), ClaimWord::Make(laid.ring().Lap(1), ClaimState::kReady, 5, kNobody));
  EXPECT_EQ(swept.given_back, 2u);
  EXPECT_EQ(swept.failed, 0u);
}

TEST(SweepClaims, LeavesTheJobsOfOthersAndTheFinishedOnesAlone) {
  test::HandLaid laid(WithClaims());
  laid.LayMessages(0, 3, 1);
  laid.LayClaim(0, ClaimState::kClaimed, 0, OwnerOf(2));
  laid.LayClaim(1, ClaimState::kDone, 0, OwnerOf(1));
  laid.LayClaim(2, ClaimState::kReady, 1, kNobody);

  EXPECT_FALSE(SweepClaims(laid.readers(), 1, 15).any());

  EXPECT_EQ(laid.claim(0).owner(), OwnerOf(2));
  EXPECT_EQ(laid.claim(1).state(), ClaimState::kDone);
  EXPECT_EQ(laid.claim(2).state(), ClaimState::kReady);
}

TEST(SweepClaims, GivesAJobUpOnceItsAttemptsAreUsed) {
  for (const std::uint32_t max_attempts : {1u, 3u, 15u}) {
    test::HandLaid laid(WithClaims());
    laid.LayMessages(0, 1, 1);
    laid.LayClaim(0, ClaimState::kClaimed, max_attempts - 1, OwnerOf(1));

    const Swept swept = SweepClaims(laid.readers(), 1, max_attempts);

    EXPECT_EQ(swept.failed, 1u);
    EXPECT_EQ(laid.claim(0).state(), ClaimState::kFailed);
    EXPECT_EQ(laid.claim(0).attempt(), max_attempts);
    EXPECT_EQ(laid.dead_letters(), 1u);
    EXPECT_TRUE(IsOver(laid.ring(), laid.readers(), 0));
  }
}

TEST(SweepClaims, IsIdempotent) {
  test::HandLaid laid(WithClaims());
  laid.LayMessages(0, 1, 1);
  laid.LayClaim(0, ClaimState::kClaimed, 0, OwnerOf(1));
  SweepClaims(laid.readers(), 1, 15);

  EXPECT_FALSE(SweepClaims(laid.readers(), 1, 15).any());
  EXPECT_EQ(laid.claim(0).attempt(), 1u);
}

TEST(HasOpenJob, CountsJobsUntilTheyAreOver) {
  test::HandLaid laid(WithClaims());
  laid.LayMessages(0, 1, 3);
  EXPECT_TRUE(HasOpenJob(laid.ring(), laid.readers(), 3));
  laid.LayClaim(0, ClaimState::kClaimed, 0, OwnerOf(1));
  EXPECT_TRUE(HasOpenJob(laid.ring(), laid.readers(), 3));
  laid.LayClaim(0, ClaimState::kReady, 1, kNobody);
  EXPECT_TRUE(HasOpenJob(laid.ring(), laid.readers(), 3));
  laid.LayClaim(0, ClaimState::kDone, 1, OwnerOf(1));
  EXPECT_FALSE(HasOpenJob(laid.ring(), laid.readers(), 3));
}

TEST(HasOpenJob, AsksForOnePublisher) {
  test::HandLaid laid(WithClaims());
  laid.LayMessages(0, 1, 3);

  EXPECT_FALSE(HasOpenJob(laid.ring(), laid.readers(), 2));
}

TEST(HasOpenJob, FindsTheOldestInAFullRingAndTheOneThatHeadDoesNotCount) {
  test::HandLaid laid(WithClaims());
  laid.LayDoneJobs(0, 2 * 16, 1);
  laid.LayEntry(16, 2, 0);
  laid.LayClaim(16, ClaimState::kReady, 1, kNobody);
  EXPECT_TRUE(HasOpenJob(laid.ring(), laid.readers(), 2));
  laid.LayDoneJobs(16, 17, 1);
  laid.SetHead(32);

  laid.LayEntry(32, 3, 0);

  EXPECT_FALSE(HasOpenJob(laid.ring(), laid.readers(), 2));
  EXPECT_TRUE(HasOpenJob(laid.ring(), laid.readers(), 3));
}

TEST(ClearReaderLine, TakesTheIdleBit) {
  test::HandLaid laid;
  laid.LayReader(1);
  laid.LayIdle(0);
  laid.LayIdle(1);

  ClearReaderLine(laid.readers(), 1);

  EXPECT_TRUE(laid.IsIdle(0));
  EXPECT_FALSE(laid.IsIdle(1));
}

}  // namespace
}  // namespace shmcomm::ring
