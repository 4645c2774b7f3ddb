// SPDX-License-Identifier: Apache-2.0
#include "registry/seats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <vector>

#include "ring/reader.h"
#include "support/forked_child.h"
#include "support/laid_site.h"

namespace shmcomm::registry {
namespace {

using absl::StatusCode;
using ring::ReaderState;
using test::LaidSite;
using ::testing::HasSubstr;

// A line is taken by its lock and by the join that follows.
ReaderSeat JoinedSeat(LaidSite& laid) {
  absl::StatusOr<ReaderSeat> seat = TakeReaderLine(laid.site);
  EXPECT_TRUE(seat.ok()) << seat.status();
  laid.laid.LayReader(seat->line);
  return *std::move(seat);
}

TEST(ReaderSeat, IsTheFirstFreeLine) {
  LaidSite laid;
  const ReaderSeat first = JoinedSeat(laid);
  const ReaderSeat second = JoinedSeat(laid);

  EXPECT_EQ(first.line, 0u);
  EXPECT_EQ(second.line, 1u);
}

TEST(ReaderSeat, IsNotGivenToTwoBeforeEitherHasJoined) {
  LaidSite laid;

  const auto first = TakeReaderLine(laid.site);
  const auto second = TakeReaderLine(laid.site);

  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_NE(first->line, second->line);
}

TEST(ReaderSeat, HoldsTheLockOfItsLineForItsLife) {
  LaidSite laid;
  std::optional<ReaderSeat> seat = JoinedSeat(laid);
  absl::StatusOr<LockFile> probe = LockFile::Open(laid.site.directory);

  const bool while_seated = *probe->TryLock(layout::ReaderLockByte(0));
  seat.reset();

  EXPECT_FALSE(while_seated);
  EXPECT_TRUE(*probe->TryLock(layout::ReaderLockByte(0)));
}

TEST(ReaderSeat, IsEmptyAgainAfterLeaving) {
  LaidSite laid;
  const ReaderSeat seat = JoinedSeat(laid);
  laid.laid.LayHazard(0, 2, ring::Entry{5});

  LeaveReaderLine(laid.site, seat);

  EXPECT_FALSE(laid.laid.IsActive(0));
  EXPECT_EQ(laid.laid.cursor(0).state(), ReaderState::kFree);
  EXPECT_EQ(laid.laid.line(0).hazards[2].load(), 0u);
}

TEST(ReaderSeat, RingsAPublisherThatWaitsForItWhenItLeaves) {
  LaidSite laid;
  laid.site.is_reliable = true;
  const ReaderSeat seat = JoinedSeat(laid);

  LeaveReaderLine(laid.site, seat);

  EXPECT_EQ(laid.laid.line(0).bell.load(), 1u);
}

TEST(ReaderSeat, IsRefusedWhenAllBelongToTheLiving) {
  LaidSite laid({16, 8, 2, 0});
  const ReaderSeat first = JoinedSeat(laid);
  const ReaderSeat second = JoinedSeat(laid);

  const absl::Status status = TakeReaderLine(laid.site).status();

  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("all 2 subscriber places"));
  EXPECT_TRUE(laid.laid.IsActive(0) && laid.laid.IsActive(1));
}

TEST(ReaderSeat, IsTakenOverFromTheDeadEmptied) {
  LaidSite laid({16, 8, 1, 0});
  test::StayingChild child([&](const auto& stay) {
    const ReaderSeat seat = JoinedSeat(laid);
    laid.laid.LayHazard(0, 3, ring::Entry{9});
    stay();
  });
  ASSERT_TRUE(child.is_there());
  const absl::Status while_alive = TakeReaderLine(laid.site).status();
  child.Kill();

  const auto seat = TakeReaderLine(laid.site);

  EXPECT_EQ(while_alive.code(), StatusCode::kResourceExhausted);
  ASSERT_TRUE(seat.ok()) << seat.status();
  EXPECT_EQ(seat->line, 0u);
  EXPECT_EQ(laid.laid.line(0).hazards[3].load(), 0u);
  EXPECT_FALSE(laid.laid.IsActive(0));
}

TEST(ReaderSeat, NeedsTheLockFile) {
  LaidSite laid;
  std::filesystem::remove(laid.root / "lock");

  EXPECT_EQ(TakeReaderLine(laid.site).status().code(), StatusCode::kNotFound);
}

TEST(Seats, AreInertInAForkedChild) {
  LaidSite laid;
  const ReaderSeat seat = JoinedSeat(laid);

  const int status = test::ExitStatusOf(
      [&] { return !seat.membership.IsThisProcess() && !seat.membership.IsStillHeld() ? 0 : 1; });

  EXPECT_EQ(status, 0);
  EXPECT_TRUE(seat.membership.IsThisProcess() && seat.membership.IsStillHeld());
}

TEST(Seats, KnowTheirLockByte) {
  LaidSite laid;
  const ReaderSeat reader = JoinedSeat(laid);
  const auto publisher = TakePublisherId(laid.site);

  ASSERT_TRUE(publisher.ok());
  EXPECT_EQ(reader.membership.byte(), layout::ReaderLockByte(0));
  EXPECT_EQ(publisher->membership.byte(), layout::PublisherLockByte(1));
}

TEST(PublisherId, StartsWithOneInGenerationOne) {
  LaidSite laid;

  const auto seat = TakePublisherId(laid.site);

  ASSERT_TRUE(seat.ok());
  EXPECT_EQ(seat->id, 1u);
  EXPECT_EQ(seat->generation, 1u);
  EXPECT_EQ(seat->start_sequence, 0u);
}

TEST(PublisherId, IsHeldByOneAtATime) {
  LaidSite laid;
  const auto first = TakePublisherId(laid.site);

  const auto second = TakePublisherId(laid.site);

  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(second->id, 2u);
}

TEST(PublisherId, IsRefusedWhenAllAreInUse) {
  LaidSite laid({16, 1, 4, 0});
  const auto first = TakePublisherId(laid.site);

  const absl::Status status = TakePublisherId(laid.site).status();

  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("all 1 publisher places"));
}

