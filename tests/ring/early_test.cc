// SPDX-License-Identifier: Apache-2.0
// Early retract: a message that every reader has passed gives its slot back before it is overwritten.
#include <gtest/gtest.h>

#include "ring/writer.h"
#include "support/hand_laid.h"

namespace shmcomm::ring {
namespace {

using test::HandLaid;
using test::LaidWriter;
using test::LaidWriterOptions;

constexpr std::uint32_t kCapacity = 8;

/// On a best_effort channel and on a reliable one, by one publisher and by several.
struct Kind {
  std::uint32_t gate;
  CommitMode mode;
};

class EarlyRetract : public testing::TestWithParam<Kind> {
 protected:
  static LaidWriterOptions Options(std::uint32_t history = 0) {
    LaidWriterOptions options;
    options.gate = GetParam().gate;
    options.mode = GetParam().mode;
    options.history = history;
    return options;
  }
  /// Publishes `count` messages into slots 0, 1, 2 …, then turns early retract on.
  void Publish(int count) {
    writer_.Publish(count);
    writer_->set_early(true);
  }

  HandLaid laid_;
  LaidWriter writer_{laid_, Options()};
};
INSTANTIATE_TEST_SUITE_P(Kinds, EarlyRetract,
                         testing::Values(Kind{0, CommitMode::kShared}, Kind{0, CommitMode::kSole},
                                         Kind{kCapacity, CommitMode::kShared}, Kind{kCapacity, CommitMode::kSole}));

TEST_P(EarlyRetract, GivesBackTheSlotThatEveryReaderHasPassed) {
  laid_.LayReader(0);
  laid_.LayReader(2);
  Publish(1);
  laid_.SetCursor(0, 1);
  laid_.SetCursor(2, 1);

  EXPECT_EQ(writer_->Reserve(), SlotIndex{0});
  EXPECT_EQ(laid_.entry(0), laid_.EntryFor(0, 1, 0).Tombstone());
}

TEST_P(EarlyRetract, LeavesWhatSomeReaderHasNotPassed) {
  laid_.LayReader(0);
  laid_.LayReader(2);
  Publish(2);
  laid_.SetCursor(0, 2);
  laid_.SetCursor(2, 1);

  EXPECT_EQ(writer_->Reserve(), SlotIndex{0});
  EXPECT_EQ(writer_->Reserve(), SlotIndex{2});
  EXPECT_EQ(laid_.entry(1), laid_.EntryFor(1, 1, 1));
}

TEST_P(EarlyRetract, GivesTheNewestOfSeveralFirst) {
  laid_.LayReader(0);
  Publish(3);
  laid_.SetCursor(0, 3);

  EXPECT_EQ(writer_->Reserve(), SlotIndex{2});
  EXPECT_EQ(writer_->Reserve(), SlotIndex{1});
  EXPECT_EQ(writer_->Reserve(), SlotIndex{0});
}

TEST_P(EarlyRetract, PrefersTheSlotReadLastToOneThatIsFree) {
  laid_.LayReader(0);
  Publish(2);
  laid_.SetCursor(0, 2);
  const SlotIndex newest = writer_->Reserve();
  writer_->Commit(newest);
  laid_.SetCursor(0, 3);

  EXPECT_EQ(writer_->Reserve(), newest);
}

TEST_P(EarlyRetract, CountsALossyReader) {
  laid_.LayReader(0, ReaderState::kLossy);
  Publish(1);

  EXPECT_EQ(writer_->Reserve(), SlotIndex{1});
}

TEST_P(EarlyRetract, DoesNotCountADemotedReader) {
  laid_.LayReader(0, ReaderState::kDemoted);
  Publish(1);

  EXPECT_EQ(writer_->Reserve(), SlotIndex{0});
}

TEST_P(EarlyRetract, NeedsNoReaders) {
  Publish(3);

  EXPECT_EQ(writer_->Reserve(), SlotIndex{2});
}

TEST_P(EarlyRetract, WaitsForAHazardOfAReaderThatHasPassed) {
  laid_.LayReader(0);
  Publish(1);
  laid_.SetCursor(0, 1);
  laid_.LayHazard(0, 1, laid_.EntryFor(0, 1, 0));

  EXPECT_EQ(writer_->Reserve(), SlotIndex{1});
  laid_.ClearHazard(0, 1);
  EXPECT_EQ(writer_->Reserve(), SlotIndex{0});
}

TEST_P(EarlyRetract, KeepsThePromisedHistory) {
  LaidWriter writer(laid_, Options(2));
  writer.Publish(4);
  writer->set_early(true);

  EXPECT_EQ(writer->Reserve(), SlotIndex{1});
  EXPECT_EQ(writer->Reserve(), SlotIndex{0});
  EXPECT_EQ(writer->Reserve(), SlotIndex{4});
  EXPECT_EQ(laid_.entry(2), laid_.EntryFor(2, 1, 2));
  EXPECT_EQ(laid_.entry(3), laid_.EntryFor(3, 1, 3));
}

TEST_P(EarlyRetract, NamesTheSameSlotAsTheNextWhileReadersKeepUp) {
  laid_.LayReader(0);
  Publish(1);
  laid_.SetCursor(0, 1);

  writer_->Commit(writer_->Reserve());

  EXPECT_EQ(writer_.slots().header(0).next_slot, 0u);
}

TEST_P(EarlyRetract, IsNotDoneUnlessAskedFor) {
  writer_.Publish(1);

  writer_->Prepare();

  EXPECT_EQ(writer_->Reserve(), SlotIndex{1});
  EXPECT_EQ(laid_.entry(0), laid_.EntryFor(0, 1, 0));
}

TEST_P(EarlyRetract, LeavesAnEntryThatAnotherHasOverwritten) {
  LaidWriterOptions options = Options();
  options.gate = 0;
  LaidWriter writer(laid_, options);
  writer.Publish(1);
  writer->set_early(true);
  laid_.LayEntry(16, 2, 5);  // in the place of entry 0, head not yet told

  EXPECT_EQ(writer->Reserve(), SlotIndex{0});
  EXPECT_EQ(laid_.entry(16), laid_.EntryFor(16, 2, 5));
}

}  // namespace
}  // namespace shmcomm::ring
