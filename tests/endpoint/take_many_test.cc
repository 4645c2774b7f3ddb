// SPDX-License-Identifier: Apache-2.0
// Taking several messages at once: the same messages in the same order as one by one, whatever lies between them.
#include <gmock/gmock.h>

#include <limits>
#include <utility>
#include <vector>

#include "support/channel_memory.h"
#include "support/start.h"
#include "support/test_channels.h"

namespace shmcomm {
namespace {

using test::NumbersSpec;
using test::Range;
using test::Send;
using test::ValueOf;
using ::testing::ElementsAre;

std::vector<std::uint64_t> ValuesOf(const absl::StatusOr<SampleBatch>& batch) {
  EXPECT_TRUE(batch.ok()) << batch.status();
  std::vector<std::uint64_t> values;
  if (!batch.ok()) return values;
  for (const Sample& sample : *batch) values.push_back(ValueOf(sample));
  return values;
}

class TakeManyTest : public test::EndpointTest, public ::testing::WithParamInterface<Reliability> {
 protected:
  static ChannelSpec Spec() {
    ChannelSpec spec = NumbersSpec();
    spec.qos.reliability = GetParam();
    return spec;
  }
};
INSTANTIATE_TEST_SUITE_P(Reliabilities, TakeManyTest, ::testing::Values(Reliability::kBestEffort, Reliability::kReliable));

TEST_P(TakeManyTest, GivesAnEmptyBatchWhenThereIsNothing) {
  Subscriber subscriber = OpenSubscriber(Spec());

  EXPECT_THAT(ValuesOf(subscriber.TakeMany()), ElementsAre());
}

TEST_P(TakeManyTest, GivesASingleMessageAsWell) {
  Publisher publisher = OpenPublisher(Spec());
  Subscriber subscriber = OpenSubscriber(Spec());
  ASSERT_TRUE(Send(publisher, 3).ok());

  EXPECT_THAT(ValuesOf(subscriber.TakeMany()), ElementsAre(3));
}

TEST_P(TakeManyTest, GivesAsManyAsMayBeBorrowedInOrder) {
  Publisher publisher = OpenPublisher(Spec());
  Subscriber subscriber = OpenSubscriber(Spec());
  for (std::uint64_t i = 0; i < 10; ++i) ASSERT_TRUE(Send(publisher, i).ok());

  EXPECT_THAT(ValuesOf(subscriber.TakeMany()), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(ValuesOf(subscriber.TakeMany()), ElementsAre(4, 5, 6, 7));
  EXPECT_THAT(ValuesOf(subscriber.TakeMany()), ElementsAre(8, 9));
  EXPECT_EQ(subscriber.stats().received, 10u);
  EXPECT_EQ(subscriber.stats().bytes, 10 * sizeof(test::Numbers));
}

TEST_P(TakeManyTest, GivesNoMoreThanAskedFor) {
  Publisher publisher = OpenPublisher(Spec());
  Subscriber subscriber = OpenSubscriber(Spec());
  for (std::uint64_t i = 0; i < 10; ++i) ASSERT_TRUE(Send(publisher, i).ok());

  EXPECT_THAT(ValuesOf(subscriber.TakeMany(0)), ElementsAre());
  EXPECT_THAT(ValuesOf(subscriber.TakeMany(3)), ElementsAre(0, 1, 2));
  EXPECT_THAT(ValuesOf(subscriber.TakeMany(1)), ElementsAre(3));
}

TEST_P(TakeManyTest, GivesFewerWhileOthersAreHeld) {
  Publisher publisher = OpenPublisher(Spec());
  Subscriber subscriber = OpenSubscriber(Spec());
  for (std::uint64_t i = 0; i < 10; ++i) ASSERT_TRUE(Send(publisher, i).ok());
  SampleBatch held = *subscriber.TakeMany(2);

  SampleBatch more = *subscriber.TakeMany();
  EXPECT_EQ(more.size(), 2u);
  EXPECT_EQ(subscriber.TakeMany().status().code(), absl::StatusCode::kResourceExhausted);
  held = SampleBatch();
  EXPECT_THAT(ValuesOf(subscriber.TakeMany()), ElementsAre(4, 5));
}

TEST_P(TakeManyTest, SamplesCanBeMovedOutOfABatch) {
  Publisher publisher = OpenPublisher(Spec());
  Subscriber subscriber = OpenSubscriber(Spec());
  for (std::uint64_t i = 0; i < 40; ++i) {
    ASSERT_TRUE(Send(publisher, i).ok());
    if (i < 4) continue;
    static_cast<void>(subscriber.TakeMany(1));
  }
  SampleBatch batch = *subscriber.TakeMany(2);
  const Sample kept = std::move(batch[1]);
  const std::uint64_t value = ValueOf(kept);
  batch = SampleBatch();

  for (std::uint64_t i = 0; i < 100; ++i) {
    ASSERT_TRUE(Send(publisher, 1000 + i).ok());
    static_cast<void>(subscriber.TakeMany(1));
  }

  EXPECT_EQ(ValueOf(kept), value);
}

TEST_P(TakeManyTest, ManyRoundsLoseAndRepeatNothing) {
  Publisher publisher = OpenPublisher(Spec());
  Subscriber subscriber = OpenSubscriber(Spec());
  std::vector<std::uint64_t> got;
  for (std::uint64_t i = 0; i < 1000;) {
    for (std::uint64_t end = i + 1 + i % 9; i < end; ++i) ASSERT_TRUE(Send(publisher, i).ok());
    for (std::vector<std::uint64_t> some = ValuesOf(subscriber.TakeMany()); !some.empty(); some = ValuesOf(subscriber.TakeMany())) {
      got.insert(got.end(), some.begin(), some.end());
    }
  }

  EXPECT_EQ(got, Range(0, got.size()));
  EXPECT_GE(got.size(), 1000u);
  EXPECT_EQ(subscriber.stats().lost, 0u);
}

class TakeManyLossTest : public test::EndpointTest {};

TEST_F(TakeManyLossTest, LossIsReportedWithTheFirstOfABatch) {
  Publisher publisher = OpenPublisher(NumbersSpec());
  Subscriber subscriber = OpenSubscriber(NumbersSpec());
  for (std::uint64_t i = 0; i < 50; ++i) ASSERT_TRUE(Send(publisher, i).ok());

  std::uint64_t next = 0;
  while (*subscriber.Wait(absl::ZeroDuration())) {
    const SampleBatch batch = *subscriber.TakeMany();
    for (const Sample& sample : batch) {
      EXPECT_EQ(test::IndexOf(sample.sequence()), next + sample.lost());
      next = test::IndexOf(sample.sequence()) + 1;
    }
  }

  EXPECT_EQ(next, 50u);
  EXPECT_EQ(subscriber.stats().received + subscriber.stats().lost, 50u);
}

TEST_F(TakeManyLossTest, WhatIsTooOldIsSkippedInABatchToo) {
  ChannelSpec spec = NumbersSpec();
  spec.qos.lifespan_ns = 1;
  Publisher publisher = OpenPublisher(spec);
  Subscriber subscriber = OpenSubscriber(spec);
  for (std::uint64_t i = 0; i < 5; ++i) ASSERT_TRUE(Send(publisher, i).ok());
  absl::SleepFor(absl::Microseconds(10));

  EXPECT_THAT(ValuesOf(subscriber.TakeMany()), ElementsAre());
  EXPECT_EQ(subscriber.stats().expired, 5u);
}

TEST_F(TakeManyLossTest, WhatIsTooOldEndsABatchAndTheNextBeginsAfterIt) {
  ChannelSpec spec = NumbersSpec();
  spec.qos.lifespan_ns = std::numeric_limits<std::int64_t>::max();
  Publisher publisher = OpenPublisher(spec);
  Subscriber subscriber = OpenSubscriber(spec);
  const test::ChannelMemory memory(Directory());
  const ring::Sequence first = memory.head();
  for (std::uint64_t i = 0; i < 6; ++i) ASSERT_TRUE(Send(publisher, i).ok());
  const test::SlotsMemory slots(Directory(), 1, test::NthGeneration(1));
  slots.HeaderOf(memory.entry(first + 3)).publish_ns = std::numeric_limits<std::int64_t>::min();   // as of long ago
  EXPECT_THAT(ValuesOf(subscriber.TakeMany(1)), ElementsAre(0));   // by which the publisher becomes known

  EXPECT_THAT(ValuesOf(subscriber.TakeMany(4)), ElementsAre(1, 2));
  EXPECT_THAT(ValuesOf(subscriber.TakeMany(4)), ElementsAre(4, 5));
  EXPECT_EQ(subscriber.stats().expired, 1u);
}

TEST_F(TakeManyLossTest, WhatIsTooOldEndsACallBeforeItsCallerWaitsForLong) {
  ChannelSpec spec = NumbersSpec();
  spec.qos.capacity = 2048;
  spec.qos.lifespan_ns = 1;
  Publisher publisher = OpenPublisher(spec);
  Subscriber subscriber = OpenSubscriber(spec);
  for (std::uint64_t i = 0; i < 1500; ++i) ASSERT_TRUE(Send(publisher, i).ok());

  EXPECT_FALSE(subscriber.TryTake()->has_value());
  const std::uint64_t skipped_at_once = subscriber.stats().expired;
  EXPECT_FALSE(subscriber.TryTake()->has_value());

  EXPECT_GT(skipped_at_once, 1000u);
  EXPECT_LT(skipped_at_once, 1500u);
  EXPECT_EQ(subscriber.stats().expired, 1500u);
}

TEST_F(TakeManyLossTest, ABatchAfterLossMissesNoDeadline) {
  ChannelSpec spec = NumbersSpec();
  spec.qos.deadline_ns = 20'000'000'000;
  Publisher publisher = OpenPublisher(spec);
  Subscriber subscriber = OpenSubscriber(spec);
  const test::ChannelMemory memory(Directory());
  const ring::Sequence first = memory.head();
  ASSERT_TRUE(Send(publisher, 0).ok());
  const test::SlotsMemory slots(Directory(), 1, test::NthGeneration(1));
  slots.HeaderOf(memory.entry(first)).publish_ns -= 60'000'000'000;   // as of three deadlines ago
  EXPECT_THAT(ValuesOf(subscriber.TakeMany()), ElementsAre(0));
  for (std::uint64_t i = 1; i < 30; ++i) ASSERT_TRUE(Send(publisher, i).ok());

  const SampleBatch batch = *subscriber.TakeMany();

  EXPECT_GT(batch[0].lost(), 0u);
  EXPECT_GT(batch.size(), 1u);
  EXPECT_EQ(subscriber.stats().deadlines_missed, 0u) << "what was lost may have come in time";
}

TEST_F(TakeManyLossTest, MessagesOfSeveralPublishersComeTogether) {
  Publisher first = OpenPublisher(NumbersSpec());
  Publisher second = OpenPublisher(NumbersSpec());
  Subscriber subscriber = OpenSubscriber(NumbersSpec());
  for (std::uint64_t i = 0; i < 6; ++i) ASSERT_TRUE(Send(i % 2 == 0 ? first : second, i).ok());

  std::vector<std::uint64_t> got;
  while (got.size() < 6) {
    for (const std::uint64_t value : ValuesOf(subscriber.TakeMany())) got.push_back(value);
  }

  EXPECT_EQ(got, Range(0, 6));
}

}  // namespace
}  // namespace shmcomm
