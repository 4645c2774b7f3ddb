// SPDX-License-Identifier: Apache-2.0
#include "registry/cleaner.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "registry/seats.h"
#include "ring/claim.h"
#include "support/forked_child.h"
#include "support/laid_site.h"

namespace shmcomm::registry {
namespace {

using ring::ReaderState;
using test::LaidSite;
using test::LaidSizes;
using test::StayingChild;

std::uint32_t BellOf(const LaidSite& laid) { return laid.site.readers.wake->bell.load(); }

/// A subscriber that holds a message in line 0 of its own process.
void SubscribeAndStay(LaidSite& laid, const StayingChild::Stay& stay) {
  const absl::StatusOr<ReaderSeat> seat = TakeReaderLine(laid.site);
  if (!seat.ok()) return;
  laid.laid.LayReader(seat->line);
  laid.laid.LayHazard(seat->line, 0, ring::Entry{9});
  stay();
}

/// An announced publisher of its own process.
void PublishAndStay(LaidSite& laid, const StayingChild::Stay& stay) {
  const absl::StatusOr<PublisherSeat> seat = TakePublisherId(laid.site);
  if (!seat.ok()) return;
  laid.LayDataFile(seat->id, seat->generation);
  AnnouncePublisher(laid.site, *seat);
  stay();
}

TEST(CleanDeadReaders, EmptiesTheLineOfAKilledSubscriberAndRings) {
  LaidSite laid;
  StayingChild child([&](const auto& stay) { SubscribeAndStay(laid, stay); });
  ASSERT_TRUE(child.is_there());
  child.Kill();

  ASSERT_TRUE(CleanDeadReaders(laid.site).ok());

  EXPECT_EQ(laid.laid.cursor(0).state(), ReaderState::kFree);
  EXPECT_FALSE(laid.laid.IsActive(0));
  EXPECT_EQ(laid.laid.line(0).hazards[0].load(), 0u);
  EXPECT_EQ(BellOf(laid), 1u);
  EXPECT_EQ(laid.laid.line(0).bell.load(), 1u);  // a publisher may wait for it
}

TEST(CleanDeadReaders, LeavesTheLivingAlone) {
  LaidSite laid;
  StayingChild child([&](const auto& stay) { SubscribeAndStay(laid, stay); });
  ASSERT_TRUE(child.is_there());

  ASSERT_TRUE(CleanDeadReaders(laid.site).ok());

  EXPECT_TRUE(laid.laid.IsActive(0));
  EXPECT_EQ(laid.laid.line(0).hazards[0].load(), 9u);
  EXPECT_EQ(BellOf(laid), 0u);
}

TEST(CleanDeadReaders, LeavesTheLivingOfItsOwnProcessAlone) {
  LaidSite laid;
  const auto seat = TakeReaderLine(laid.site);
  ASSERT_TRUE(seat.ok());
  laid.laid.LayReader(seat->line);

  ASSERT_TRUE(CleanDeadReaders(laid.site).ok());

  EXPECT_TRUE(laid.laid.IsActive(0));
}

TEST(CleanDeadReaders, CleansDemotedAndLossyLinesToo) {
  LaidSite laid;
  laid.laid.LayReader(1, ReaderState::kDemoted);
  laid.laid.LayReader(2, ReaderState::kLossy);

  ASSERT_TRUE(CleanDeadReaders(laid.site).ok());

  EXPECT_EQ(laid.laid.cursor(1).state(), ReaderState::kFree);
  EXPECT_EQ(laid.laid.cursor(2).state(), ReaderState::kFree);
}

TEST(CleanDeadReaders, LeavesTheLockFreeForTheNextOne) {
  LaidSite laid({16, 8, 1, 0});
  laid.laid.LayReader(0);

  ASSERT_TRUE(CleanDeadReaders(laid.site).ok());

  EXPECT_TRUE(TakeReaderLine(laid.site).ok());
}

TEST(CleanDeadReaders, DoesNotWriteToARingThatItMayNotWrite) {
  LaidSite laid;
  laid.site.is_ring_writable = false;
  laid.laid.LayReader(0);

  ASSERT_TRUE(CleanDeadReaders(laid.site).ok());

  EXPECT_EQ(laid.laid.cursor(0).state(), ReaderState::kFree);
  EXPECT_EQ(BellOf(laid), 1u);  // in the readers file
}

TEST(CleanReaderIfDead, CleansTheOneLineOnly) {
  LaidSite laid;
  laid.laid.LayReader(0);
  laid.laid.LayReader(1);

  ASSERT_TRUE(CleanReaderIfDead(laid.site, 1).ok());

  EXPECT_EQ(laid.laid.cursor(0).state(), ReaderState::kActive);
  EXPECT_EQ(laid.laid.cursor(1).state(), ReaderState::kFree);
  EXPECT_EQ(laid.laid.line(1).bell.load(), 1u);
}

TEST(CleanReaderIfDead, LeavesTheLivingAlone) {
  LaidSite laid;
  const auto seat = TakeReaderLine(laid.site);
  ASSERT_TRUE(seat.ok());
  laid.laid.LayReader(0);

  ASSERT_TRUE(CleanReaderIfDead(laid.site, 0).ok());

  EXPECT_EQ(laid.laid.cursor(0).state(), ReaderState::kActive);
}

TEST(CleanDeadPublishers, RemovesTheFileOfAKilledOneAndRings) {
  LaidSite laid;
  StayingChild child([&](const auto& stay) { PublishAndStay(laid, stay); });
  ASSERT_TRUE(child.is_there());
  child.Kill();

  ASSERT_TRUE(CleanDeadPublishers(laid.site).ok());

  EXPECT_FALSE(laid.HasDataFile(1, 1));
  EXPECT_EQ(BellOf(laid), 1u);
}

TEST(CleanDeadPublishers, LeavesTheLivingAlone) {
  LaidSite laid;
  StayingChild child([&](const auto& stay) { PublishAndStay(laid, stay); });
  ASSERT_TRUE(child.is_there());

  ASSERT_TRUE(CleanDeadPublishers(laid.site).ok());

  EXPECT_TRUE(laid.HasDataFile(1, 1));
  EXPECT_EQ(BellOf(laid), 0u);
}

TEST(CleanDeadPublishers, KeepsAFileThatAReaderMayStillNeedButRings) {
  LaidSite laid;
  laid.LayPublisher(3, 2);
  laid.laid.LayMessages(0, 1, 3);

  ASSERT_TRUE(CleanDeadPublishers(laid.site).ok());

  EXPECT_TRUE(laid.HasDataFile(3, 2));
  EXPECT_EQ(BellOf(laid), 1u);
}

TEST(CleanDeadPublishers, RemovesFilesThatAreNotTheAnnouncedGeneration) {
  LaidSite laid;
  laid.LayPublisher(3, 2);
  laid.LayDataFile(3, 1);
  laid.LayDataFile(3, 3);
  laid.laid.LayMessages(0, 1, 3);

  ASSERT_TRUE(CleanDeadPublishers(laid.site).ok());

  EXPECT_FALSE(laid.HasDataFile(3, 1) || laid.HasDataFile(3, 3));
  EXPECT_TRUE(laid.HasDataFile(3, 2));
}

TEST(CleanDeadPublishers, HelpsTheHeadPastTheLastMessage) {
  LaidSite laid;
  laid.LayPublisher(1, 1);
  laid.laid.LayMessages(0, 3, 1);
  laid.laid.LayEntry(3, 1, 0);

  ASSERT_TRUE(CleanDeadPublishers(laid.site).ok());

  EXPECT_EQ(laid.laid.head(), 4u);
}

TEST(CleanDeadPublishers, DoesNotWriteToARingThatItMayNotWrite) {
  LaidSite laid;
  laid.site.is_ring_writable = false;
  laid.LayPublisher(1, 1);
  laid.laid.LayEntry(0, 2, 0);

  ASSERT_TRUE(CleanDeadPublishers(laid.site).ok());

  EXPECT_FALSE(laid.HasDataFile(1, 1));
  EXPECT_EQ(laid.laid.head(), 0u);
  EXPECT_EQ(BellOf(laid), 1u);
}

TEST(CleanDeadPublishers, TouchesNothingThatIsNoDataFile) {
  LaidSite laid;
  const char* const names[] = {"pub", "pub.1", "pub.0.1", "pub.256.1", "pub.x.1", "pub.1.x", "pub.1.1.1", "sub.1.1", "meta"};
  for (const char* name : names) test::WriteFile(laid.root / name, "");

  ASSERT_TRUE(CleanDeadPublishers(laid.site).ok());

  for (const char* name : names) EXPECT_TRUE(test::Exists(laid.root / name)) << name;
}

LaidSizes WithClaims() {
  LaidSizes sizes;
  sizes.has_claims = true;
  return sizes;
}

/// A puller that has claimed jobs 0 and 1 in line 0 of its own process.
void ClaimAndStay(LaidSite& laid, const StayingChild::Stay& stay) {
  const absl::StatusOr<ReaderSeat> seat = TakeReaderLine(laid.site);
  if (!seat.ok()) return;
  ring::Claimer claimer({laid.site.ring, laid.site.readers, seat->line});
  claimer.Join();
  claimer.Next();
  claimer.Next();
  stay();
}

/// A channel with two jobs of publisher 1.
class LaidJobs : public LaidSite {
 public:
  LaidJobs() : LaidSite(WithClaims()) {
    site.max_attempts = 15;
    laid.LayMessages(0, 2, 1);
  }
};

TEST(CleanDeadClaimers, GivesTheJobsOfAKilledPullerBackAndWakesOne) {
  LaidJobs laid;
  StayingChild child([&](const auto& stay) { ClaimAndStay(laid, stay); });
  ASSERT_TRUE(child.is_there());
  laid.laid.LayIdle(2);
  laid.laid.LayIdle(3);
  child.Kill();

  ASSERT_TRUE(CleanDeadClaimers(laid.site).ok());

  for (const ring::Sequence job : {0, 1}) {
    EXPECT_EQ(laid.laid.claim(job).state(), ring::ClaimState::kReady);
    EXPECT_EQ(laid.laid.claim(job).attempt(), 1u);
  }
  EXPECT_EQ(laid.laid.cursor(0).state(), ReaderState::kFree);
  EXPECT_EQ(laid.laid.line(2).bell.load() + laid.laid.line(3).bell.load(), 1u);
  EXPECT_EQ(laid.site.readers.wake->space_bell.load(), 1u);  // a pusher may wait for a job that was given up
}

/// As left by a puller whose lock fell: its line was cleaned while it lived, and it claimed and died afterwards.
struct LaidClaimOfAFreeLine : LaidJobs {
  LaidClaimOfAFreeLine() { laid.LayClaim(0, ring::ClaimState::kClaimed, 0, ring::OwnerOf(kLine)); }
  bool IsGivenBack() { return laid.claim(0).state() == ring::ClaimState::kReady && laid.claim(0).attempt() == 1; }
  static constexpr std::uint32_t kLine = 1;
};

TEST(CleanDeadClaimers, GiveBackWhatWasClaimedForALineThatIsFree) {
  LaidClaimOfAFreeLine laid;
  ASSERT_TRUE(CleanDeadClaimers(laid.site).ok());
  EXPECT_TRUE(laid.IsGivenBack());
}

TEST(CleanDeadReaders, GiveBackWhatWasClaimedForALineThatIsFree) {
  LaidClaimOfAFreeLine laid;
  ASSERT_TRUE(CleanDeadReaders(laid.site).ok());
  EXPECT_TRUE(laid.IsGivenBack());
}

TEST(CleanReaderIfDead, GivesBackWhatWasClaimedForALineThatIsFree) {
  LaidClaimOfAFreeLine laid;
  ASSERT_TRUE(CleanReaderIfDead(laid.site, laid.kLine).ok());
  EXPECT_TRUE(laid.IsGivenBack());
}

TEST(CleanDeadClaimers, LeavesTheLivingAlone) {
  LaidJobs laid;
  StayingChild child([&](const auto& stay) { ClaimAndStay(laid, stay); });
  ASSERT_TRUE(child.is_there());

  ASSERT_TRUE(CleanDeadClaimers(laid.site).ok());

  EXPECT_EQ(laid.laid.claim(0).state(), ring::ClaimState::kClaimed);
  EXPECT_EQ(laid.laid.cursor(0).state(), ReaderState::kActive);
}

TEST(CleanDeadClaimers, AsksNoLockWhereNothingIsClaimed) {
  LaidJobs laid;
  ASSERT_EQ(std::remove((laid.root / "lock").c_str()), 0);

  EXPECT_TRUE(CleanDeadClaimers(laid.site).ok());
}

TEST(CleanDeadClaimers, StaysInsideTheFileWhateverTheClaimsSay) {
  LaidJobs laid;
  laid.laid.LayClaim(0, ring::ClaimState::kClaimed, 0, 0);
  laid.laid.LayClaim(1, ring::ClaimState::kClaimed, 0, 255);

  EXPECT_TRUE(CleanDeadClaimers(laid.site).ok());
}

TEST(CleanDeadReaders, SweepsWhatTheDeadHaveClaimed) {
  LaidJobs laid;
  StayingChild child([&](const auto& stay) { ClaimAndStay(laid, stay); });
  ASSERT_TRUE(child.is_there());
  child.Kill();

  ASSERT_TRUE(CleanDeadReaders(laid.site).ok());

  EXPECT_EQ(laid.laid.claim(0).state(), ring::ClaimState::kReady);
}

TEST(CleanDeadPublishers, KeepsTheFileWhileAJobOfItIsOpen) {
  LaidJobs laid;
  laid.LayPublisher(1, 1);
  laid.laid.LayClaim(0, ring::ClaimState::kDone, 0, ring::OwnerOf(0));

  ASSERT_TRUE(CleanDeadPublishers(laid.site).ok());
  const bool was_kept = laid.HasDataFile(1, 1);
  laid.laid.LayClaim(1, ring::ClaimState::kFailed, 1, ring::kNobody);
  ASSERT_TRUE(CleanDeadPublishers(laid.site).ok());

  EXPECT_TRUE(was_kept);
  EXPECT_FALSE(laid.HasDataFile(1, 1));
}

TEST(Cleaners, NeedTheLockFile) {
  LaidSite laid;
  std::filesystem::remove(laid.root / "lock");

  EXPECT_EQ(CleanDeadReaders(laid.site).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(CleanReaderIfDead(laid.site, 0).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(CleanDeadPublishers(laid.site).code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace shmcomm::registry