TEST(PublisherId, IsRatherOneThatTheRingDoesNotName) {
  LaidSite laid;
  laid.laid.LayMessages(0, 5, 1);

  const auto seat = TakePublisherId(laid.site);

  ASSERT_TRUE(seat.ok());
  EXPECT_EQ(seat->id, 2u);
}

TEST(PublisherId, MayBeOneThatTheRingNamesWhenAllAreNamed) {
  LaidSite laid({16, 2, 4, 0});
  laid.laid.LayMessages(0, 5, 1);
  laid.laid.LayEntry(4, 2, 0);

  const auto seat = TakePublisherId(laid.site);

  ASSERT_TRUE(seat.ok());
  EXPECT_EQ(seat->id, 1u);
  EXPECT_EQ(seat->start_sequence, 5u);
}

TEST(PublisherId, IsNeverOneThatPromisedHistoryNames) {
  LaidSite laid({16, 2, 4, 0});
  laid.site.history = 2;
  laid.laid.LayMessages(0, 5, 2);
  laid.laid.LayEntry(3, 1, 0);
  laid.laid.LayEntry(4, 1, 1);

  const auto seat = TakePublisherId(laid.site);

  ASSERT_TRUE(seat.ok());
  EXPECT_EQ(seat->id, 2u);
}

TEST(PublisherId, GivesUpTheHistoryOfTheDeadWhenAllIsPromised) {
  LaidSite laid({16, 1, 4, 0});
  laid.site.history = 1;
  laid.laid.LayMessages(0, 5, 1);

  const auto seat = TakePublisherId(laid.site);

  ASSERT_TRUE(seat.ok()) << seat.status();
  EXPECT_EQ(seat->start_sequence, 5u);
}

TEST(PublisherId, OfAReliableChannelGivesUpTheHistoryOfTheDeadOnceAllHaveReadIt) {
  LaidSite laid({16, 1, 4, 0});
  laid.site.is_reliable = true;
  laid.site.history = 1;
  laid.laid.LayMessages(0, 5, 1);
  laid.laid.LayReader(0);
  laid.laid.line(0).cursor.store(ring::CursorWord::Make(5, 1, ReaderState::kActive).bits);

  const auto seat = TakePublisherId(laid.site);

  ASSERT_TRUE(seat.ok()) << seat.status();
  EXPECT_EQ(seat->start_sequence, 5u);
}

TEST(PublisherId, OfAReliableChannelIsBestOneWhoseHistoryIsNotGivenUp) {
  LaidSite laid({16, 2, 4, 0});
  laid.site.is_reliable = true;
  laid.site.history = 1;
  laid.laid.LayMessages(0, 4, 2);
  laid.laid.LayEntry(4, 1, 0);

  const auto seat = TakePublisherId(laid.site);

  ASSERT_TRUE(seat.ok()) << seat.status();
  EXPECT_EQ(seat->id, 2u);
}

TEST(PublisherId, IsNeverOneThatAReliableReaderStillWaitsFor) {
  LaidSite laid({16, 1, 4, 0});
  laid.site.is_reliable = true;
  laid.laid.LayReader(0);  // at 0
  laid.laid.LayMessages(0, 5, 1);

  const absl::Status unread = TakePublisherId(laid.site).status();
  laid.laid.line(0).cursor.store(ring::CursorWord::Make(5, 1, ReaderState::kActive).bits);
  const auto read = TakePublisherId(laid.site);

  EXPECT_EQ(unread.code(), StatusCode::kResourceExhausted);
  EXPECT_TRUE(read.ok()) << read.status();
}

TEST(PublisherId, IsNeverThatOfTheOldestUnreadMessageOfAFullRing) {
  LaidSite laid({16, 2, 4, 0});
  laid.site.is_reliable = true;
  laid.laid.LayReader(0);  // at 0
  laid.laid.LayMessages(0, 16, 2);
  laid.laid.LayEntry(0, 1, 0);

  EXPECT_EQ(TakePublisherId(laid.site).status().code(), StatusCode::kResourceExhausted);
}

test::LaidSizes WithClaims(std::uint32_t max_publishers) {
  test::LaidSizes sizes;
  sizes.has_claims = true;
  sizes.max_publishers = max_publishers;
  return sizes;
}

