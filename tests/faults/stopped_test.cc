// SPDX-License-Identifier: Apache-2.0
// Processes that are stopped (SIGSTOP, a debugger) are alive: nothing of theirs is cleaned up, they delay nobody but
// where the channel says so, and they find everything as it should be when they go on.
#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <cstring>
#include <optional>

#include "faults/stoppable_child.h"
#include "support/hand_laid.h"
#include "support/test_channels.h"

namespace shmcomm::faults {
namespace {

/// What a child tells its parent.
struct Shared {
  std::atomic<std::uint64_t> progress;
  std::atomic<bool> stop;
};

class Stopped : public test::EndpointTest {
 protected:
  static ChannelSpec Spec(Reliability reliability) {
    ChannelSpec spec = test::NumbersSpec();
    spec.qos.max_subscribers = 3;
    spec.qos.reliability = reliability;
    return spec;
  }
  /// Stops the child for ten laps of messages, and goes on until it does.
  void StopForLaps(const StoppableChild& child, Publisher& publisher, const ChannelSpec& spec) const {
    child.Stop();
    for (std::uint64_t i = 0; i < 160; ++i) ASSERT_TRUE(test::Send(publisher, i).ok());
    { const Subscriber newcomer = OpenSubscriber(spec); }  // cleans up the dead; the stopped one is none
    child.Continue();
    const std::uint64_t before = shared_->progress;
    while (shared_->progress == before) ASSERT_TRUE(test::Send(publisher, 1).ok());
  }
  void AwaitProgress() const { AwaitProgressSince(shared_->progress); }
  void AwaitProgressSince(std::uint64_t before) const {
    while (shared_->progress == before) sched_yield();
  }
  static bool IsWhole(const Sample& sample) {
    test::Numbers numbers;
    std::memcpy(&numbers, sample.data(), sizeof(numbers));
    for (const std::uint64_t word : numbers.rest) {
      if (word != numbers.value) return false;
    }
    return true;
  }
  /// Takes until told to stop, holding one message across each stop; accounts for every sequence. 0: all was right.
  int TakeUntilStopped(const ChannelSpec& spec) const {
    auto subscriber = Subscriber::Open(spec, SubscriberHere());
    if (!subscriber.ok()) return 1;
    std::optional<Sample> held;
    std::uint64_t next = 0;
    while (!shared_->stop) {
      auto sample = subscriber->Take(absl::Milliseconds(10));
      if (absl::IsDeadlineExceeded(sample.status())) continue;
      if (!sample.ok()) return 2;
      if (next != 0 && sample->sequence() != next + sample->lost()) return 3;
      if (loses_nothing_ && sample->lost() != 0) return 5;
      if (held.has_value() && !IsWhole(*held)) return 4;
      next = sample->sequence() + 1;
      held = *std::move(sample);
      ++shared_->progress;
    }
    return 0;
  }

  bool loses_nothing_ = false;
  test::SharedPages page_{sizeof(Shared)};
  Shared* shared_ = reinterpret_cast<Shared*>(page_.data());
};

TEST_F(Stopped, ASubscriberDelaysNobodyAndLearnsWhatItLost) {
  const ChannelSpec spec = Spec(Reliability::kBestEffort);
  Publisher publisher = OpenPublisher(spec);
  StoppableChild child([&] { return TakeUntilStopped(spec); });
  while (shared_->progress == 0) ASSERT_TRUE(test::Send(publisher, 1).ok());

  for (int round = 0; round < 5; ++round) ASSERT_NO_FATAL_FAILURE(StopForLaps(child, publisher, spec));

  shared_->stop = true;
  EXPECT_EQ(child.Await(), 0);
}

TEST_F(Stopped, AReliableSubscriberThatIsDemotedNeverReadsReusedMemory) {
  const ChannelSpec spec = Spec(Reliability::kReliable);
  PublisherOptions options = PublisherHere();
  options.demote_after = absl::Milliseconds(1);
  auto publisher = Publisher::Open(spec, options);
  ASSERT_TRUE(publisher.ok()) << publisher.status();
  StoppableChild child([&] { return TakeUntilStopped(spec); });
  while (shared_->progress == 0) ASSERT_TRUE(test::Send(*publisher, 1).ok());

  for (int round = 0; round < 5; ++round) ASSERT_NO_FATAL_FAILURE(StopForLaps(child, *publisher, spec));

  shared_->stop = true;
  EXPECT_EQ(child.Await(), 0);
}

TEST_F(Stopped, AReliableSubscriberIsWaitedForAndLosesNothing) {
  const ChannelSpec spec = Spec(Reliability::kReliable);
  PublisherOptions options = PublisherHere();
  options.publish_timeout = absl::Milliseconds(20);
  auto publisher = Publisher::Open(spec, options);
  ASSERT_TRUE(publisher.ok()) << publisher.status();
  loses_nothing_ = true;
  StoppableChild child([&] { return TakeUntilStopped(spec); });
  while (shared_->progress == 0) static_cast<void>(test::Send(*publisher, 1));

  child.Stop();
  absl::Status sent;
  for (int i = 0; sent.ok() && i < 100; ++i) sent = test::Send(*publisher, 1);
  EXPECT_TRUE(absl::IsResourceExhausted(sent)) << sent;
  const std::uint64_t before = shared_->progress;  // not later: it may have taken everything by the time we look
  child.Continue();
  AwaitProgressSince(before);
  while (!test::Send(*publisher, 1).ok()) sched_yield();

  shared_->stop = true;
  EXPECT_EQ(child.Await(), 0);
}

TEST_F(Stopped, APublisherAnywhereDelaysNobody) {
  const ChannelSpec spec = Spec(Reliability::kBestEffort);
  Subscriber reader = OpenSubscriber(spec);
  Publisher publisher = OpenPublisher(spec);
  StoppableChild child([&] {
    auto own = Publisher::Open(spec, PublisherHere());
    if (!own.ok()) return 1;
    while (!shared_->stop) {
      if (!test::Send(*own, ++shared_->progress).ok()) return 2;
    }
    return 0;
  });
  AwaitProgress();

  for (int round = 0; round < 20; ++round) {
    child.Stop();
    while (reader.TryTake()->has_value()) {
    }
    for (std::uint64_t i = 0; i < 48; ++i) {  // three laps
      ASSERT_TRUE(test::Send(publisher, i).ok());
      const auto sample = reader.Take(absl::InfiniteDuration());
      ASSERT_TRUE(sample.ok());
      ASSERT_EQ(test::ValueOf(*sample), i);
    }
    child.Continue();
    AwaitProgress();
  }

  shared_->stop = true;
  EXPECT_EQ(child.Await(), 0);
}

}  // namespace
}  // namespace shmcomm::faults
