// SPDX-License-Identifier: Apache-2.0
// Threads of one process that come and go while messages of many sizes pass: history, reused ids, slots that grow.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "support/start.h"
#include "support/test_channels.h"

namespace shmcomm {
namespace {

constexpr std::uint64_t kWords = 8192;  // of the largest message
constexpr std::uint64_t kOfEachPublisher = 50;
constexpr int kHistory = 4;

struct Kind {
  std::uint32_t max_publishers;
  Reliability reliability;
};

class ComingAndGoing : public test::EndpointTest, public ::testing::WithParamInterface<Kind> {
 protected:
  static ChannelSpec Spec() {
    ChannelSpec spec = test::BytesSpec(kWords * sizeof(std::uint64_t));
    spec.qos.history = kHistory;
    spec.qos.max_publishers = GetParam().max_publishers;
    spec.qos.reliability = GetParam().reliability;
    return spec;
  }
  static bool IsReliable() { return GetParam().reliability == Reliability::kReliable; }
  /// On a reliable channel a successor waits for a second, then in vain, until what is unread has been taken.
  absl::StatusOr<Publisher> OpenOncePossible() const {
    for (;;) {
      auto publisher = Publisher::Open(Spec(), PublisherHere());
      if (!IsReliable() || !absl::IsResourceExhausted(publisher.status())) return publisher;
    }
  }
  /// One publisher after the other, each for some messages whose words are all the same. Sizes go up and down.
  void PublishUntil(const std::atomic<bool>& stop, std::uint64_t source) const {
    std::vector<std::uint64_t> message(kWords);
    for (std::uint64_t count = 0; !stop.load();) {
      auto publisher = OpenOncePossible();
      ASSERT_TRUE(publisher.ok()) << publisher.status();
      for (const std::uint64_t end = count + kOfEachPublisher; count < end; ++count) {
        const std::uint64_t words = std::uint64_t{1} << (count * 7 % 14);
        for (std::uint64_t i = 0; i < words; ++i) message[i] = source << 56 | count;
        const absl::Status status = publisher->PublishCopy(message.data(), words * sizeof(message[0]), Codec::kBytes);
        ASSERT_TRUE(status.ok()) << status;
      }
    }
  }
  static void ExpectWhole(const Sample& sample) {
    const auto* words = reinterpret_cast<const std::uint64_t*>(sample.data());
    const std::uint64_t count = words[0] & ~(std::uint64_t{0xFF} << 56);
    ASSERT_EQ(sample.size(), sizeof(*words) << (count * 7 % 14));
    for (std::uint64_t i = 0; i < sample.size() / sizeof(*words); ++i) ASSERT_EQ(words[i], words[0]) << i;
  }
};
INSTANTIATE_TEST_SUITE_P(Publishers, ComingAndGoing,
                         ::testing::Values(Kind{1, Reliability::kBestEffort}, Kind{2, Reliability::kBestEffort},
                                           Kind{1, Reliability::kReliable}, Kind{2, Reliability::kReliable}));

TEST_P(ComingAndGoing, JoinersReadWholeMessagesAndCountEachGap) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> publishers;
  for (std::uint32_t source = 0; source < GetParam().max_publishers; ++source) {
    publishers.emplace_back([this, &stop, source] { PublishUntil(stop, source); });
  }
  for (int joiner = 0; joiner < 40 && !HasFatalFailure(); ++joiner) {
    Subscriber late = OpenSubscriber(Spec());
    std::uint64_t first = 0, next = 0;
    for (int taken = 0; taken < 60 && !HasFatalFailure(); ++taken) {
      absl::StatusOr<Sample> sample = late.Take(absl::InfiniteDuration());
      EXPECT_TRUE(sample.ok()) << sample.status();
      if (!sample.ok()) break;
      const std::uint64_t index = test::IndexOf(sample->sequence()), counted_from = index - sample->lost();
      if (taken == 0) first = next = counted_from;
      // What is gone of its history nothing promised it; all that came after is there, or counted.
      EXPECT_GE(counted_from, next);
      EXPECT_TRUE(counted_from == next || counted_from <= first + kHistory) << first << ' ' << next << ' ' << counted_from;
      EXPECT_TRUE(sample->lost() == 0 || !IsReliable());
      ExpectWhole(*sample);
      next = index + 1;
    }
  }
  stop = true;
  for (std::thread& publisher : publishers) publisher.join();
}

}  // namespace
}  // namespace shmcomm
