// SPDX-License-Identifier: Apache-2.0
#include "ring/gate.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

#include "ring/reader.h"
#include "ring/view.h"

namespace shmcomm::ring {
namespace {

constexpr std::uint32_t kSize = 16;
constexpr std::uint32_t kLines = 4;

/// A ring and a readers file in plain memory, with readers laid at will.
class GateTest : public ::testing::Test {
 protected:
  static std::byte* Aligned(std::vector<std::byte>& bytes) {
    const auto address = reinterpret_cast<std::uintptr_t>(bytes.data());
    return bytes.data() + (64 - address % 64) % 64;
  }

  void LayReader(std::uint32_t line, Sequence cursor, ReaderState state) {
    readers_.lines[line].cursor.store(CursorWord::Make(cursor, 1, state).bits);
    readers_.ActiveWord(line).fetch_or(std::uint64_t{1} << line);
  }

  std::vector<std::byte> ring_bytes_ = std::vector<std::byte>(layout::RingFileBytes(kSize) + 64);
  std::vector<std::byte> readers_bytes_ = std::vector<std::byte>(layout::ReadersFileBytes(kLines, 0) + 64);
  RingView ring_ = ViewRing(Aligned(ring_bytes_), kSize, 8, 0);
  ReadersView readers_ = ViewReaders(Aligned(readers_bytes_), kLines, 0);
};

TEST_F(GateTest, IsAlwaysOpenWithoutACapacity) {
  LayReader(0, 0, ReaderState::kActive);
  Gate gate(ring_, readers_, 0);

  EXPECT_TRUE(gate.HasRoom(1'000'000));
}

TEST_F(GateTest, IsOpenWhenNobodyReads) {
  Gate gate(ring_, readers_, 4);

  EXPECT_TRUE(gate.HasRoom(1000));
}

TEST_F(GateTest, LetsExactlyItsCapacityStandUnread) {
  LayReader(2, 100, ReaderState::kActive);
  Gate gate(ring_, readers_, 4);

  EXPECT_TRUE(gate.HasRoom(103));
  EXPECT_FALSE(gate.HasRoom(104));
}

TEST_F(GateTest, NamesTheSlowestReader) {
  LayReader(1, 110, ReaderState::kActive);
  LayReader(2, 100, ReaderState::kActive);
  LayReader(3, 105, ReaderState::kActive);
  Gate gate(ring_, readers_, 16);

  ASSERT_FALSE(gate.HasRoom(116));

  EXPECT_EQ(gate.slowest().line, 2u);
  EXPECT_EQ(gate.slowest().cursor, 100u);
  EXPECT_EQ(gate.slowest().seen.bits, readers_.lines[2].cursor.load());
}

TEST_F(GateTest, OpensWhenTheSlowestMoves) {
  LayReader(0, 100, ReaderState::kActive);
  Gate gate(ring_, readers_, 4);
  ASSERT_FALSE(gate.HasRoom(104));

  LayReader(0, 101, ReaderState::kActive);

  EXPECT_TRUE(gate.HasRoom(104));
}

TEST_F(GateTest, IgnoresDemotedLossyAndFreeLines) {
  LayReader(0, 0, ReaderState::kDemoted);
  LayReader(1, 0, ReaderState::kLossy);
  LayReader(2, 0, ReaderState::kFree);
  Gate gate(ring_, readers_, 4);

  EXPECT_TRUE(gate.HasRoom(1000));
}

TEST_F(GateTest, IgnoresALineThatIsNotActive) {
  readers_.lines[0].cursor.store(CursorWord::Make(0, 1, ReaderState::kActive).bits);
  Gate gate(ring_, readers_, 4);

  EXPECT_TRUE(gate.HasRoom(1000));
}

TEST_F(GateTest, AcceptsACursorAheadOfAStaleHead) {
  LayReader(0, 107, ReaderState::kActive);
  Gate gate(ring_, readers_, 4);

  EXPECT_TRUE(gate.HasRoom(105));
}

TEST_F(GateTest, WidensACursorAcrossItsWrap) {
  const Sequence head = (std::uint64_t{1} << 48) + 2;
  LayReader(0, (std::uint64_t{1} << 48) - 2, ReaderState::kActive);

  const Sequence least = LeastCursor(readers_, head, nullptr);

  EXPECT_EQ(least, head - 4);
}

TEST_F(GateTest, StaysInsideTheFileWhenTheBitmapIsHostile) {
  readers_.active[0].store(~std::uint64_t{0});

  EXPECT_EQ(LeastCursor(readers_, 50, nullptr), 50u);
}

TEST_F(GateTest, DemotesOnlyTheWordFoundStuck) {
  LayReader(0, 100, ReaderState::kActive);
  const CursorWord stuck{readers_.lines[0].cursor.load()};
  LayReader(0, 101, ReaderState::kActive);

  EXPECT_FALSE(Demote(readers_, 0, stuck));
  EXPECT_TRUE(Demote(readers_, 0, CursorWord{readers_.lines[0].cursor.load()}));
  EXPECT_EQ(CursorWord{readers_.lines[0].cursor.load()}.state(), ReaderState::kDemoted);
}

TEST_F(GateTest, ADemotedReaderRejoinsWithItsPlace) {
  ring_.head().store(5);
  Reader reader({ring_, readers_, 0, 1, ReaderMode::kGating});
  reader.Join(0);
  for (Sequence s = 5; s < 9; ++s) ring_.At(s).store(Entry::Make(ring_.Lap(s), 1, SlotIndex{3}).bits);
  ring_.head().store(9);
  ASSERT_TRUE(Demote(readers_, 0, CursorWord{readers_.lines[0].cursor.load()}));

  const Reader::NextResult next = reader.Next();
  ASSERT_EQ(next.outcome, Reader::Outcome::kHeld);
  reader.Accept(next.held);

  EXPECT_EQ(next.held.sequence, 5u);
  EXPECT_EQ(reader.demotions(), 1u);
  EXPECT_EQ(reader.TakeLost(), 0u);
  const CursorWord word{readers_.lines[0].cursor.load()};
  EXPECT_EQ(word.state(), ReaderState::kActive);
  EXPECT_EQ(word.cursor(), 6u);
}

TEST_F(GateTest, ARejoinedReaderCountsWhatWasOverwrittenMeanwhile) {
  Reader reader({ring_, readers_, 0, 1, ReaderMode::kGating});
  reader.Join(0);
  ASSERT_TRUE(Demote(readers_, 0, CursorWord{readers_.lines[0].cursor.load()}));
  for (Sequence s = 0; s < 40; ++s) ring_.At(s).store(Entry::Make(ring_.Lap(s), 1, SlotIndex{3}).bits);
  ring_.head().store(40);

  const Reader::NextResult next = reader.Next();

  ASSERT_EQ(next.outcome, Reader::Outcome::kHeld);
  EXPECT_EQ(next.held.sequence + 0u, reader.TakeLost());  // it began at 0: what came before the first one is lost
  EXPECT_EQ(reader.demotions(), 1u);
}

}  // namespace
}  // namespace shmcomm::ring
