// SPDX-License-Identifier: Apache-2.0
// SIGKILL at every crash point: a child runs a whole life of a publisher and a subscriber and dies at the n-th point it
// meets, for n = 1, 2, 3 … until it gets through. After each death the survivors go on, newcomers find a place, and the
// last one out leaves nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "crash/dying_child.h"
#include "support/forked_child.h"
#include "support/start.h"
#include "support/test_channels.h"

namespace shmcomm {
namespace {

using test::NumbersSpec;
using test::Send;
using test::ValueOf;

class CrashPoints : public test::EndpointTest, public ::testing::WithParamInterface<std::uint32_t> {
 protected:
  static constexpr std::uint32_t kHistory = 8;

  bool Dies(std::uint64_t n, const std::function<bool()>& life) {
    const bool has_died = child_.Dies(n, life);
    if (has_died) met_.insert(child_.last());
    return has_died;
  }
  std::string Place(std::uint64_t n) const { return "died at " + child_.last() + ", point " + std::to_string(n); }

  static ChannelSpec Spec(std::uint32_t history = 0) {
    ChannelSpec spec = NumbersSpec(GetParam());
    spec.qos.history = history;
    spec.qos.max_subscribers = 3;
    spec.qos.max_borrowed = 2;
    return spec;
  }
  /// Opens, publishes past the ring's end, holds, takes, closes.
  bool LiveAsPublisher() const {
    auto publisher = Publisher::Open(Spec(), PublisherHere());
    if (!publisher.ok()) return false;
    for (std::uint64_t i = 1; i <= 40; ++i) {
      if (!Send(*publisher, i).ok()) return false;
    }
    return true;
  }
  /// Takes the channel's history, by batches and one by one, and holds one.
  bool LiveAsSubscriber() const {
    auto subscriber = Subscriber::Open(Spec(kHistory), SubscriberHere());
    if (!subscriber.ok()) return false;
    if (!subscriber->fd().ok()) return false;
    std::vector<Sample> held;
    for (int i = 0; i < 10; ++i) {
      if (!subscriber->TakeMany().ok()) return false;
      auto sample = subscriber->Take(absl::Milliseconds(1));
      if (sample.ok() && held.size() < 1) held.push_back(*std::move(sample));
    }
    return true;
  }
  bool LiveAsBoth() const {
    auto publisher = Publisher::Open(Spec(), PublisherHere());
    auto subscriber = Subscriber::Open(Spec(), SubscriberHere());
    if (!publisher.ok() || !subscriber.ok()) return false;
    for (std::uint64_t i = 1; i <= 20; ++i) {
      if (!Send(*publisher, i).ok() || !subscriber->Take(absl::ZeroDuration()).ok()) return false;
    }
    return true;
  }
  /// Every sequence since the last call was taken, or lost and reported.
  void TakeAllOf(Subscriber& subscriber, std::uint64_t& next_sequence) {
    for (;;) {
      const auto sample = subscriber.TryTake();
      ASSERT_TRUE(sample.ok()) << sample.status();
      if (!sample->has_value()) return;
      ASSERT_EQ((*sample)->sequence(), next_sequence + (*sample)->lost());
      next_sequence = (*sample)->sequence() + 1;
      test::Numbers numbers;
      std::memcpy(&numbers, (*sample)->data(), sizeof(numbers));
      for (const std::uint64_t word : numbers.rest) ASSERT_EQ(word, numbers.value);
    }
  }
  /// Two publishers die whose files nobody needs, and between them one that has published and woken nobody. The names of the
  /// two files.
  std::set<std::string> LetPublishersDie() {
    const std::set<std::string> before = Files();
    const auto live = [this](const test::StayingChild::Stay& stay) {
      const auto publisher = Publisher::Open(Spec(), PublisherHere());
      if (publisher.ok()) stay();
    };
    test::StayingChild first(live), second(live);
    EXPECT_TRUE(first.is_there() && second.is_there());
    std::set<std::string> needless;
    for (const std::string& name : Files()) {
      if (before.count(name) == 0) needless.insert(name);
    }
    EXPECT_TRUE(child_.DiesAt("ring.commit.after_entry", [this] { return LiveAsPublisher(); }));
    first.Kill();
    second.Kill();
    return needless;
  }
  /// Pushes everything out of the ring that was published before.
  void PublishALap() const {
    Publisher publisher = OpenPublisher(Spec());
    for (std::uint64_t i = 0; i < 20; ++i) ASSERT_TRUE(Send(publisher, i).ok());
  }
  std::vector<std::string> FilesLeft() const {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root_.path())) files.push_back(entry.path());
    return files;
  }

  std::set<std::string> met_;

 private:
  crash::DyingChild child_;
};
INSTANTIATE_TEST_SUITE_P(Commits, CrashPoints, ::testing::Values(1, 4));

