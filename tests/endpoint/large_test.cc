// SPDX-License-Identifier: Apache-2.0
// Large messages: a slot is used again as soon as every subscriber has passed it, and nothing is lost by that.
#include <gmock/gmock.h>

#include <chrono>
#include <cstring>
#include <set>

#include "support/test_channels.h"
#include "support/watchdog.h"

namespace shmcomm {
namespace {

constexpr std::size_t kLarge = 1u << 20;  // longer in the writing than any that counts as hardly touched

/// Writes the first word, and all the others where `filled` is as large as the message.
absl::Status SendLarge(Publisher& publisher, std::uint64_t value, std::size_t bytes, std::size_t filled) {
  absl::StatusOr<Loan> loan = publisher.Loan();
  if (!loan.ok()) return loan.status();
  absl::StatusOr<std::uint8_t*> place = loan->Raw(bytes);
  if (!place.ok()) return place.status();
  std::memset(*place, static_cast<int>(value & 0xFF), filled);
  std::memcpy(*place, &value, sizeof(value));
  return publisher.PublishRaw(*std::move(loan), Codec::kBytes);
}

absl::Status SendLarge(Publisher& publisher, std::uint64_t value, std::size_t bytes = kLarge) {
  return SendLarge(publisher, value, bytes, bytes);
}

class LargeMessages : public test::EndpointTest, public ::testing::WithParamInterface<Reliability> {
 protected:
  static ChannelSpec Spec(std::uint32_t history = 0) {
    ChannelSpec spec = test::BytesSpec(kLarge);
    spec.qos.reliability = GetParam();
    spec.qos.history = history;
    return spec;
  }
};
INSTANTIATE_TEST_SUITE_P(Reliabilities, LargeMessages, ::testing::Values(Reliability::kBestEffort, Reliability::kReliable));

TEST_P(LargeMessages, ComeThroughOneSlotWhileTheirReadersKeepUp) {
  Publisher publisher = OpenPublisher(Spec());
  Subscriber first = OpenSubscriber(Spec());
  Subscriber second = OpenSubscriber(Spec());
  std::set<const std::uint8_t*> places;

  for (std::uint64_t i = 0; i < 50; ++i) {
    ASSERT_TRUE(SendLarge(publisher, i).ok());
    for (Subscriber* subscriber : {&first, &second}) {
      const auto sample = subscriber->Take(absl::ZeroDuration());
      ASSERT_TRUE(sample.ok()) << sample.status();
      EXPECT_EQ(test::ValueOf(*sample), i);
      if (subscriber == &first) places.insert(sample->data());
    }
  }

  EXPECT_EQ(places.size(), 1u);
}

TEST_P(LargeMessages, ThatHardlyTouchTheirSlotTakeTurnsAmongMany) {
#if !defined(NDEBUG)  // the library's optimisation is not that of this file
  GTEST_SKIP() << "in so slow a build even 64 bytes may take as long as a message that was filled";
#endif
  Publisher publisher = OpenPublisher(Spec());
  Subscriber subscriber = OpenSubscriber(Spec());
  std::set<const std::uint8_t*> places;

  // A pause of this process looks like a message that was filled, and so does the first use of a slot: never for ever.
  test::Watchdog watchdog("messages that take turns", std::chrono::seconds(120));
  for (std::uint64_t i = 0; places.size() <= 4; ++i) {
    ASSERT_TRUE(SendLarge(publisher, i, kLarge, 64).ok());
    const auto sample = subscriber.Take(absl::ZeroDuration());
    ASSERT_TRUE(sample.ok()) << sample.status();
    ASSERT_EQ(test::ValueOf(*sample), i);
    places.insert(sample->data());
  }

  EXPECT_EQ(subscriber.stats().lost, 0u);
}

TEST_P(LargeMessages, StayAsTheyAreWhileASampleIsHeld) {
  Publisher publisher = OpenPublisher(Spec());
  Subscriber subscriber = OpenSubscriber(Spec());
  ASSERT_TRUE(SendLarge(publisher, 9).ok());
  const Sample held = *subscriber.Take(absl::ZeroDuration());

  for (std::uint64_t i = 0; i < 50; ++i) {
    ASSERT_TRUE(SendLarge(publisher, 100 + i).ok());
    ASSERT_TRUE(subscriber.Take(absl::ZeroDuration()).ok());
  }

  EXPECT_EQ(test::ValueOf(held), 9u);
  EXPECT_EQ(held.data()[kLarge - 1], 9u);
}

TEST_P(LargeMessages, AreNotTakenFromASlowReader) {
  Publisher publisher = OpenPublisher(Spec());
  Subscriber fast = OpenSubscriber(Spec());
  Subscriber slow = OpenSubscriber(Spec());

  for (std::uint64_t i = 0; i < 10; ++i) {
    ASSERT_TRUE(SendLarge(publisher, i).ok());
    ASSERT_TRUE(fast.Take(absl::ZeroDuration()).ok());
  }

  EXPECT_EQ(test::TakeValues(slow), test::Range(0, 10));
  EXPECT_EQ(slow.stats().lost, 0u);
}

TEST_P(LargeMessages, OfThePromisedHistoryReachALateJoiner) {
  Publisher publisher = OpenPublisher(Spec(3));
  Subscriber subscriber = OpenSubscriber(Spec(3));
  for (std::uint64_t i = 0; i < 20; ++i) {
    ASSERT_TRUE(SendLarge(publisher, i).ok());
    ASSERT_TRUE(subscriber.Take(absl::ZeroDuration()).ok());
  }

  Subscriber late = OpenSubscriber(Spec(3));
  ASSERT_TRUE(SendLarge(publisher, 20).ok());

  EXPECT_EQ(test::TakeValues(late), test::Range(17, 21));
  EXPECT_EQ(late.stats().lost, 0u);
}

TEST_P(LargeMessages, MayTakeTurnsWithSmallOnes) {
  Publisher publisher = OpenPublisher(Spec());
  Subscriber subscriber = OpenSubscriber(Spec());

  for (std::uint64_t i = 0; i < 100; ++i) {
    ASSERT_TRUE(SendLarge(publisher, i, i % 3 == 0 ? kLarge : 64).ok());
    if (i % 5 == 4) {
      EXPECT_EQ(test::TakeValues(subscriber), test::Range(i - 4, i + 1));
    }
  }

  EXPECT_EQ(subscriber.stats().lost, 0u);
}

}  // namespace
}  // namespace shmcomm
