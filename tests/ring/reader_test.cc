// SPDX-License-Identifier: Apache-2.0
#include "ring/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "support/hand_laid.h"

namespace shmcomm::ring {
namespace {

using test::HandLaid;
using Outcome = Reader::Outcome;
using ::testing::ElementsAre;

constexpr std::uint32_t kN = 16;
constexpr std::uint32_t kLine = 2;

ReaderConfig ConfigOn(const HandLaid& laid, std::uint32_t max_borrowed = 4) {
  return ReaderConfig{laid.ring(), laid.readers(), kLine, max_borrowed};
}

/// Takes and releases everything there is.
std::vector<Sequence> TakeAll(Reader& reader) {
  std::vector<Sequence> taken;
  for (;;) {
    const Reader::NextResult next = reader.Next();
    if (next.outcome == Outcome::kEmpty) return taken;
    if (next.outcome != Outcome::kHeld) continue;
    reader.Accept(next.held);
    taken.push_back(next.held.sequence);
    reader.Release(next.held.hazard);
  }
}

TEST(Join, EntersTheLineWithItsCursorAtHead) {
  HandLaid laid;
  laid.LayMessages(0, 10, 1);
  Reader reader(ConfigOn(laid));

  reader.Join(0);

  EXPECT_TRUE(laid.IsActive(kLine));
  EXPECT_EQ(laid.cursor(kLine).state(), ReaderState::kActive);
  EXPECT_EQ(laid.cursor(kLine).cursor(), 10u);
  EXPECT_EQ(reader.position(), 10u);
}

TEST(Join, CountsTheLinesGeneration) {
  HandLaid laid;
  laid.line(kLine).cursor.store(CursorWord::Make(3, 8, ReaderState::kFree).bits);
  Reader reader(ConfigOn(laid));

  reader.Join(0);

  EXPECT_EQ(laid.cursor(kLine).generation(), 9u);
}

TEST(Join, ClearsADeadReadersHazards) {
  HandLaid laid;
  for (std::uint32_t k = 0; k < layout::kMaxHazards; ++k) laid.LayHazard(kLine, k, Entry{k + 1});
  Reader reader(ConfigOn(laid, 1));

  reader.Join(0);

  for (const auto& hazard : laid.line(kLine).hazards) EXPECT_EQ(hazard.load(), 0u);
}

TEST(Join, WithoutHistoryDeliversNothingOlder) {
  HandLaid laid;
  laid.LayMessages(0, 10, 1);
  Reader reader(ConfigOn(laid));

  reader.Join(0);

  EXPECT_FALSE(reader.IsAvailable());
  EXPECT_EQ(reader.Next().outcome, Outcome::kEmpty);
}

TEST(Join, WithHistoryDeliversTheNewest) {
  HandLaid laid;
  laid.LayMessages(0, 10, 1);
  Reader reader(ConfigOn(laid));

  reader.Join(3);

  EXPECT_THAT(TakeAll(reader), ElementsAre(7, 8, 9));
  EXPECT_EQ(reader.TakeLost(), 0u);
}

TEST(Join, WithMoreHistoryThanThereIsStartsAtTheFirst) {
  HandLaid laid({kN, 8, 4, 100});
  laid.LayMessages(100, 102, 1);
  Reader reader(ConfigOn(laid));

  reader.Join(15);

  EXPECT_THAT(TakeAll(reader), ElementsAre(100, 101));
  EXPECT_EQ(reader.TakeLost(), 0u);
}

TEST(Join, WithHistoryOfAnEmptyChannelWaitsForItsFirst) {
  HandLaid laid;
  Reader reader(ConfigOn(laid));
  reader.Join(15);
  ASSERT_EQ(reader.Next().outcome, Outcome::kEmpty);

  laid.LayMessages(0, 1, 1);

  EXPECT_THAT(TakeAll(reader), ElementsAre(0));
}

TEST(History, ThatWasRetractedIsNotCountedAsLost) {
  HandLaid laid;
  laid.LayMessages(0, 10, 1);
  laid.LayTombstone(8);
  Reader reader(ConfigOn(laid));

  reader.Join(3);

  EXPECT_THAT(TakeAll(reader), ElementsAre(7, 9));
  EXPECT_EQ(reader.TakeLost(), 0u);
}

TEST(History, ThatWasNeverThereIsPassedOver) {
  HandLaid laid;
  laid.LayMessages(0, 10, 1);
  laid.ring().At(8).store(0);
  Reader reader(ConfigOn(laid));

  reader.Join(3);

  EXPECT_TRUE(reader.IsAvailable());
  EXPECT_THAT(TakeAll(reader), ElementsAre(7, 9));
  EXPECT_EQ(reader.TakeLost(), 0u);
}

TEST(History, ThatIsOverwrittenBeforeItIsTakenIsLostFromTheFloorOn) {
  HandLaid laid;
  laid.LayMessages(0, 10, 1);
  Reader reader(ConfigOn(laid));
  reader.Join(3);

  laid.LayMessages(10, 40, 1);  // oldest left: 25

  EXPECT_EQ(TakeAll(reader).front(), 25u);
  EXPECT_EQ(reader.TakeLost(), 15u);  // 10 to 24; 7 to 9 were promised to nobody
}

TEST(Next, ProtectsTheEntryUntilItIsReleased) {
  HandLaid laid;
  Reader reader(ConfigOn(laid));
  reader.Join(0);
  laid.LayMessages(0, 1, 1);

  const Reader::NextResult next = reader.Next();
  reader.Accept(next.held);

  ASSERT_EQ(next.outcome, Outcome::kHeld);
  EXPECT_EQ(next.held.entry, laid.entry(0));
  EXPECT_EQ(laid.line(kLine).hazards[next.held.hazard].load(), laid.entry(0).bits);
  reader.Release(next.held.hazard);
  EXPECT_EQ(laid.line(kLine).hazards[next.held.hazard].load(), 0u);
}

TEST(Next, DoesNotMoveOnByItself) {
  HandLaid laid;
  Reader reader(ConfigOn(laid));
  reader.Join(0);
  laid.LayMessages(0, 2, 1);

  reader.Next();

  EXPECT_EQ(reader.position(), 0u);
}

TEST(Next, FindsAnEntryThatHeadDoesNotCountYet) {
  HandLaid laid;
  Reader reader(ConfigOn(laid));
  reader.Join(0);
  laid.LayEntry(0, 1, 0);

  EXPECT_TRUE(reader.IsAvailable());
  EXPECT_EQ(reader.Next().outcome, Outcome::kHeld);
}

TEST(Accept, MovesOnAndShowsItInTheCursor) {
  HandLaid laid;
  Reader reader(ConfigOn(laid));
  reader.Join(0);
  laid.LayMessages(0, 2, 1);

  reader.Accept(reader.Next().held);

  EXPECT_EQ(reader.position(), 1u);
  EXPECT_EQ(laid.cursor(kLine).cursor(), 1u);
}

TEST(Reject, FreesTheHazardAndCountsTheMessageAsLost) {
  HandLaid laid;
  Reader reader(ConfigOn(laid));
  reader.Join(0);
  laid.LayMessages(0, 2, 1);

  reader.Reject(reader.Next().held);

  EXPECT_EQ(laid.line(kLine).hazards[0].load(), 0u);
  EXPECT_EQ(reader.position(), 1u);
  EXPECT_EQ(reader.TakeLost(), 1u);
}

TEST(LappedReader, CountsExactlyWhatItMissed) {
  HandLaid laid;
  Reader reader(ConfigOn(laid));
  reader.Join(0);

  laid.LayMessages(0, 40, 1);

  // Entry 24 may be under an overwrite that head does not count yet, so 25 is the oldest that is safe to promise.
  EXPECT_THAT(TakeAll(reader), ElementsAre(25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39));
  EXPECT_EQ(reader.TakeLost(), 25u);
}

TEST(LappedReader, LosesNothingWhenExactlyOneLapBehind) {
  HandLaid laid;
  Reader reader(ConfigOn(laid));
  reader.Join(0);

  laid.LayMessages(0, kN, 1);

  EXPECT_EQ(TakeAll(reader).size(), kN);
  EXPECT_EQ(reader.TakeLost(), 0u);
}

TEST(LappedReader, TrustsTheEntriesWhenHeadIsStale) {
  HandLaid laid;
  Reader reader(ConfigOn(laid));
  reader.Join(0);
  laid.LayMessages(0, 40, 1);
  laid.SetHead(5);

  EXPECT_EQ(TakeAll(reader).front(), 24u);
  EXPECT_EQ(reader.TakeLost(), 24u);
}

TEST(TakeLost, StartsAgainFromZero) {
  HandLaid laid;
  Reader reader(ConfigOn(laid));
  reader.Join(0);
  laid.LayMessages(0, 40, 1);
  TakeAll(reader);

  reader.TakeLost();

  EXPECT_EQ(reader.TakeLost(), 0u);
}

TEST(Tombstone, IsCountedAsOneLostMessage) {
  HandLaid laid;
  Reader reader(ConfigOn(laid));
  reader.Join(0);
  laid.LayMessages(0, 3, 1);
  laid.LayTombstone(1);

  EXPECT_THAT(TakeAll(reader), ElementsAre(0, 2));
  EXPECT_EQ(reader.TakeLost(), 1u);
}

TEST(Next, SaysLaggingAfterManySkipsAndGoesOnWhenCalledAgain) {
  HandLaid laid({128, 8, 4, 0});
  Reader reader(ConfigOn(laid));
  reader.Join(0);
  laid.LayMessages(0, 100, 1);
  for (Sequence s = 0; s < 99; ++s) laid.LayTombstone(s);

  const Outcome first = reader.Next().outcome;
  const Reader::NextResult second = reader.Next();

  EXPECT_EQ(first, Outcome::kLagging);
  EXPECT_EQ(second.outcome, Outcome::kHeld);
  EXPECT_EQ(second.held.sequence, 99u);
  EXPECT_EQ(reader.TakeLost(), 99u);
}

class HostileEntry : public testing::TestWithParam<std::uint32_t> {};
INSTANTIATE_TEST_SUITE_P(Publisher, HostileEntry, testing::Values(0, 9, 255));

TEST_P(HostileEntry, IsReportedSkippedAndCounted) {
  HandLaid laid({kN, 8, 4, 0});
  Reader reader(ConfigOn(laid));
  reader.Join(0);
  laid.LayMessages(0, 2, 1);
  laid.LayEntry(0, GetParam(), 0);

  const Outcome hostile = reader.Next().outcome;

  EXPECT_EQ(hostile, Outcome::kCorrupt);
  EXPECT_EQ(reader.TakeLost(), 1u);
  EXPECT_THAT(TakeAll(reader), ElementsAre(1));
}

TEST(HostileEntry, IsToldFromTheLastValidPublisher) {
  HandLaid laid({kN, 8, 4, 0});
  Reader reader(ConfigOn(laid));
  reader.Join(0);
  laid.LayMessages(0, 1, 8);

  EXPECT_EQ(reader.Next().outcome, Outcome::kHeld);
}

TEST(Borrowing, EndsAtTheLimitAndGoesOnAfterARelease) {
  HandLaid laid;
  Reader reader(ConfigOn(laid, 2));
  reader.Join(0);
  laid.LayMessages(0, 5, 1);
  const Held first = reader.Next().held;
  reader.Accept(first);
  reader.Accept(reader.Next().held);

  const Outcome full = reader.Next().outcome;
  reader.Release(first.hazard);
  const Reader::NextResult next = reader.Next();

  EXPECT_EQ(full, Outcome::kTooManyBorrowed);
  ASSERT_EQ(next.outcome, Outcome::kHeld);
  EXPECT_EQ(next.held.sequence, 2u);
  EXPECT_EQ(reader.TakeLost(), 0u);
}

TEST(Borrowing, IsCountedInOwnMemoryNotInTheSharedLine) {
  HandLaid laid;
  Reader reader(ConfigOn(laid, 1));
  reader.Join(0);
  laid.LayMessages(0, 5, 1);
  reader.Accept(reader.Next().held);

  laid.ClearHazard(kLine, 0);  // somebody else wrote to our line

  EXPECT_EQ(reader.Next().outcome, Outcome::kTooManyBorrowed);
}

TEST(Release, WorksFromAnotherThread) {
  HandLaid laid;
  Reader reader(ConfigOn(laid, 1));
  reader.Join(0);
  laid.LayMessages(0, 2, 1);
  const Held held = reader.Next().held;
  reader.Accept(held);
  const bool held_before = reader.HoldsAny();

  std::thread([&] { reader.Release(held.hazard); }).join();

  EXPECT_TRUE(held_before);
  EXPECT_FALSE(reader.HoldsAny());
  EXPECT_EQ(reader.Next().outcome, Outcome::kHeld);
}

}  // namespace
}  // namespace shmcomm::ring
