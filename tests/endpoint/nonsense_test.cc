// SPDX-License-Identifier: Apache-2.0
// What a broken process left in the memory of a pubsub channel: each piece of nonsense is an error that says so, is counted,
// and ends with the message it is about. Jobs: nonsense_jobs_test.cc; calls: tests/reqrep/nonsense_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <string>
#include <utility>

#include "support/channel_memory.h"
#include "support/start.h"
#include "support/test_channels.h"

namespace shmcomm::test {
namespace {

using ::testing::HasSubstr;

class Nonsense : public EndpointTest {
 protected:
  /// Publishes 7, of which something is to be made, and 8.
  void SendTwo(Publisher& publisher) {
    ASSERT_TRUE(Send(publisher, 7).ok());
    ASSERT_TRUE(Send(publisher, 8).ok());
  }
  std::string DataFile(std::uint32_t publisher) const {
    return Directory() + "/" + registry::DataFileName(publisher, NthGeneration(1));
  }
  SlotsMemory SlotsOf(std::uint32_t publisher) const { return {Directory(), publisher, NthGeneration(1)}; }
  /// The next take says `what`, is counted, and leaves 8 to the one after.
  static void ExpectCorruptOnce(Subscriber& subscriber, const std::string& what) {
    const absl::Status taken = subscriber.TryTake().status();
    EXPECT_TRUE(absl::IsDataLoss(taken)) << taken;
    EXPECT_THAT(std::string(taken.message()), HasSubstr(what));
    EXPECT_EQ(subscriber.stats().corrupt, 1u);
    EXPECT_EQ(TakeValues(subscriber), Range(8, 9));
  }

