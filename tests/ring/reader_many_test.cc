// SPDX-License-Identifier: Apache-2.0
// Several steps of a reader at once, for TakeMany.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "ring/reader.h"
#include "support/hand_laid.h"

namespace shmcomm::ring {
namespace {

using test::HandLaid;
using ::testing::ElementsAre;

constexpr std::uint32_t kLine = 2;
constexpr std::uint32_t kMany = layout::kMaxHazards;

ReaderConfig ConfigOn(const HandLaid& laid, std::uint32_t max_borrowed) {
  return ReaderConfig{laid.ring(), laid.readers(), kLine, max_borrowed};
}

/// Takes and releases what there is, one by one.
std::vector<Sequence> TakeAll(Reader& reader) {
  std::vector<Sequence> taken;
  for (Reader::NextResult next = reader.Next(); next.outcome == Reader::Outcome::kHeld; next = reader.Next()) {
    reader.Accept(next.held);
    taken.push_back(next.held.sequence);
    reader.Release(next.held.hazard);
  }
  return taken;
}

TEST(ReaderMany, PeeksUpToWhatIsAskedForWhatIsThereAndWhatHazardsAreFree) {
  HandLaid laid;
  Reader reader(ConfigOn(laid, 4));
  reader.Join(0);
  laid.LayMessages(0, 3, 1);
  Held held[kMany];

  EXPECT_EQ(reader.PeekMany(held, 2), 2u);
  EXPECT_EQ(reader.PeekMany(held, kMany), 3u);
  laid.LayMessages(0, 10, 1);
  EXPECT_EQ(reader.PeekMany(held, kMany), 4u);
}

TEST(ReaderMany, EndsBeforeWhatHasToBeSkipped) {
  HandLaid laid;
  Reader reader(ConfigOn(laid, 4));
  reader.Join(0);
  laid.LayMessages(0, 4, 1);
  laid.LayTombstone(2);
  Held held[kMany];

  EXPECT_EQ(reader.PeekMany(held, kMany), 2u);
}

TEST(ReaderMany, EndsBeforeAnImpossiblePublisher) {
  HandLaid laid;
  Reader reader(ConfigOn(laid, 4));
  reader.Join(0);
  laid.LayMessages(0, 4, 1);
  laid.LayEntry(1, 200, 0);
  Held held[kMany];

  EXPECT_EQ(reader.PeekMany(held, kMany), 1u);
}

TEST(ReaderMany, MarksEachEntryInAHazardOfItsOwn) {
  HandLaid laid;
  Reader reader(ConfigOn(laid, 4));
  reader.Join(0);
  laid.LayMessages(0, 3, 1);
  Held held[kMany];

  ASSERT_EQ(reader.ProtectMany(held, reader.PeekMany(held, kMany)), 3u);

  for (std::uint16_t i = 0; i < 3; ++i) EXPECT_EQ(laid.line(kLine).hazards[held[i].hazard].load(), laid.EntryFor(i, 1, i).bits);
}

TEST(ReaderMany, LetsGoOfWhatWasOverwrittenMeanwhileAndOfWhatFollows) {
  HandLaid laid;
  Reader reader(ConfigOn(laid, 4));
  reader.Join(0);
  laid.LayMessages(0, 4, 1);
  Held held[kMany];
  const std::uint32_t peeked = reader.PeekMany(held, kMany);
  laid.LayTombstone(1);

  EXPECT_EQ(reader.ProtectMany(held, peeked), 1u);

  for (std::uint32_t i = 1; i < 4; ++i) EXPECT_EQ(laid.line(kLine).hazards[held[i].hazard].load(), 0u);
}

TEST(ReaderMany, MovesOnBehindThoseTakenAndGivesTheOthersBack) {
  HandLaid laid;
  Reader reader(ConfigOn(laid, 4));
  reader.Join(0);
  laid.LayMessages(0, 4, 1);
  Held held[kMany];
  const std::uint32_t count = reader.ProtectMany(held, reader.PeekMany(held, kMany));

  reader.AcceptMany(held, 2, count);

  EXPECT_EQ(reader.position(), 2u);
  EXPECT_EQ(laid.cursor(kLine).cursor(), 2u);
  EXPECT_EQ(laid.line(kLine).hazards[held[3].hazard].load(), 0u);
  EXPECT_EQ(reader.PeekMany(held, kMany), 2u);  // two hazards are in use
  reader.Release(0);
  reader.Release(1);
  EXPECT_THAT(TakeAll(reader), ElementsAre(2, 3));
}

TEST(ReaderMany, LearnsOfADemotionByItsStep) {
  HandLaid laid;
  ReaderConfig config = ConfigOn(laid, 4);
  config.mode = ReaderMode::kGating;
  Reader reader(config);
  reader.Join(0);
  laid.LayMessages(0, 4, 1);
  const CursorWord word = laid.cursor(kLine);
  laid.line(kLine).cursor.store(CursorWord::Make(word.cursor(), word.generation(), ReaderState::kDemoted).bits);
  Held held[kMany];

  reader.AcceptMany(held, 3, reader.ProtectMany(held, reader.PeekMany(held, 3)));

  EXPECT_EQ(reader.demotions(), 1u);
  EXPECT_EQ(laid.cursor(kLine).state(), ReaderState::kActive);
  EXPECT_EQ(reader.position(), 3u);
}

}  // namespace
}  // namespace shmcomm::ring