TEST(PublisherId, IsNeverOneWithAnOpenJob) {
  LaidSite laid(WithClaims(2));
  laid.laid.LayMessages(0, 1, 1);

  const auto seat = TakePublisherId(laid.site);

  ASSERT_TRUE(seat.ok());
  EXPECT_EQ(seat->id, 2u);
}

TEST(PublisherId, IsRefusedWhileEveryOneHasAnOpenJob) {
  LaidSite laid(WithClaims(1));
  laid.site.roles = base::kPushPullRoles;
  laid.laid.LayMessages(0, 1, 1);

  const absl::Status status = TakePublisherId(laid.site).status();

  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("pusher places are taken by living processes, or by messages of "
                                                       "dead ones that no puller has taken; close one, or raise max_pushers"));
}

TEST(PublisherId, MayBeOneWhoseJobsAreOverThoughTheRingNamesIt) {
  LaidSite laid(WithClaims(1));
  laid.laid.LayDoneJobs(0, 3, 1);

  EXPECT_TRUE(TakePublisherId(laid.site).ok());
}

TEST(ReaderSeat, IsSweptBeforeItsNewOwnerDoesAnything) {
  LaidSite laid(WithClaims(1));
  laid.site.max_attempts = 15;
  laid.laid.LayMessages(0, 1, 1);
  laid.laid.LayClaim(0, ring::ClaimState::kClaimed, 0, ring::OwnerOf(0));

  const ReaderSeat seat = JoinedSeat(laid);

  ASSERT_EQ(seat.line, 0u);
  EXPECT_EQ(laid.laid.claim(0).state(), ring::ClaimState::kReady);
}

TEST(LeavePublisherId, KeepsTheFileUntilItsJobsAreOver) {
  LaidSite laid(WithClaims(1));
  const auto seat = TakePublisherId(laid.site);
  ASSERT_TRUE(seat.ok());
  laid.LayPublisher(1, seat->generation);
  laid.laid.LayMessages(0, 1, 1);

  LeavePublisherId(laid.site, *seat);
  const bool was_kept = laid.HasDataFile(1, seat->generation);
  laid.laid.LayClaim(0, ring::ClaimState::kDone, 0, ring::OwnerOf(0));
  LeavePublisherId(laid.site, *seat);

  EXPECT_TRUE(was_kept);
  EXPECT_FALSE(laid.HasDataFile(1, seat->generation));
}

TEST(PublisherId, HelpsTheHeadPastItsPredecessorsLastMessage) {
  LaidSite laid({16, 1, 4, 0});
  laid.laid.LayMessages(0, 3, 1);
  laid.laid.LayEntry(3, 1, 0);

  const auto seat = TakePublisherId(laid.site);

  ASSERT_TRUE(seat.ok());
  EXPECT_EQ(laid.laid.head(), 4u);
  EXPECT_EQ(seat->start_sequence, 4u);
}

TEST(PublisherId, CountsGenerationsAndLeavesOutZero) {
  LaidSite laid;
  laid.laid.ring().publishers[1].generation.store(7);
  laid.laid.ring().publishers[2].generation.store(0xFFFFFFFF);

  const auto first = TakePublisherId(laid.site);
  const auto second = TakePublisherId(laid.site);

  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->generation, 8u);
  EXPECT_EQ(second->generation, 1u);
}

TEST(PublisherId, NeedsTheLockFile) {
  LaidSite laid;
  std::filesystem::remove(laid.root / "lock");

  EXPECT_EQ(TakePublisherId(laid.site).status().code(), StatusCode::kNotFound);
}

TEST(AnnouncePublisher, NamesTheNewFileAndRemovesThePredecessors) {
  LaidSite laid;
  laid.LayPublisher(1, 4);
  const auto seat = TakePublisherId(laid.site);
  ASSERT_TRUE(seat.ok());
  laid.LayDataFile(1, 5);

  AnnouncePublisher(laid.site, *seat);

  EXPECT_EQ(laid.laid.ring().publishers[1].generation.load(), 5u);
  EXPECT_TRUE(laid.HasDataFile(1, 5));
  EXPECT_FALSE(laid.HasDataFile(1, 4));
}

TEST(LeavePublisherId, RemovesTheFileThatNobodyCanNeed) {
  LaidSite laid;
  const auto seat = TakePublisherId(laid.site);
  ASSERT_TRUE(seat.ok());
  laid.LayPublisher(1, 1);

  LeavePublisherId(laid.site, *seat);

  EXPECT_FALSE(laid.HasDataFile(1, 1));
}

TEST(LeavePublisherId, KeepsTheFileWhileTheRingNamesIt) {
  LaidSite laid;
  const auto seat = TakePublisherId(laid.site);
  ASSERT_TRUE(seat.ok());
  laid.LayPublisher(1, 1);
  laid.laid.LayMessages(0, 1, 1);

  LeavePublisherId(laid.site, *seat);

  EXPECT_TRUE(laid.HasDataFile(1, 1));
}

}  // namespace
}  // namespace shmcomm::registry