TEST_P(CrashPoints, APublisherDyingAtAnyLeavesItsReadersAndSuccessorUndisturbed) {
  Subscriber reader = OpenSubscriber(Spec());
  std::uint64_t next_sequence = test::FirstSequence();
  std::uint64_t n = 1;
  for (; Dies(n, [this] { return LiveAsPublisher(); }); ++n) {
    SCOPED_TRACE(Place(n));
    ASSERT_NO_FATAL_FAILURE(TakeAllOf(reader, next_sequence));
    Publisher successor = OpenPublisher(Spec());
    for (std::uint64_t i = 100; i < 103; ++i) ASSERT_TRUE(Send(successor, i).ok());
    for (std::uint64_t i = 100; i < 103; ++i) {
      auto sample = reader.Take(absl::ZeroDuration());
      ASSERT_TRUE(sample.ok()) << sample.status();
      ASSERT_EQ(sample->sequence(), next_sequence + sample->lost());
      next_sequence = sample->sequence() + 1;
    }
  }
  EXPECT_GT(n, 40u);
  EXPECT_THAT(met_, ::testing::IsSupersetOf({"registry.announce.after_row", "ring.commit.after_entry"}));
  reader.Close();
  EXPECT_TRUE(FilesLeft().empty());
}

TEST_P(CrashPoints, AReaderDyingAtAnyCostsItsPublisherNothing) {
  Publisher publisher = OpenPublisher(Spec(kHistory));
  Subscriber witness = OpenSubscriber(Spec(kHistory));
  std::uint64_t next_sequence = test::FirstSequence();
  std::uint64_t n = 1;
  for (std::uint64_t i = 0; i < kHistory; ++i) ASSERT_TRUE(Send(publisher, i).ok());
  for (; Dies(n, [this] { return LiveAsSubscriber(); }); ++n) {
    SCOPED_TRACE(Place(n));
    for (std::uint64_t i = 0; i < 40; ++i) ASSERT_TRUE(Send(publisher, i).ok());
    ASSERT_NO_FATAL_FAILURE(TakeAllOf(witness, next_sequence));
    // Two places are left beside the witness's: the dead do not keep theirs.
    Subscriber second = OpenSubscriber(Spec(kHistory));
    Subscriber third = OpenSubscriber(Spec(kHistory));
    for (const char* line : {"wake.1", "wake.2"}) ASSERT_EQ(Files().count(line), 0u);
    ASSERT_TRUE(Send(publisher, 7).ok());
    ASSERT_EQ(test::TakeValues(second).back(), 7u);
    ASSERT_EQ(test::TakeValues(third).back(), 7u);
    ASSERT_NO_FATAL_FAILURE(TakeAllOf(witness, next_sequence));
  }
  EXPECT_GT(n, 3u);
  EXPECT_THAT(met_, ::testing::IsSupersetOf({"ring.join.after_active", "ring.protect.after_hazard",
                                             "ring.protect.after_one_of_many", "ring.clear.after_hazards",
                                             "ring.clear.after_active", "wake.file.after_make", "wake.file.after_bit",
                                             "wake.file.before_unlink"}));
  publisher.Close();
  witness.Close();
  EXPECT_TRUE(FilesLeft().empty());
}

TEST_P(CrashPoints, ACleanerDyingAtAnyIsFollowedByAnotherAndForgetsNoSleeper) {
  if (GetParam() == 1) GTEST_SKIP() << "the file of a sole publisher is its successor's to remove";
  Subscriber witness = OpenSubscriber(Spec());
  std::uint64_t next_sequence = test::FirstSequence();
  std::uint64_t n = 1;
  for (bool has_died = true; has_died; ++n) {
    std::thread sleeper([&] { EXPECT_TRUE(witness.Wait(absl::InfiniteDuration()).ok()); });
    const std::set<std::string> needless = LetPublishersDie();
    EXPECT_EQ(needless.size(), 2u);

    has_died = Dies(n, [this] { return Subscriber::Open(Spec(), SubscriberHere()).ok(); });

    SCOPED_TRACE(Place(n));
    sleeper.join();
    ASSERT_TRUE(Subscriber::Open(Spec(), SubscriberHere()).ok());
    for (const std::string& name : needless) ASSERT_EQ(Files().count(name), 0u) << name;
    ASSERT_NO_FATAL_FAILURE(TakeAllOf(witness, next_sequence));
    ASSERT_NO_FATAL_FAILURE(PublishALap());
    ASSERT_NO_FATAL_FAILURE(TakeAllOf(witness, next_sequence));
  }
  EXPECT_GT(n, 3u);
  EXPECT_THAT(met_, ::testing::Contains("registry.clean.after_unlink"));
  witness.Close();
  EXPECT_TRUE(FilesLeft().empty());
}

TEST_P(CrashPoints, ALoneProcessDyingAtAnyLeavesNothingToItsSuccessorOfAnotherSchema) {
  std::uint64_t n = 1;
  for (; Dies(n, [this] { return LiveAsBoth(); }); ++n) {
    SCOPED_TRACE(Place(n));
    ChannelSpec other = NumbersSpec(3);
    other.message.fingerprint = 99;
    {
      Subscriber subscriber = OpenSubscriber(other);
      Publisher publisher = OpenPublisher(other);
      ASSERT_TRUE(Send(publisher, 5).ok());
      ASSERT_EQ(test::TakeValues(subscriber), std::vector<std::uint64_t>{5});
    }
    ASSERT_TRUE(FilesLeft().empty());
  }
  EXPECT_GT(n, 30u);
  EXPECT_THAT(met_, ::testing::IsSupersetOf({"channel.create.after_link", "channel.remove.after_meta",
                                             "channel.remove.after_file"}));
  EXPECT_TRUE(FilesLeft().empty());
}

}  // namespace
}  // namespace shmcomm
