// SPDX-License-Identifier: Apache-2.0
#include "crash/every_instruction/pubsub_scene.h"

#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include "crash/every_instruction/channel_files.h"
#include "support/test_channels.h"

namespace shmcomm::crash {
namespace {

enum class Loss { kNone, kReported };

/// Every sequence since the last call was taken whole, or lost and reported.
void TakeAllOf(Subscriber& subscriber, std::uint64_t& next_sequence, Loss loss) {
  for (;;) {
    const auto sample = subscriber.TryTake();
    ASSERT_TRUE(sample.ok()) << sample.status();
    if (!sample->has_value()) return;
    ASSERT_EQ((*sample)->sequence(), next_sequence + (*sample)->lost());
    ASSERT_TRUE(loss == Loss::kReported || (*sample)->lost() == 0);
    next_sequence = (*sample)->sequence() + 1;
    test::Numbers numbers;
    ASSERT_GE((*sample)->size(), sizeof(numbers));
    std::memcpy(&numbers, (*sample)->data(), sizeof(numbers));
    for (const std::uint64_t word : numbers.rest) ASSERT_EQ(word, numbers.value);
  }
}

}  // namespace

PubSubScene::PubSubScene(const Operation& operation) : operation_(operation) {
  if (has_reader()) {
    auto reader = Subscriber::Open(operation.spec, SubscriberAt(root_.path()));
    if (reader.ok()) reader_.emplace(*std::move(reader));
    EXPECT_TRUE(reader_.has_value()) << reader.status();
    EXPECT_TRUE(!operation.reader_has_descriptor || reader_->fd().ok());
  }
  if (operation.has_laggard) {
    auto laggard = Subscriber::Open(operation.spec, SubscriberAt(root_.path()));
    if (laggard.ok()) laggard_.emplace(*std::move(laggard));
    EXPECT_TRUE(laggard_.has_value()) << laggard.status();
  }
  if (has_publisher()) {
    auto publisher = Publisher::Open(operation.spec, operation.others_demote ? DemotingPublisherAt(root_.path()) : PublisherAt(root_.path()));
    if (publisher.ok()) publisher_.emplace(*std::move(publisher));
    EXPECT_TRUE(publisher_.has_value()) << publisher.status();
  }
}

TracedChild PubSubScene::MakeVictim() {
  TracedChild victim([this] { return operation_.prepare(root_.path()); });
  EXPECT_TRUE(victim.is_stopped());
  if (laggard_.has_value()) TakeAllOf(*laggard_, laggards_next_sequence_, Loss::kReported);
  if (has_publisher()) PublishAndTake(operation_.published_before, 50);
  if (has_reader()) {
    TakeAll();
    EXPECT_TRUE(reader_->Wait(absl::Nanoseconds(1)).ok());  // leaves the bell armed
  }
  return victim;
}

void PubSubScene::Publish(Publisher& publisher, std::uint64_t value) {
  const absl::Status sent = test::Send(publisher, value);
  ASSERT_TRUE(sent.ok()) << sent;
}

void PubSubScene::TakeAll() { TakeAllOf(*reader_, next_sequence_, is_reliable() ? Loss::kNone : Loss::kReported); }

/// The others' reader keeps up, where it would hold the gate or be demoted otherwise.
void PubSubScene::PublishAndTake(int count, std::uint64_t first_value) {
  for (int i = 0; i < count; ++i) {
    ASSERT_NO_FATAL_FAILURE(Publish(*publisher_, first_value + static_cast<std::uint64_t>(i)));
    if (is_reliable()) {
      ASSERT_NO_FATAL_FAILURE(TakeAll());
    }
  }
}

/// It loses nothing but by being demoted.
void PubSubScene::ExpectLaggardIsReliableAgain() {
  ASSERT_NO_FATAL_FAILURE(TakeAllOf(*laggard_, laggards_next_sequence_, Loss::kReported));
  ASSERT_NO_FATAL_FAILURE(PublishAndTake(10, 90));
  ASSERT_NO_FATAL_FAILURE(TakeAllOf(*laggard_, laggards_next_sequence_, Loss::kNone));
}

void PubSubScene::ExchangeWithNewcomers(const ChannelSpec& spec, const std::string& root) {
  auto subscriber = Subscriber::Open(spec, SubscriberAt(root));
  ASSERT_TRUE(subscriber.ok()) << subscriber.status();
  auto publisher = Publisher::Open(spec, PublisherAt(root));
  ASSERT_TRUE(publisher.ok()) << publisher.status();
  Publish(*publisher, 60);
  const std::vector<std::uint64_t> values = test::TakeValues(*subscriber);
  // Before it, it may be given the history, and what was published before it came and head did not count yet.
  ASSERT_FALSE(values.empty());
  ASSERT_EQ(values.back(), 60u);
  ASSERT_LE(values.size(), spec.qos.history + 2);
}

void PubSubScene::ExpectOthersGoOnBeside() {
  if (laggard_.has_value()) {
    ASSERT_NO_FATAL_FAILURE(ExpectLaggardIsReliableAgain());
  }
  for (std::uint64_t i = 0; has_publisher() && i < 40; ++i) {
    const absl::Status sent = test::Send(*publisher_, 70 + i);
    if (is_reliable() && absl::IsResourceExhausted(sent)) break;  // the stopped one is alive and holds the gate
    ASSERT_TRUE(sent.ok()) << sent;
    ++exchanged_beside_;
    if (is_reliable()) {
      ASSERT_NO_FATAL_FAILURE(TakeAll());
    }
  }
  if (has_reader()) {
    const std::uint64_t before = next_sequence_;
    ASSERT_NO_FATAL_FAILURE(TakeAll());
    exchanged_beside_ += next_sequence_ - before;
  }
  if (operation_.is_lifecycle || is_reliable() || operation_.spec.qos.max_publishers == 1) return;
  ASSERT_NO_FATAL_FAILURE(ExchangeWithNewcomers(operation_.spec, root_.path()));
  ASSERT_NO_FATAL_FAILURE(TakeAll());
}

void PubSubScene::ExpectEverybodyGoesOn() {
  if (!has_reader()) return ExpectALoneNewcomerFindsNothing();
  ASSERT_NO_FATAL_FAILURE(TakeAll());
  if (laggard_.has_value()) {
    ASSERT_NO_FATAL_FAILURE(ExpectLaggardIsReliableAgain());
  }
  if (has_publisher()) {
    ASSERT_NO_FATAL_FAILURE(PublishAndTake(40, 80));
  }
  ASSERT_NO_FATAL_FAILURE(TakeAll());
  ASSERT_NO_FATAL_FAILURE(ExchangeWithNewcomers(operation_.spec, root_.path()));
  ASSERT_NO_FATAL_FAILURE(TakeAll());
  // The newcomers' messages may have pushed the last of a dead publisher's out of the ring: the next open finds its file.
  ASSERT_TRUE(Subscriber::Open(operation_.spec, SubscriberAt(root_.path())).ok());
  ASSERT_EQ(WhatIsWrong(directory(), WhoLives(directory())), "");
}

void PubSubScene::ExpectALoneNewcomerFindsNothing() {
  ChannelSpec other = operation_.spec;  // of another schema: nothing of the old may count
  other.message.fingerprint += 1;
  ASSERT_NO_FATAL_FAILURE(ExchangeWithNewcomers(other, root_.path()));
  ASSERT_TRUE(FilesBelow(root_.path()).empty());
}

void PubSubScene::ExpectCopyRecovers() {
  const test::TemporaryRoot root;
  const std::string copy = root / "default/test%2Fnumbers";
  std::filesystem::create_directory(root / "default", root_.path());
  CopyFiles(directory(), copy);
  Living others = WhoLives(directory());
  // The victim is stopped, not dead, and counts as alive where it is; in the copy it is dead.
  Living living;
  if (has_reader()) living.lines.insert(*others.lines.begin());
  if (has_publisher()) living.publishers.insert(*others.publishers.begin());
  {
    const HeldLocks locks(copy, living);
    ASSERT_NO_FATAL_FAILURE(ExchangeWithNewcomers(operation_.spec, root.path()));
    ASSERT_TRUE(Subscriber::Open(operation_.spec, SubscriberAt(root.path())).ok());
    ASSERT_EQ(WhatIsWrong(copy, living), "");
  }
}

void PubSubScene::ExpectNothingIsLeft() {
  if (publisher_.has_value()) publisher_->Close();
  if (reader_.has_value()) reader_->Close();
  if (laggard_.has_value()) laggard_->Close();
  EXPECT_EQ(FilesBelow(root_.path()), std::vector<std::string>{});
}

std::vector<Case> PubSubCases() {
  std::vector<Case> cases;
  for (const Operation& operation : PubSubOperations()) {
    cases.push_back({operation.name, operation.is_lifecycle, operation.others == Others::kNobody,
                     [&operation] { return std::make_unique<PubSubScene>(operation); }});
  }
  return cases;
}

}  // namespace shmcomm::crash
