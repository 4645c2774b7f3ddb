// SPDX-License-Identifier: Apache-2.0
// What typed endpoints of pubsub offer beyond single takes: batches, backlog, descriptors, waiting for room, cancelling.
#include <gmock/gmock.h>
#include <poll.h>

#include <thread>
#include <utility>
#include <vector>

#include "support/test_channels.h"

namespace shmcomm {
namespace {

using test::CameraPublisher;
using test::CameraSubscriber;
using test::Numbers;
using ::testing::ElementsAre;

/// Numbers on a reliable channel that holds two messages.
struct EventsChannel {
  using Message = Numbers;
  static const ChannelSpec& Spec() {
    static const ChannelSpec spec = [] {
      ChannelSpec s = test::NumbersSpec();
      s.qos.reliability = Reliability::kReliable;
      s.qos.capacity = 2;
      return s;
    }();
    return spec;
  }
};
using EventsPublisher = TypedPublisher<EventsChannel>;
using EventsSubscriber = TypedSubscriber<EventsChannel>;

class TypedPubSub : public test::EndpointTest {
 protected:
  EventsPublisher publisher_ = *EventsPublisher::Open(PublisherHere());
  EventsSubscriber subscriber_ = *EventsSubscriber::Open(SubscriberHere());
};

bool IsReadable(int descriptor) {
  pollfd watched{descriptor, POLLIN, 0};
  return ::poll(&watched, 1, 0) == 1;
}

TEST_F(TypedPubSub, ABatchHasTypedSamplesInOrder) {
  for (std::uint64_t i = 0; i < 2; ++i) ASSERT_TRUE(publisher_.Publish(Numbers{i, {}}).ok());

  TypedSampleBatch<Numbers> batch = *subscriber_.TakeMany();

  ASSERT_EQ(batch.size(), 2u);
  EXPECT_EQ(batch[0]->value, 0u);
  EXPECT_EQ(batch[1]->value, 1u);
  EXPECT_TRUE(subscriber_.TakeMany()->empty());
}

TEST_F(TypedPubSub, ASampleMovedOutOfABatchOutlivesIt) {
  ASSERT_TRUE(publisher_.Publish(Numbers{7, {}}).ok());
  TypedSampleBatch<Numbers> batch = *subscriber_.TakeMany(1);

  const TypedSample<Numbers> kept = std::move(batch[0]);
  batch = TypedSampleBatch<Numbers>();
  for (std::uint64_t i = 0; i < 100; ++i) {
    ASSERT_TRUE(publisher_.Publish(Numbers{1000 + i, {}}).ok());
    static_cast<void>(subscriber_.TakeMany());
  }

  EXPECT_EQ(kept->value, 7u);
}

TEST_F(TypedPubSub, BacklogCountsWhatIsUnread) {
  ASSERT_TRUE(publisher_.Publish(Numbers{1, {}}).ok());

  EXPECT_EQ(subscriber_.backlog().unread, 1u);
  EXPECT_EQ(subscriber_.backlog().limit, 2u);
}

TEST_F(TypedPubSub, TheDescriptorIsReadableWhileThereIsAMessage) {
  const int descriptor = *subscriber_.fd();
  while (subscriber_.TryTake()->has_value()) {
  }
  ASSERT_TRUE(publisher_.Publish(Numbers{1, {}}).ok());

  EXPECT_TRUE(IsReadable(descriptor));
  EXPECT_TRUE(subscriber_.TryTake()->has_value());
}

TEST_F(TypedPubSub, WaitingForRoomEndsWhenAMessageIsTaken) {
  for (std::uint64_t i = 0; i < 2; ++i) ASSERT_TRUE(publisher_.Publish(Numbers{i, {}}).ok());
  EXPECT_FALSE(*publisher_.WaitForRoom(absl::ZeroDuration()));

  ASSERT_TRUE(subscriber_.TryTake()->has_value());

  EXPECT_TRUE(*publisher_.WaitForRoom(absl::InfiniteDuration()));
}

TEST_F(TypedPubSub, ThePublishTimeoutCanBeChanged) {
  publisher_.SetPublishTimeout(absl::ZeroDuration());
  for (std::uint64_t i = 0; i < 2; ++i) ASSERT_TRUE(publisher_.Publish(Numbers{i, {}}).ok());

  EXPECT_EQ(publisher_.Publish(Numbers{2, {}}).code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(TypedPubSub, CancellingEndsWaitsOfBothEnds) {
  for (std::uint64_t i = 0; i < 2; ++i) ASSERT_TRUE(publisher_.Publish(Numbers{i, {}}).ok());
  std::thread other([&] { publisher_.Cancel(); });
  EXPECT_EQ(publisher_.Publish(Numbers{2, {}}).code(), absl::StatusCode::kCancelled);
  other.join();
  while (subscriber_.TryTake()->has_value()) {
  }

  std::thread another([&] { subscriber_.Cancel(); });
  EXPECT_EQ(subscriber_.Take(absl::InfiniteDuration()).status().code(), absl::StatusCode::kCancelled);
  another.join();
}

TEST_F(TypedPubSub, IsOpenUntilItIsClosed) {
  EXPECT_TRUE(publisher_.is_open() && subscriber_.is_open());

  publisher_.Close();
  subscriber_.Close();

  EXPECT_FALSE(publisher_.is_open() || subscriber_.is_open());
  EXPECT_EQ(subscriber_.TakeMany().status().code(), absl::StatusCode::kFailedPrecondition);
}

class TypedBatch : public test::EndpointTest {
 protected:
  absl::Status SendImage(std::size_t bytes) {
    return publisher_.Publish([&](auto& builder) { return test::CreateImageOf(builder, bytes); });
  }
  absl::Status SendNonsense() { return publisher_.raw().PublishCopy("abc", 3, Codec::kFlatBuffer); }
  std::vector<std::size_t> TakeSizes() {
    std::vector<std::size_t> sizes;
    const auto batch = subscriber_.TakeMany();
    EXPECT_TRUE(batch.ok()) << batch.status();
    if (batch.ok()) {
      for (const auto& image : *batch) sizes.push_back(image->data()->size());
    }
    return sizes;
  }

  CameraPublisher publisher_ = *CameraPublisher::Open(PublisherHere());
  CameraSubscriber subscriber_ = *CameraSubscriber::Open(SubscriberHere());
};

TEST_F(TypedBatch, LeavesOutWhatIsNoValidMessageAndSaysSoNext) {
  ASSERT_TRUE(SendImage(10).ok());
  ASSERT_TRUE(SendNonsense().ok());
  ASSERT_TRUE(SendImage(20).ok());

  EXPECT_THAT(TakeSizes(), ElementsAre(10, 20));
  ASSERT_TRUE(SendImage(30).ok());

  const absl::Status refused = subscriber_.TakeMany().status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(refused.message(), "a message of channel 'front/camera' is no valid robot.Image; skipped");
  EXPECT_THAT(TakeSizes(), ElementsAre(30));
}

TEST_F(TypedBatch, SaysAtOnceThatNothingIsValid) {
  ASSERT_TRUE(SendNonsense().ok());
  ASSERT_TRUE(SendNonsense().ok());

  EXPECT_EQ(subscriber_.TakeMany().status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(TakeSizes(), ElementsAre());
}

}  // namespace
}  // namespace shmcomm
