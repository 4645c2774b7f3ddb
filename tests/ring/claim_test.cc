// SPDX-License-Identifier: Apache-2.0
#include "ring/claim.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "support/hand_laid.h"

namespace shmcomm::ring {
namespace {

using test::HandLaid;
using test::LaidSizes;
using test::LaidWriter;
using test::LaidWriterOptions;

constexpr std::uint32_t kN = 16;
constexpr std::uint32_t kMe = 2;  // line

LaidSizes WithClaims(Sequence first = 0) {
  LaidSizes sizes;
  sizes.has_claims = true;
  sizes.first = first;
  return sizes;
}

/// A claimer on line kMe.
class LaidClaimer {
 public:
  explicit LaidClaimer(const HandLaid& laid, std::uint32_t line = kMe) : claimer_({laid.ring(), laid.readers(), line}) {
    claimer_.Join();
  }
  Claimer& operator*() { return claimer_; }
  Claimer* operator->() { return &claimer_; }

  /// The sequence of the job claimed, -1 for none.
  std::int64_t ClaimNext() {
    const Claimer::NextResult next = claimer_.Next();
    return next.outcome == Claimer::Outcome::kClaimed ? static_cast<std::int64_t>(next.claim.sequence) : -1;
  }

 private:
  Claimer claimer_;
};

TEST(ClaimWord, PacksItsFields) {
  const ClaimWord word = ClaimWord::Make(0x12'3456'789A, ClaimState::kReady, 13, 200);

  EXPECT_EQ(word.bits, 0x12'3456'789A'00'2D'C8u);
  EXPECT_EQ(word.lap(), 0x12'3456'789Au);
  EXPECT_EQ(word.state(), ClaimState::kReady);
  EXPECT_EQ(word.attempt(), 13u);
  EXPECT_EQ(word.owner(), 200u);
}

TEST(ClaimWord, KeepsEveryFieldAtItsLargest) {
  const ClaimWord word = ClaimWord::Make(kLapMask, ClaimState::kFailed, layout::kMaxAttempts, layout::kMaxPullers);

  EXPECT_EQ(word.lap(), kLapMask);
  EXPECT_EQ(word.state(), ClaimState::kFailed);
  EXPECT_EQ(word.attempt(), 15u);
  EXPECT_EQ(word.owner(), 255u);
}

TEST(ClaimWord, CutsTheLapToItsBits) { EXPECT_EQ(ClaimWord::Make(kLapMask + 5, ClaimState::kDone, 0, 0).lap(), 4u); }

TEST(ClaimWord, IsFinalWhenDoneOrFailed) {
  EXPECT_TRUE(ClaimWord{}.is_final());
  EXPECT_TRUE(ClaimWord::Make(1, ClaimState::kFailed, 0, 0).is_final());
  EXPECT_FALSE(ClaimWord::Make(1, ClaimState::kClaimed, 0, 1).is_final());
  EXPECT_FALSE(ClaimWord::Make(1, ClaimState::kReady, 0, 0).is_final());
}

/// From zero, and from just before the lap's wrap.
class Claiming : public testing::TestWithParam<Sequence> {
 protected:
  Sequence at(std::uint32_t offset) const { return GetParam() + offset; }
  HandLaid laid_{WithClaims(GetParam())};
};
constexpr Sequence kBeforeWrap = ((kLapMask - 1) << 4) - 5;
INSTANTIATE_TEST_SUITE_P(Firsts, Claiming, testing::Values(Sequence{0}, kBeforeWrap, kBeforeWrap + kN),
                         [](const auto& first) { return "At" + std::to_string(first.param); });

TEST_P(Claiming, FindsNothingInAYoungRing) {
  LaidClaimer claimer(laid_);

  EXPECT_FALSE(claimer->IsAvailable());
  EXPECT_FALSE(claimer->IsAnyReady());
  EXPECT_EQ(claimer->Next().outcome, Claimer::Outcome::kEmpty);
}

TEST_P(Claiming, TakesJobsInTheirOrder) {
  laid_.LayMessages(at(0), at(3), 1);
  LaidClaimer claimer(laid_);

  std::vector<std::int64_t> taken;
  for (int i = 0; i < 4; ++i) taken.push_back(claimer.ClaimNext());

  EXPECT_THAT(taken, testing::ElementsAre(static_cast<std::int64_t>(at(0)), static_cast<std::int64_t>(at(1)),
                                          static_cast<std::int64_t>(at(2)), -1));
}

TEST_P(Claiming, WritesItsLineIntoTheWord) {
  laid_.LayMessages(at(0), at(1), 1);
  LaidClaimer claimer(laid_);

  claimer->Next();

  EXPECT_EQ(laid_.claim(at(0)), ClaimWord::Make(laid_.ring().Lap(at(0)), ClaimState::kClaimed, 0, OwnerOf(kMe)));
}

TEST_P(Claiming, PassesOverWhatOthersHaveClaimed) {
  laid_.LayMessages(at(0), at(2), 1);
  laid_.LayClaim(at(0), ClaimState::kClaimed, 0, OwnerOf(kMe + 1));
  LaidClaimer claimer(laid_);

  EXPECT_EQ(claimer->Next().claim.sequence, at(1));
  EXPECT_EQ(laid_.claim(at(0)).owner(), OwnerOf(kMe + 1));
}

TEST_P(Claiming, SeesAJobThatHeadDoesNotCountYet) {
  laid_.LayEntry(at(0), 1, 0);
  LaidClaimer claimer(laid_);

  EXPECT_TRUE(claimer->IsAvailable());
  EXPECT_EQ(claimer->Next().outcome, Claimer::Outcome::kClaimed);
}

TEST_P(Claiming, KeepsTheAttemptOfAJobGivenBack) {
  laid_.LayMessages(at(0), at(1), 1);
  laid_.LayClaim(at(0), ClaimState::kReady, 3, kNobody);
  LaidClaimer claimer(laid_);

  const Claimer::NextResult next = claimer->Next();

  EXPECT_EQ(next.claim.attempt, 3u);
  EXPECT_EQ(laid_.claim(at(0)).attempt(), 3u);
}

TEST_P(Claiming, FindsAJobGivenBackBehindItsPlaceInAFullLook) {
  laid_.LayMessages(at(0), at(2), 1);
  laid_.LayClaim(at(0), ClaimState::kClaimed, 0, OwnerOf(kMe + 1));
  LaidClaimer claimer(laid_);
  ASSERT_EQ(claimer->Next().claim.sequence, at(1));
  laid_.LayClaim(at(0), ClaimState::kReady, 1, kNobody);

  ASSERT_FALSE(claimer->IsAvailable());
  EXPECT_TRUE(claimer->IsAnyReady());
  EXPECT_EQ(claimer->Next().claim.sequence, at(0));
}

TEST_P(Claiming, FindsAJobGivenBackBehindItsPlaceAfterARingOfClaims) {
  laid_.LayMessages(at(0), at(1), 1);
  laid_.LayClaim(at(0), ClaimState::kClaimed, 0, OwnerOf(kMe + 1));
  LaidClaimer claimer(laid_);
  for (std::uint32_t i = 1; i < kN; ++i) {
    laid_.LayMessages(at(i), at(i + 1), 1);
    ASSERT_EQ(claimer->Next().claim.sequence, at(i));
  }
  laid_.LayClaim(at(0), ClaimState::kReady, 1, kNobody);
  laid_.LayClaim(at(1), ClaimState::kReady, 0, kNobody);

  std::vector<std::int64_t> taken;
  while (taken.size() < 3 && claimer->IsAnyReady()) taken.push_back(claimer.ClaimNext());

  EXPECT_THAT(taken, testing::ElementsAre(static_cast<std::int64_t>(at(0)), static_cast<std::int64_t>(at(1))));
}

TEST_P(Claiming, GoesOnAfterTheRingHasTurnedWithoutIt) {
  LaidClaimer claimer(laid_);
  laid_.LayDoneJobs(at(0), at(5 * kN + 3), 1);
  laid_.LayMessages(at(5 * kN + 3), at(5 * kN + 4), 1);

  EXPECT_TRUE(claimer->IsAvailable());
  EXPECT_EQ(claimer->Next().claim.sequence, at(5 * kN + 3));
}

TEST_P(Claiming, TakesTheJobOfALapAgoThatIsStillOpen) {
  laid_.LayDoneJobs(at(0), at(kN), 1);
  laid_.LayClaim(at(0), ClaimState::kReady, 1, kNobody);
  LaidClaimer claimer(laid_);

  EXPECT_EQ(claimer->Next().claim.sequence, at(0));
}

TEST_P(Claiming, FailsAJobWhoseEntryNamesAnImpossiblePublisher) {
  laid_.LayEntry(at(0), 200, 0);
  laid_.LayEntry(at(1), 1, 0);
  LaidClaimer claimer(laid_);

  EXPECT_EQ(claimer->Next().outcome, Claimer::Outcome::kCorrupt);
  EXPECT_EQ(laid_.claim(at(0)).state(), ClaimState::kFailed);
  EXPECT_EQ(laid_.dead_letters(), 1u);
  EXPECT_EQ(claimer->Next().claim.sequence, at(1));
}

TEST(Claimer, EndsItsLookWhateverTheWordsSay) {
  HandLaid laid(WithClaims());
  for (Sequence s = 0; s < kN; ++s) laid.LayEntry(s + 1000 * kN, 1, 0);
  LaidClaimer claimer(laid);

  EXPECT_FALSE(claimer->IsAvailable());
  EXPECT_EQ(claimer->Next().outcome, Claimer::Outcome::kEmpty);
}

TEST(Finish, MakesTheClaimFinal) {
  HandLaid laid(WithClaims());
  laid.LayMessages(0, 1, 1);
  LaidClaimer claimer(laid);
  const Claim claim = claimer->Next().claim;

  EXPECT_TRUE(claimer->Finish(claim));
  EXPECT_EQ(laid.claim(0).state(), ClaimState::kDone);
  EXPECT_TRUE(IsOver(laid.ring(), laid.readers(), 0));
}

TEST(Finish, WorksOnce) {
  HandLaid laid(WithClaims());
  laid.LayMessages(0, 1, 1);
  LaidClaimer claimer(laid);
  const Claim claim = claimer->Next().claim;
  claimer->Finish(claim);

  EXPECT_FALSE(claimer->Finish(claim));
}

TEST(Finish, LeavesAJobAloneThatWasGivenToSomebodyElse) {
  HandLaid laid(WithClaims());
  laid.LayMessages(0, 1, 1);
  LaidClaimer claimer(laid);
  const Claim claim = claimer->Next().claim;
  laid.LayClaim(0, ClaimState::kClaimed, 1, OwnerOf(kMe + 1));

  EXPECT_FALSE(claimer->Finish(claim));
  EXPECT_EQ(laid.claim(0).owner(), OwnerOf(kMe + 1));
}

TEST(Finish, LeavesItsOwnLaterAttemptAlone) {
  HandLaid laid(WithClaims());
  laid.LayMessages(0, 1, 1);
  LaidClaimer claimer(laid);
  const Claim claim = claimer->Next().claim;
  laid.LayClaim(0, ClaimState::kClaimed, 1, OwnerOf(kMe));

  EXPECT_FALSE(claimer->Finish(claim));
}

TEST(Fail, EndsTheJobAndCountsADeadLetter) {
  HandLaid laid(WithClaims());
  laid.LayMessages(0, 1, 1);
  LaidClaimer claimer(laid);

  EXPECT_TRUE(claimer->Fail(claimer->Next().claim));
  EXPECT_TRUE(IsOver(laid.ring(), laid.readers(), 0));
  EXPECT_EQ(laid.dead_letters(), 1u);
}

TEST(GiveBack, LeavesTheJobToTheNextWithItsAttempt) {
  HandLaid laid(WithClaims());
  laid.LayMessages(0, 1, 1);
  laid.LayClaim(0, ClaimState::kReady, 2, kNobody);
  LaidClaimer claimer(laid);
  LaidClaimer other(laid, kMe + 1);
  const Claim claim = claimer->Next().claim;

  EXPECT_TRUE(claimer->GiveBack(claim));
  EXPECT_FALSE(IsOver(laid.ring(), laid.readers(), 0));
  EXPECT_EQ(other->Next().claim.attempt, 2u);
}

TEST(Retry, LeavesTheJobToTheNextWithItsAttemptRaised) {
  HandLaid laid(WithClaims());
  laid.LayMessages(0, 1, 1);
  LaidClaimer claimer(laid);
  LaidClaimer other(laid, kMe + 1);
  const Claim claim = claimer->Next().claim;

  EXPECT_TRUE(claimer->Retry(claim, 2));
  EXPECT_FALSE(IsOver(laid.ring(), laid.readers(), 0));
  EXPECT_EQ(other->Next().claim.attempt, 1u);
  EXPECT_EQ(laid.dead_letters(), 0u);
}

TEST(Retry, EndsTheJobAfterItsLastAttempt) {
  HandLaid laid(WithClaims());
  laid.LayMessages(0, 1, 1);
  laid.LayClaim(0, ClaimState::kReady, 1, kNobody);
  LaidClaimer claimer(laid);

  EXPECT_TRUE(claimer->Retry(claimer->Next().claim, 2));
  EXPECT_TRUE(IsOver(laid.ring(), laid.readers(), 0));
  EXPECT_EQ(laid.dead_letters(), 1u);
}

TEST(Pushing, IsFullWhereTheJobOfALapAgoIsNotClaimed) {
  HandLaid laid(WithClaims());
  laid.LayMessages(0, kN, 2);
  LaidWriter writer(laid);
  const SlotIndex slot = writer->Reserve();

  EXPECT_FALSE(writer->HasRoom());
  EXPECT_EQ(writer->Commit(slot), Writer::CommitResult::kFull);
  EXPECT_EQ(laid.entry(0), laid.EntryFor(0, 2, 0));
}

TEST(Pushing, IsFullWhereTheJobOfALapAgoIsClaimedOrGivenBack) {
  for (const ClaimState state : {ClaimState::kClaimed, ClaimState::kReady}) {
    HandLaid laid(WithClaims());
    laid.LayMessages(0, kN, 2);
    laid.LayClaim(0, state, 1, state == ClaimState::kClaimed ? OwnerOf(0) : kNobody);
    LaidWriter writer(laid);

    EXPECT_EQ(writer->Commit(writer->Reserve()), Writer::CommitResult::kFull);
  }
}

TEST(Pushing, HasRoomOnceThatJobIsDoneOrFailedThoughOthersAreNot) {
  for (const ClaimState state : {ClaimState::kDone, ClaimState::kFailed}) {
    HandLaid laid(WithClaims());
    laid.LayMessages(0, kN, 2);
    laid.LayClaim(0, state, 0, OwnerOf(0));
    LaidWriter writer(laid);

    EXPECT_TRUE(writer->HasRoom());
    EXPECT_EQ(writer->Commit(writer->Reserve()), Writer::CommitResult::kCommitted);
    EXPECT_EQ(writer->last_sequence(), kN);
    EXPECT_EQ(writer->Commit(writer->Reserve()), Writer::CommitResult::kFull);
  }
}

TEST(Pushing, AsksForRoomBehindAJobThatHeadDoesNotCount) {
  HandLaid laid(WithClaims());
  laid.LayDoneJobs(0, kN, 2);
  laid.LayEntry(kN, 2, 0);
  LaidWriter writer(laid);

  EXPECT_TRUE(writer->HasRoom());
  EXPECT_EQ(laid.head(), kN + 1);
}

TEST(Pushing, TakesASlotBackAsSoonAsItsJobIsOver) {
  HandLaid laid(WithClaims());
  LaidWriterOptions options;
  options.slots = 2;
  LaidWriter writer(laid, options);
  writer.Publish(2);
  ASSERT_EQ(writer->Reserve(), segment::kNoSlot);

  laid.LayClaim(0, ClaimState::kDone, 0, OwnerOf(0));

  EXPECT_EQ(writer->Reserve(), SlotIndex{0});
  EXPECT_EQ(writer->Reserve(), segment::kNoSlot);
}

TEST(Pushing, NeverTakesASlotOfAnOpenJobBack) {
  for (const ClaimState state : {ClaimState::kClaimed, ClaimState::kReady}) {
    HandLaid laid(WithClaims());
    LaidWriterOptions options;
    options.slots = 1;
    LaidWriter writer(laid, options);
    writer.Publish(1);
    laid.LayClaim(0, state, 1, OwnerOf(0));

    EXPECT_EQ(writer->Reserve(), segment::kNoSlot);
    EXPECT_EQ(laid.entry(0), laid.EntryFor(0, 1, 0));
  }
}

TEST(Pushing, TakesASlotBackThoughItsJobsWordIsALapFurther) {
  HandLaid laid(WithClaims());
  LaidWriterOptions options;
  options.slots = 1;
  LaidWriter writer(laid, options);
  writer.Publish(1);
  laid.LayClaim(kN, ClaimState::kClaimed, 0, OwnerOf(0));

  EXPECT_EQ(writer->Reserve(), SlotIndex{0});
}

TEST(Pushing, NeedsNoMoreSlotsThanARingAndItsLoans) {
  HandLaid laid(WithClaims());
  LaidWriterOptions options;
  options.slots = kN + 1;
  LaidWriter writer(laid, options);
  LaidClaimer claimer(laid);
  writer.Publish(kN);
  const Claim oldest = claimer->Next().claim;
  for (std::uint32_t i = 1; i < kN; ++i) claimer->Finish(claimer->Next().claim);
  const SlotIndex slot = writer->Reserve();
  ASSERT_NE(slot, segment::kNoSlot);
  ASSERT_EQ(writer->Commit(slot), Writer::CommitResult::kFull);

  claimer->Finish(oldest);

  EXPECT_EQ(writer->Commit(slot), Writer::CommitResult::kCommitted);
  for (std::uint32_t i = 0; i < kN - 1; ++i) EXPECT_NE(writer.Publish(), segment::kNoSlot);
}

class CancelledJob : public Claiming {};
INSTANTIATE_TEST_SUITE_P(Firsts, CancelledJob, testing::Values(Sequence{0}, kBeforeWrap, kBeforeWrap + kN),
                         [](const auto& first) { return "At" + std::to_string(first.param); });

TEST_P(CancelledJob, IsGivenToNobody) {
  laid_.LayMessages(at(0), at(2), 1);
  LaidClaimer claimer(laid_);

  EXPECT_TRUE(CancelJob(laid_.ring(), laid_.readers(), at(0)));

  EXPECT_TRUE(IsOver(laid_.ring(), laid_.readers(), at(0)));
  EXPECT_EQ(claimer.ClaimNext(), static_cast<std::int64_t>(at(1)));
  EXPECT_EQ(claimer.ClaimNext(), -1);
}

TEST_P(CancelledJob, MakesRoomForTheNextLap) {
  laid_.LayMessages(at(0), at(kN), 1);

  ASSERT_FALSE(IsRoomFor(laid_.ring(), laid_.readers(), at(kN)));
  CancelJob(laid_.ring(), laid_.readers(), at(0));

  EXPECT_TRUE(IsRoomFor(laid_.ring(), laid_.readers(), at(kN)));
}

TEST_P(CancelledJob, WasNotClaimedAndNotDone) {
  laid_.LayMessages(at(0), at(2), 1);
  LaidClaimer claimer(laid_);
  claimer.ClaimNext();
  const Claim done = claimer->Next().claim;
  claimer->Finish(done);

  EXPECT_FALSE(CancelJob(laid_.ring(), laid_.readers(), at(0)));
  EXPECT_FALSE(CancelJob(laid_.ring(), laid_.readers(), at(1)));
}

TEST_P(CancelledJob, MayHaveBeenGivenBack) {
  laid_.LayMessages(at(0), at(1), 1);
  LaidClaimer claimer(laid_);
  claimer->GiveBack(claimer->Next().claim);

  EXPECT_TRUE(CancelJob(laid_.ring(), laid_.readers(), at(0)));
  EXPECT_FALSE(claimer->IsAnyReady());
}

TEST_P(CancelledJob, IsOfItsPublisherAlone) {
  laid_.LayMessages(at(0), at(2), 1);
  laid_.LayMessages(at(2), at(4), 2);
  LaidClaimer claimer(laid_);
  claimer.ClaimNext();

  EXPECT_TRUE(CancelJobsOf(laid_.ring(), laid_.readers(), 1));
  EXPECT_FALSE(CancelJobsOf(laid_.ring(), laid_.readers(), 1));

  EXPECT_EQ(claimer.ClaimNext(), static_cast<std::int64_t>(at(2)));
  EXPECT_EQ(claimer.ClaimNext(), static_cast<std::int64_t>(at(3)));
  EXPECT_EQ(claimer.ClaimNext(), -1);
}

}  // namespace
}  // namespace shmcomm::ring