  Publisher publisher_ = OpenPublisher(NumbersSpec());
  Subscriber subscriber_ = OpenSubscriber(NumbersSpec());
  ChannelMemory memory_{Directory()};
  const ring::Sequence first_ = memory_.head();
};

TEST_F(Nonsense, OfAnImpossiblePublisherIsSkipped) {
  for (const std::uint32_t publisher : {0u, 9u}) {
    Subscriber subscriber = OpenSubscriber(NumbersSpec());
    const ring::Sequence first = memory_.head();
    SendTwo(publisher_);
    memory_.LayEntry(first, publisher, 0);

    ExpectCorruptOnce(subscriber, "an entry of the ring names an impossible publisher; skipped, take again");
  }
}

TEST_F(Nonsense, OfAPublisherThatNeverWasIsSkipped) {
  SendTwo(publisher_);
  memory_.LayEntry(first_, 5, 0);
  memory_.ring.publishers[5].generation.store(0);

  ExpectCorruptOnce(subscriber_, "of publisher 5 does not make sense in shared memory; skipped, take again");
}

TEST_F(Nonsense, OfASlotThatDoesNotExistIsSkipped) {
  SendTwo(publisher_);
  memory_.LayEntry(first_, 1, 60000);

  ExpectCorruptOnce(subscriber_, "of publisher 1 does not make sense in shared memory");
}

TEST_F(Nonsense, OfALengthBeyondTheSlotIsSkipped) {
  SendTwo(publisher_);
  SlotsOf(1).HeaderOf(memory_.entry(first_)).message_bytes = std::numeric_limits<std::uint32_t>::max();

  ExpectCorruptOnce(subscriber_, "of publisher 1 does not make sense in shared memory");
}

TEST_F(Nonsense, OfASlotEndsABatchBeforeItAndIsSkippedByTheNext) {
  for (std::uint64_t value = 0; value < 5; ++value) ASSERT_TRUE(Send(publisher_, value).ok());
  ASSERT_EQ(subscriber_.TakeMany(1)->size(), 1u);   // the publisher is known from here on
  memory_.LayEntry(first_ + 3, 1, 60000);

  const auto batch = subscriber_.TakeMany(6);

  ASSERT_TRUE(batch.ok()) << batch.status();
  EXPECT_EQ(batch->size(), 2u);
  EXPECT_TRUE(absl::IsDataLoss(subscriber_.TakeMany(6).status()));
  EXPECT_EQ(TakeValues(subscriber_), Range(4, 5));
}

TEST_F(Nonsense, OfAFileThatIsNoneIsSkipped) {
  SendTwo(publisher_);
  SlotsOf(1).header().magic = 1;

  const absl::Status taken = subscriber_.TryTake().status();

  EXPECT_TRUE(absl::IsDataLoss(taken)) << taken;
  EXPECT_THAT(std::string(taken.message()), HasSubstr("test/numbers"));
  EXPECT_EQ(subscriber_.stats().corrupt, 1u);
}

TEST_F(Nonsense, OfAFileOfAnotherPublisherIsSkipped) {
  SendTwo(publisher_);
  SlotsOf(1).header().publisher = 2;

  const absl::Status taken = subscriber_.TryTake().status();

  EXPECT_TRUE(absl::IsDataLoss(taken)) << taken;
  EXPECT_THAT(std::string(taken.message()), HasSubstr("belongs to publisher 2"));
}

TEST_F(Nonsense, OfAFileOfAnotherGenerationIsSkipped) {
  SendTwo(publisher_);
  ++SlotsOf(1).header().generation;

  EXPECT_TRUE(absl::IsDataLoss(subscriber_.TryTake().status()));
}

TEST_F(Nonsense, OfAFileThatIsTooShortIsSkipped) {
  SendTwo(publisher_);
  std::filesystem::remove(DataFile(1));
  WriteFile(DataFile(1), "short");

  EXPECT_TRUE(absl::IsDataLoss(subscriber_.TryTake().status()));
  EXPECT_EQ(subscriber_.stats().corrupt, 1u);
}

TEST_F(Nonsense, OfAMissingFileIsLoss) {
  SendTwo(publisher_);
  std::filesystem::remove(DataFile(1));

  EXPECT_EQ(TakeValues(subscriber_), Range(0, 0));

  EXPECT_EQ(subscriber_.stats().lost, 2u);
  EXPECT_EQ(subscriber_.stats().corrupt, 0u);
}

TEST_F(Nonsense, OfEntriesThatAreAlwaysAheadIsLossAndEndsTheLook) {
  SendTwo(publisher_);
  memory_.AgeEntries(1000);

  const auto taken = subscriber_.TryTake();

  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_FALSE(taken->has_value());
  EXPECT_GE(subscriber_.stats().lost, 2u);
}

TEST_F(Nonsense, OfAHeadThatWentBackLeavesNothingUnread) {
  SendTwo(publisher_);
  ASSERT_EQ(subscriber_.backlog().unread, 2u);
  memory_.ring.head().store(first_ - 5);

  EXPECT_EQ(subscriber_.backlog().unread, 0u);
}

TEST_F(Nonsense, OfAHeadThatFitsNoEntryIsSaidToThePublisher) {
  memory_.AgeEntries(1000);

  const absl::Status sent = Send(publisher_, 1);

  EXPECT_TRUE(absl::IsDataLoss(sent)) << sent;
  EXPECT_THAT(std::string(sent.message()), HasSubstr("the ring's head does not fit its entries; the channel is corrupt"));
  EXPECT_EQ(publisher_.stats().errors, 1u);
}

TEST_F(Nonsense, OfAHeadTakesNoLoanAway) {
  Loan table = *publisher_.Loan();
  table.builder().Finish(CreateImageOf(table.builder(), 8));
  Loan raw = *publisher_.Loan();
  ASSERT_TRUE(raw.Raw(8).ok());
  memory_.AgeEntries(1000);

  EXPECT_TRUE(absl::IsDataLoss(publisher_.Publish(std::move(table))));
  EXPECT_TRUE(absl::IsDataLoss(publisher_.PublishRaw(std::move(raw), Codec::kBytes)));

  const auto first = publisher_.Loan();
  const auto second = publisher_.Loan();
  EXPECT_TRUE(first.ok() && second.ok()) << "both places are free again";
}

TEST_F(Nonsense, OfReadersThatHoldEverythingIsSaidToThePublisher) {
  memory_.readers.active[0].store((std::uint64_t{1} << memory_.readers.count) - 1);
  absl::Status sent;
  std::uint32_t hazard = 0;
  for (; sent.ok() && hazard < memory_.readers.count * layout::kMaxHazards; ++hazard) {
    const ring::Sequence at = memory_.head();
    sent = Send(publisher_, hazard);
    layout::ReaderLine& line = memory_.readers.lines[hazard / layout::kMaxHazards];
    line.hazards[hazard % layout::kMaxHazards].store(memory_.entry(at).bits);
  }

  EXPECT_TRUE(absl::IsDataLoss(sent)) << sent;
  EXPECT_THAT(std::string(sent.message()), HasSubstr("no slot is free, though there is one for every borrower"));
  EXPECT_TRUE(absl::IsDataLoss(publisher_.Loan().status()));
}

class NonsenseOfReliable : public EndpointTest {
 protected:
  static ChannelSpec Spec() {
    ChannelSpec spec = NumbersSpec();
    spec.qos.reliability = Reliability::kReliable;
    spec.qos.capacity = 2;
    spec.qos.on_full = OnFull::kFail;
    return spec;
  }
};

TEST_F(NonsenseOfReliable, InAPlaceThatIsAnothersEndsItsSubscriber) {
  Publisher publisher = OpenPublisher(Spec());
  Subscriber subscriber = OpenSubscriber(Spec());
  const ChannelMemory memory(Directory());
  ASSERT_TRUE(Send(publisher, 7).ok());
  ASSERT_EQ(TakeValues(subscriber), Range(7, 8));
  memory.readers.lines[0].cursor.store(ring::CursorWord::Make(memory.head(), 1000, ring::ReaderState::kActive).bits);
  ASSERT_TRUE(Send(publisher, 8).ok());

  static_cast<void>(subscriber.TryTake());   // which may still be its own
  const absl::Status taken[] = {subscriber.TryTake().status(), subscriber.Take(absl::InfiniteDuration()).status()};

  for (const absl::Status& status : taken) EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_TRUE(subscriber.TakeMany(2).status().code() == absl::StatusCode::kFailedPrecondition);
}

TEST_F(NonsenseOfReliable, InTheNameOfTheSlowestIsMadePrintable) {
  Publisher publisher = OpenPublisher(Spec());
  Subscriber subscriber = OpenSubscriber(Spec());
  const ChannelMemory memory(Directory());
  std::memcpy(memory.readers.lines[0].program, "a\nb\x7F" "c", 6);
  ASSERT_TRUE(Send(publisher, 1).ok());
  ASSERT_TRUE(Send(publisher, 2).ok());

  EXPECT_THAT(std::string(Send(publisher, 3).message()), HasSubstr("(a?b?c)"));
}

class NonsenseOfTime : public EndpointTest, public ::testing::WithParamInterface<std::int64_t> {};
INSTANTIATE_TEST_SUITE_P(Of, NonsenseOfTime,
                         ::testing::Values(0, -1, std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()));

TEST_P(NonsenseOfTime, InAMessageIsTakenForNowByADeadline) {
  ChannelSpec spec = NumbersSpec();
  spec.qos.deadline_ns = 3'600'000'000'000;
  Publisher publisher = OpenPublisher(spec);
  Subscriber subscriber = OpenSubscriber(spec);
  const ChannelMemory memory(Directory());
  const ring::Sequence first = memory.head();
  for (std::uint64_t value = 0; value < 2; ++value) {
    ASSERT_TRUE(Send(publisher, value).ok());
    const SlotsMemory slots(Directory(), 1, NthGeneration(1));
    slots.HeaderOf(memory.entry(first + value)).publish_ns = GetParam();
    EXPECT_EQ(TakeValues(subscriber), Range(value, value + 1));
  }

  EXPECT_EQ(subscriber.stats().deadlines_missed, 0u);
}

class NonsenseOfLongAgo : public EndpointTest {
 protected:
  /// Publishes a message from the beginning of time.
  void SendOfLongAgo(Publisher& publisher) {
    const ChannelMemory memory(Directory());
    const ring::Sequence at = memory.head();
    ASSERT_TRUE(Send(publisher, 7).ok());
    const SlotsMemory slots(Directory(), 1, NthGeneration(1));
    slots.HeaderOf(memory.entry(at)).publish_ns = std::numeric_limits<std::int64_t>::min();
  }
};

TEST_F(NonsenseOfLongAgo, IsOlderThanAnyLifespan) {
  ChannelSpec spec = NumbersSpec();
  spec.qos.lifespan_ns = std::numeric_limits<std::int64_t>::max();
  Publisher publisher = OpenPublisher(spec);
  Subscriber subscriber = OpenSubscriber(spec);

  SendOfLongAgo(publisher);

  EXPECT_EQ(TakeValues(subscriber), Range(0, 0));
  EXPECT_EQ(subscriber.stats().expired, 1u);
}

TEST_F(NonsenseOfLongAgo, MayBeTheOldestOfTooManyBorrowed) {
  ChannelSpec spec = NumbersSpec();
  spec.qos.max_borrowed = 1;
  Publisher publisher = OpenPublisher(spec);
  Subscriber subscriber = OpenSubscriber(spec);
  SendOfLongAgo(publisher);
  ASSERT_TRUE(Send(publisher, 8).ok());
  const auto held = subscriber.TryTake();

  const absl::Status refused = subscriber.TryTake().status();

  ASSERT_TRUE(held.ok() && held->has_value());
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("you hold 1 of 1 borrowed messages (oldest 9"));   // 292 years
}

}  // namespace
}  // namespace shmcomm::test
