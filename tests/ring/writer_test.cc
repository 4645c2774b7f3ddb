// SPDX-License-Identifier: Apache-2.0
#include "ring/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "support/hand_laid.h"
#include "support/watchdog.h"

namespace shmcomm::ring {
namespace {

using segment::kNoSlot;
using test::HandLaid;
using test::LaidWriter;
using test::LaidWriterOptions;

constexpr std::uint32_t kN = 16;
constexpr std::uint32_t kPromiseAll = 0xFFFF;

LaidWriterOptions WithSlots(std::uint32_t slots, std::uint32_t history = 0) {
  LaidWriterOptions options;
  options.slots = slots;
  options.history = history;
  return options;
}

TEST(Reserve, TakesUnusedSlotsInOrder) {
  HandLaid laid;
  LaidWriter writer(laid);

  EXPECT_EQ(writer->Reserve(), SlotIndex{0});
  EXPECT_EQ(writer->Reserve(), SlotIndex{1});
}

TEST(Reserve, FailsWhenEverySlotIsOnLoan) {
  HandLaid laid;
  LaidWriter writer(laid, WithSlots(2));
  writer->Reserve();
  writer->Reserve();

  EXPECT_EQ(writer->Reserve(), kNoSlot);
}

TEST(Abandon, LeavesNoTraceInTheRing) {
  HandLaid laid;
  LaidWriter writer(laid);

  writer->Abandon(writer->Reserve());

  EXPECT_EQ(laid.head(), 0u);
  EXPECT_EQ(laid.entry(0), Entry{});
}

TEST(Abandon, GivesTheWarmestSlotBackFirst) {
  HandLaid laid;
  LaidWriter writer(laid);
  const SlotIndex first = writer->Reserve();
  const SlotIndex second = writer->Reserve();

  writer->Abandon(first);
  writer->Abandon(second);

  EXPECT_EQ(writer->Reserve(), second);
  EXPECT_EQ(writer->Reserve(), first);
}

class Committing : public testing::TestWithParam<CommitMode> {
 protected:
  static LaidWriterOptions Options() {
    LaidWriterOptions options;
    options.publisher = 1;
    options.mode = GetParam();
    return options;
  }
};
INSTANTIATE_TEST_SUITE_P(Modes, Committing, testing::Values(CommitMode::kShared, CommitMode::kSole),
                         [](const auto& mode) { return mode.param == CommitMode::kShared ? "Shared" : "Sole"; });

TEST_P(Committing, NamesTheSlotAtHeadAndAdvancesHead) {
  HandLaid laid;
  laid.LayMessages(0, 5, 1);
  LaidWriter writer(laid, Options());

  const SlotIndex slot = writer.Publish();

  EXPECT_EQ(laid.entry(5), laid.EntryFor(5, 1, static_cast<std::uint16_t>(slot)));
  EXPECT_EQ(laid.head(), 6u);
}

TEST_P(Committing, WritesTheSequenceIntoTheSlotsHeader) {
  HandLaid laid;
  laid.LayMessages(0, 5, 1);
  LaidWriter writer(laid, Options());

  writer.Publish();

  EXPECT_EQ(writer.slots().header(0).sequence, 5u);
}

TEST_P(Committing, OverwritesTheLapBefore) {
  HandLaid laid;
  laid.LayMessages(0, kN, 1);
  LaidWriter writer(laid, Options());

  writer.Publish();

  EXPECT_EQ(laid.entry(kN), laid.EntryFor(kN, 1, 0));
}

TEST_P(Committing, OverwritesATombstone) {
  HandLaid laid;
  laid.LayMessages(0, kN, 1);
  laid.LayTombstone(0);
  LaidWriter writer(laid, Options());

  writer.Publish();

  EXPECT_EQ(laid.entry(kN), laid.EntryFor(kN, 1, 0));
}

TEST_P(Committing, NamesTheSlotItFillsNext) {
  HandLaid laid;
  LaidWriter writer(laid, Options());

  writer.Publish();

  EXPECT_EQ(writer.slots().header(0).next_slot, 1u);
}

TEST_P(Committing, NamesAnAbandonedSlotAsTheNextOne) {
  HandLaid laid;
  LaidWriter writer(laid, Options());
  const SlotIndex first = writer->Reserve();
  const SlotIndex second = writer->Reserve();
  writer->Abandon(first);

  writer->Commit(second);

  EXPECT_EQ(writer.slots().header(1).next_slot, 0u);
}

TEST(NextSlotHint, IsNoSlotWhileNoneIsReady) {
  HandLaid laid;
  LaidWriter writer(laid, WithSlots(1));

  writer.Publish();

  EXPECT_EQ(writer.slots().header(0).next_slot, layout::kNoSlot);
}

TEST(NextSlotHint, NamesWhatPrepareCollected) {
  HandLaid laid;
  LaidWriter writer(laid, WithSlots(kN + 2));
  writer.Publish(kN + 1);
  const SlotIndex last = writer->Reserve();

  writer->Prepare();
  writer->Commit(last);

  EXPECT_EQ(writer.slots().header(static_cast<std::uint16_t>(last)).next_slot, 0u);
}

TEST(Prepare, TouchesNothingThatIsStillInTheRing) {
  HandLaid laid;
  LaidWriter writer(laid, WithSlots(4));
  writer.Publish(4);

  writer->Prepare();

  for (Sequence s = 0; s < 4; ++s) EXPECT_EQ(laid.entry(s), laid.EntryFor(s, 1, static_cast<std::uint16_t>(s)));
}

TEST(CommitShared, HelpsALaggingHeadFirst) {
  HandLaid laid;
  laid.LayMessages(0, 3, 2);
  laid.LayEntry(3, 2, 7);
  LaidWriter writer(laid);

  writer.Publish();

  EXPECT_EQ(laid.entry(3), laid.EntryFor(3, 2, 7));
  EXPECT_EQ(laid.entry(4), laid.EntryFor(4, 1, 0));
  EXPECT_EQ(laid.head(), 5u);
}

TEST(CommitShared, NeverTakesAStaleHeadForFree) {
  HandLaid laid;
  laid.LayMessages(0, 40, 2);
  const Entry newest = laid.entry(36);
  laid.SetHead(20);  // entry 36 lies in its place
  LaidWriter writer(laid);

  const Writer::CommitResult result = writer->Commit(writer->Reserve());

  EXPECT_EQ(result, Writer::CommitResult::kCorrupt);
  EXPECT_EQ(laid.entry(36), newest);
  EXPECT_EQ(laid.head(), 20u);
}

TEST(CommitShared, CallsAHeadFarAheadOfTheEntriesCorrupt) {
  HandLaid laid;
  laid.LayMessages(0, 20, 2);
  laid.SetHead(1000);
  LaidWriter writer(laid);

  EXPECT_EQ(writer->Commit(writer->Reserve()), Writer::CommitResult::kCorrupt);
  EXPECT_EQ(laid.head(), 1000u);
}

TEST(CommitShared, EndsThoughSomebodyMovesHeadWithoutEnd) {
  HandLaid laid;
  LaidWriter writer(laid);
  laid.SetHead(1000);
  const test::Watchdog watchdog("a commit");
  std::atomic<bool> is_over{false};
  std::thread hostile([&] {
    for (Sequence head = 1000; !is_over; head += 16) laid.SetHead(head);
  });

  EXPECT_EQ(writer->Commit(writer->Reserve()), Writer::CommitResult::kCorrupt);

  is_over = true;
  hostile.join();
}

TEST(CommitShared, LeavesTheSlotReservedWhenTheRingIsCorrupt) {
  HandLaid laid;
  laid.SetHead(1000);
  LaidWriter writer(laid);
  const SlotIndex slot = writer->Reserve();

  ASSERT_EQ(writer->Commit(slot), Writer::CommitResult::kCorrupt);

  EXPECT_NE(writer->Reserve(), slot);
  writer->Abandon(slot);
  EXPECT_EQ(writer->Reserve(), slot);
}

TEST(CommitSole, GoesOnFromTheHeadItFound) {
  HandLaid laid;
  laid.LayMessages(0, 21, 1);
  LaidWriterOptions options;
  options.mode = CommitMode::kSole;
  LaidWriter writer(laid, options);

  writer.Publish(2);

  EXPECT_EQ(laid.entry(21), laid.EntryFor(21, 1, 0));
  EXPECT_EQ(laid.entry(22), laid.EntryFor(22, 1, 1));
}

// Nothing may be retracted here: every message is promised.
TEST(SlotReuse, WaitsUntilTheEntryIsOverwrittenNotUntilHeadReachesItsPlace) {
  HandLaid laid;
  LaidWriter writer(laid, WithSlots(kN, kPromiseAll));
  writer.Publish(kN);

  const SlotIndex too_early = writer->Reserve();
  laid.LayEntry(kN, 2, 0);
  laid.SetHead(kN + 1);
  const SlotIndex in_time = writer->Reserve();

  EXPECT_EQ(too_early, kNoSlot);
  EXPECT_EQ(in_time, SlotIndex{0});
}

TEST(SlotReuse, FailsWhileAHazardNamesTheWholeEntry) {
  HandLaid laid;
  laid.LayReader(0);
  LaidWriter writer(laid, WithSlots(kN + 1, kPromiseAll));
  writer.Publish(kN + 1);
  laid.LayHazard(0, 3, laid.EntryFor(0, 1, 0));

  EXPECT_EQ(writer->Reserve(), kNoSlot);
}

TEST(SlotReuse, SucceedsOnceTheHazardIsCleared) {
  HandLaid laid;
  laid.LayReader(0);
  LaidWriter writer(laid, WithSlots(kN + 1, kPromiseAll));
  writer.Publish(kN + 1);
  laid.LayHazard(0, 0, laid.EntryFor(0, 1, 0));
  ASSERT_EQ(writer->Reserve(), kNoSlot);

  laid.ClearHazard(0, 0);

  EXPECT_EQ(writer->Reserve(), SlotIndex{0});
}

TEST(SlotReuse, FailsUnderADemotedReadersHazard) {
  HandLaid laid;
  laid.LayReader(0, ReaderState::kDemoted);
  LaidWriter writer(laid, WithSlots(kN + 1, kPromiseAll));
  writer.Publish(kN + 1);
  laid.LayHazard(0, 0, laid.EntryFor(0, 1, 0));

  EXPECT_EQ(writer->Reserve(), kNoSlot);
}

TEST(SlotReuse, IgnoresALeftoverOfAnotherLap) {
  HandLaid laid;
  laid.LayReader(0);
  LaidWriter writer(laid, WithSlots(kN + 1, kPromiseAll));
  writer.Publish(kN + 1);
  laid.LayHazard(0, 0, Entry::Make(laid.ring().Lap(0) - 1, 1, SlotIndex{0}));

  EXPECT_EQ(writer->Reserve(), SlotIndex{0});
}

TEST(SlotReuse, IgnoresAnotherPublishersSlotOfThatNumber) {
  HandLaid laid;
  laid.LayReader(0);
  LaidWriter writer(laid, WithSlots(kN + 1, kPromiseAll));
  writer.Publish(kN + 1);
  laid.LayHazard(0, 0, laid.EntryFor(0, 2, 0));

  EXPECT_EQ(writer->Reserve(), SlotIndex{0});
}

TEST(SlotReuse, IgnoresAHazardOfASlotThatIsNone) {
  HandLaid laid;
  laid.LayReader(0);
  LaidWriter writer(laid, WithSlots(kN + 1, kPromiseAll));
  writer.Publish(kN + 1);
  laid.LayHazard(0, 0, laid.EntryFor(0, 1, 65534));

  EXPECT_EQ(writer->Reserve(), SlotIndex{0});
}

TEST(SlotReuse, ForgetsAMarkThatAScanMetWhileTheEntryWasInTheRing) {
  HandLaid laid;
  laid.LayReader(0);
  LaidWriter writer(laid, WithSlots(kN + 1, kPromiseAll));
  writer.Publish(kN + 1);
  laid.LayHazard(0, 0, laid.EntryFor(1, 1, 1));  // still in the ring
  ASSERT_EQ(writer.Publish(), SlotIndex{0});     // scans
  laid.ClearHazard(0, 0);

  EXPECT_EQ(writer->Reserve(), SlotIndex{1});
}

TEST(SlotReuse, TestsEveryEntryThatIsOutNotOnlyTheOldest) {
  HandLaid laid;
  laid.LayReader(0);
  LaidWriter writer(laid, WithSlots(kN, kPromiseAll));
  writer.Publish(kN);
  for (Sequence s = kN; s < kN + 3; ++s) laid.LayEntry(s, 2, 0);
  laid.SetHead(kN + 3);  // 0, 1 and 2 are out
  laid.LayHazard(0, 0, laid.EntryFor(0, 1, 0));
  laid.LayHazard(0, 1, laid.EntryFor(1, 1, 1));

  EXPECT_EQ(writer->Reserve(), SlotIndex{2});
  EXPECT_EQ(writer->Reserve(), kNoSlot);
}

TEST(Retract, TombstonesTheOldestWhenSlotsRunOut) {
  HandLaid laid;
  LaidWriter writer(laid, WithSlots(4));
  writer.Publish(4);

  const SlotIndex slot = writer->Reserve();

  EXPECT_EQ(slot, SlotIndex{0});
  EXPECT_EQ(laid.entry(0), laid.EntryFor(0, 1, 0).Tombstone());
  EXPECT_EQ(laid.entry(1), laid.EntryFor(1, 1, 1));
}

TEST(Retract, GoesOnPastWhatReadersHold) {
  HandLaid laid;
  laid.LayReader(0);
  LaidWriter writer(laid, WithSlots(8));
  writer.Publish(8);
  for (std::uint32_t k = 0; k < 3; ++k) laid.LayHazard(0, k, laid.EntryFor(k, 1, static_cast<std::uint16_t>(k)));

  const SlotIndex slot = writer->Reserve();

  EXPECT_EQ(slot, SlotIndex{3});
  EXPECT_EQ(laid.entry(3).slot(), kTombstone);
  EXPECT_EQ(laid.entry(4), laid.EntryFor(4, 1, 4));
}

TEST(Retract, TriesWhatItRetractedBeforeAgain) {
  HandLaid laid;
  laid.LayReader(0);
  LaidWriter writer(laid, WithSlots(8));
  writer.Publish(8);
  laid.LayHazard(0, 0, laid.EntryFor(0, 1, 0));
  ASSERT_EQ(writer->Reserve(), SlotIndex{1});
  laid.ClearHazard(0, 0);

  const SlotIndex slot = writer->Reserve();

  EXPECT_EQ(slot, SlotIndex{0});
  EXPECT_EQ(laid.entry(2), laid.EntryFor(2, 1, 2));
}

TEST(Retract, NeverTouchesPromisedHistory) {
  HandLaid laid;
  laid.LayReader(0);
  LaidWriter writer(laid, WithSlots(4, 2));
  writer.Publish(4);
  laid.LayHazard(0, 0, laid.EntryFor(0, 1, 0));
  laid.LayHazard(0, 1, laid.EntryFor(1, 1, 1));

  const SlotIndex slot = writer->Reserve();

  EXPECT_EQ(slot, kNoSlot);
  EXPECT_EQ(laid.entry(2), laid.EntryFor(2, 1, 2));
  EXPECT_EQ(laid.entry(3), laid.EntryFor(3, 1, 3));
}

TEST(Retract, TakesTheFirstMessageBeyondPromisedHistory) {
  HandLaid laid;
  LaidWriter writer(laid, WithSlots(3, 2));
  writer.Publish(3);

  EXPECT_EQ(writer->Reserve(), SlotIndex{0});
}

TEST(Retract, LeavesAnEntryThatWasOverwrittenMeanwhile) {
  HandLaid laid;
  LaidWriter writer(laid, WithSlots(kN));
  writer.Publish(kN);
  laid.LayEntry(kN, 2, 5);  // over our entry 0, head not moved yet

  const SlotIndex slot = writer->Reserve();

  EXPECT_EQ(slot, SlotIndex{0});
  EXPECT_EQ(laid.entry(kN), laid.EntryFor(kN, 2, 5));
}

TEST(FreshSlots, AreTakenBeforeAnythingIsRetracted) {
  HandLaid laid;
  LaidWriterOptions options = WithSlots(8);
  options.fresh_first = 3;
  LaidWriter writer(laid, options);
  writer.Publish(3);

  EXPECT_EQ(writer->Reserve(), SlotIndex{3});
  EXPECT_EQ(laid.entry(0), laid.EntryFor(0, 1, 0));
}

TEST(FreshSlots, AreSparedWhileUsedOnesCanBeReclaimed) {
  HandLaid laid;
  LaidWriterOptions options = WithSlots(8);
  options.fresh_first = 3;
  LaidWriter writer(laid, options);
  writer.Publish(3);
  laid.LayMessages(3, 20, 2);

  EXPECT_EQ(writer->Reserve(), SlotIndex{2});  // newest first: its memory is warm
}

TEST(FreshSlots, CanBeLimitedLaterButNotRaised) {
  HandLaid laid;
  LaidWriterOptions options = WithSlots(8);
  options.fresh_first = 3;
  LaidWriter writer(laid, options);

  writer->LimitFresh(1);
  writer->LimitFresh(8);
  writer.Publish(1);
  laid.LayMessages(1, 20, 2);

  EXPECT_EQ(writer->Reserve(), SlotIndex{0});
}

TEST(SlotList, GivesOutFirstInFirstOutFromTheBackAndLastInFromTheFront) {
  std::vector<SlotRecord> records(4);
  SlotList list;

  list.PushBack(records.data(), SlotIndex{0});
  list.PushBack(records.data(), SlotIndex{1});
  list.PushFront(records.data(), SlotIndex{2});

  EXPECT_EQ(list.PopFront(records.data()), SlotIndex{2});
  EXPECT_EQ(list.PopFront(records.data()), SlotIndex{0});
  EXPECT_EQ(list.PopFront(records.data()), SlotIndex{1});
  EXPECT_TRUE(list.empty());
}

TEST(SlotList, TakesUpAgainAfterItWasEmptied) {
  std::vector<SlotRecord> records(2);
  SlotList list;
  list.PushFront(records.data(), SlotIndex{1});
  list.PopFront(records.data());

  list.PushBack(records.data(), SlotIndex{0});

  EXPECT_EQ(list.front(), SlotIndex{0});
  EXPECT_EQ(list.PopFront(records.data()), SlotIndex{0});
  EXPECT_TRUE(list.empty());
}

}  // namespace
}  // namespace shmcomm::ring
