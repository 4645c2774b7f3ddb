// SPDX-License-Identifier: Apache-2.0
// Writer and Reader together: what holds in every order of steps, from ordinary starts and from five before each wrap.
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <deque>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "ring/reader.h"
#include "ring/writer.h"
#include "support/hand_laid.h"
#include "support/watchdog.h"

namespace shmcomm::ring {
namespace {

using test::HandLaid;
using test::LaidWriter;
using test::LaidWriterOptions;
using Outcome = Reader::Outcome;

constexpr std::uint32_t kN = 16;
constexpr Sequence kFirsts[] = {
    0,
    ((Sequence{1} << 40) - 1) * kN - 5,  // the lap in an entry wraps
    (Sequence{1} << 48) - 5,             // the cursor in a reader's word wraps
    ~Sequence{0} - 4,                    // the sequence itself wraps
};

class Traffic : public testing::TestWithParam<std::tuple<Sequence, CommitMode>> {
 protected:
  static Sequence First() { return std::get<0>(GetParam()); }
  static CommitMode Mode() { return std::get<1>(GetParam()); }
};
INSTANTIATE_TEST_SUITE_P(FromEveryWrap, Traffic,
                         testing::Combine(testing::ValuesIn(kFirsts),
                                          testing::Values(CommitMode::kShared, CommitMode::kSole)));

TEST_P(Traffic, ArrivesInOrderAndComplete) {
  HandLaid laid({kN, 8, 4, First()});
  LaidWriterOptions options;
  options.mode = Mode();
  LaidWriter writer(laid, options);
  Reader reader({laid.ring(), laid.readers(), 0, 1});
  reader.Join(0);

  for (Sequence s = First(); s != First() + 100; ++s) {
    const SlotIndex slot = writer.Publish();
    const Reader::NextResult next = reader.Next();
    ASSERT_EQ(next.outcome, Outcome::kHeld);
    EXPECT_EQ(next.held.sequence, s);
    EXPECT_EQ(next.held.entry.slot(), slot);
    reader.Accept(next.held);
    reader.Release(next.held.hazard);
  }
  EXPECT_EQ(reader.TakeLost(), 0u);
}

TEST_P(Traffic, CountsLossAcrossTheWrap) {
  HandLaid laid({kN, 8, 4, First()});
  LaidWriterOptions options;
  options.mode = Mode();
  LaidWriter writer(laid, options);
  Reader reader({laid.ring(), laid.readers(), 0, 1});
  reader.Join(0);

  writer.Publish(40);
  const Reader::NextResult next = reader.Next();

  ASSERT_EQ(next.outcome, Outcome::kHeld);
  EXPECT_EQ(next.held.sequence, First() + 25);
  EXPECT_EQ(reader.TakeLost(), 25u);
}

TEST_P(Traffic, GivesALateJoinerItsHistoryAcrossTheWrap) {
  HandLaid laid({kN, 8, 4, First()});
  LaidWriterOptions options;
  options.mode = Mode();
  LaidWriter writer(laid, options);
  writer.Publish(8);
  Reader reader({laid.ring(), laid.readers(), 0, 1});

  reader.Join(6);

  const Reader::NextResult next = reader.Next();
  ASSERT_EQ(next.outcome, Outcome::kHeld);
  EXPECT_EQ(next.held.sequence, First() + 2);
}

// Two readers take, hold and release at random; the publisher has as few slots as the budget allows (R * H + 1).
TEST_P(Traffic, NeverFailsAPublisherAndNeverChangesAHeldMessage) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  constexpr std::uint32_t kReaders = 2, kBorrowed = 2;
  HandLaid laid({kN, 8, kReaders, First()});
  LaidWriterOptions options;
  options.mode = Mode();
  options.slots = kReaders * kBorrowed + 1;
  LaidWriter writer(laid, options);
  std::vector<std::unique_ptr<Reader>> readers;
  std::vector<std::deque<Held>> held(kReaders);
  for (std::uint32_t r = 0; r < kReaders; ++r) {
    readers.push_back(std::make_unique<Reader>(ReaderConfig{laid.ring(), laid.readers(), r, kBorrowed}));
    readers.back()->Join(0);
  }

  for (int step = 0; step < 5000; ++step) {
    const std::uint32_t r = random() % kReaders;
    switch (random() % 3) {
      case 0:
        ASSERT_NE(writer.Publish(), segment::kNoSlot) << "step " << step;
        break;
      case 1: {
        const Reader::NextResult next = readers[r]->Next();
        if (next.outcome != Outcome::kHeld) break;
        readers[r]->Accept(next.held);
        held[r].push_back(next.held);
        break;
      }
      default:
        if (held[r].empty()) break;
        readers[r]->Release(held[r].front().hazard);
        held[r].pop_front();
    }
    for (const std::deque<Held>& one : held) {
      for (const Held& message : one) {
        ASSERT_EQ(writer.slots().header(static_cast<std::uint16_t>(message.entry.slot())).sequence, message.sequence)
            << "step " << step;
      }
    }
  }
}

TEST(ConcurrentTraffic, DeliversWholeMessagesOfEveryPublisherInOrder) {
  const test::Watchdog watchdog("ConcurrentTraffic");
  constexpr std::uint32_t kPublishers = 2, kMessages = 20000;
  HandLaid laid({kN, kPublishers, 1, 0});
  std::vector<std::unique_ptr<LaidWriter>> writers;
  for (std::uint32_t id = 1; id <= kPublishers; ++id) {
    LaidWriterOptions options;
    options.publisher = id;
    options.slots = kN + 3;
    writers.push_back(std::make_unique<LaidWriter>(laid, options));
  }
  Reader reader({laid.ring(), laid.readers(), 0, 2});
  reader.Join(0);
  const auto publish = [&](LaidWriter& writer) {
    for (std::uint64_t i = 1; i <= kMessages; ++i) {
      const SlotIndex slot = writer->Reserve();
      std::byte* end = writer.slots().table().MessageEnd(slot);
      for (int word = 1; word <= 4; ++word) std::memcpy(end - 8 * word, &i, 8);
      writer->Commit(slot);
    }
  };

  std::vector<std::thread> threads;
  for (auto& writer : writers) threads.emplace_back(publish, std::ref(*writer));
  std::uint64_t last[kPublishers + 1] = {}, seen = 0, torn = 0, unordered = 0;
  while (seen < kPublishers * kMessages) {
    const Reader::NextResult next = reader.Next();
    seen += reader.TakeLost();
    if (next.outcome != Outcome::kHeld) {
      std::this_thread::yield();
      continue;
    }
    reader.Accept(next.held);
    const std::uint32_t publisher = next.held.entry.publisher();
    const std::byte* end = writers[publisher - 1]->slots().table().MessageEnd(next.held.entry.slot());
    std::uint64_t words[4];
    std::memcpy(words, end - sizeof(words), sizeof(words));
    for (const std::uint64_t word : words) torn += word != words[0] ? 1 : 0;
    unordered += words[0] <= last[publisher] ? 1 : 0;
    last[publisher] = words[0];
    reader.Release(next.held.hazard);
    ++seen;
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(torn, 0u);
  EXPECT_EQ(unordered, 0u);
  EXPECT_EQ(laid.head(), kPublishers * kMessages);
}

}  // namespace
}  // namespace shmcomm::ring
