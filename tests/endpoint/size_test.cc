// SPDX-License-Identifier: Apache-2.0
// Messages at and beyond max_size, loans, and what a refused message leaves behind: nothing.
#include "segment/layout.h"
#include "support/test_channels.h"

namespace shmcomm {
namespace {

using test::CameraChannel;
using test::CameraPublisher;
using test::CameraSubscriber;

/// Data bytes of an image whose finished message has exactly `bytes`.
std::size_t DataFor(std::size_t bytes) {
  for (std::size_t data = bytes - 64; data < bytes; ++data) {
    flatbuffers::FlatBufferBuilder builder(bytes + 1024);
    builder.Finish(test::CreateImageOf(builder, data));
    if (builder.GetSize() == bytes) return data;
  }
  return 0;
}

absl::Status PublishImage(CameraPublisher& publisher, std::size_t data, std::uint8_t fill = 7) {
  return publisher.Publish([&](auto& builder) { return test::CreateImageOf(builder, data, fill); });
}

class MessageSize : public test::EndpointTest {
 protected:
  CameraPublisher publisher_ = *CameraPublisher::Open(PublisherHere());
  CameraSubscriber subscriber_ = *CameraSubscriber::Open(SubscriberHere());
};

TEST_F(MessageSize, OfExactlyMaxSizePasses) {
  const std::size_t data = DataFor(CameraChannel::kMaxSize);
  ASSERT_NE(data, 0u);

  ASSERT_TRUE(PublishImage(publisher_, data).ok());

  EXPECT_EQ((*subscriber_.Take(absl::ZeroDuration())).raw().size(), CameraChannel::kMaxSize);
}

TEST_F(MessageSize, BeyondMaxSizeIsRefusedWithItsTrueSizeAndTheFix) {
  const std::size_t data = DataFor(9'437'312);
  ASSERT_NE(data, 0u);

  const absl::Status refused = PublishImage(publisher_, data);

  EXPECT_EQ(refused.code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(refused.message(),
            "front/camera: message is 9,437,312 B, max_size is 8,388,608 B; set max_size: 10MiB at robot.channel:21");
}

TEST_F(MessageSize, BeyondAllMessagesIsRefusedWithoutAMaxSizeThatNobodyCanSet) {
  Publisher publisher = OpenPublisher(test::BytesSpec(1000));
  auto loan = *publisher.Loan();
  const std::string begin = "test/bytes: message is 2,147,483,", end = " at test.channel:2";

  EXPECT_EQ(loan.Raw(layout::kMaxMessageBytes).status().message(),
            begin + "584 B, max_size is 1,000 B; set max_size: 2147483584" + end);
  EXPECT_EQ(loan.Raw(layout::kMaxMessageBytes + 1).status().message(),
            begin + "585 B, max_size is 1,000 B; no message can have more than 2,147,483,584 B: send parts");
}

TEST_F(MessageSize, ARefusedMessageLosesNothingElse) {
  ASSERT_TRUE(PublishImage(publisher_, 10, 1).ok());
  ASSERT_FALSE(PublishImage(publisher_, 20u << 20).ok());
  ASSERT_TRUE(PublishImage(publisher_, 3'000'000, 2).ok());

  const auto first = *subscriber_.Take(absl::ZeroDuration());
  const auto second = *subscriber_.Take(absl::ZeroDuration());

  EXPECT_EQ(first->width(), 1u);
  EXPECT_EQ(second->width(), 2u);
  EXPECT_EQ(second->data()->size(), 3'000'000u);
  EXPECT_EQ(second.sequence(), first.sequence() + 1);
  EXPECT_EQ(second.lost(), 0u);
  EXPECT_EQ(publisher_.stats().errors, 1u);
  EXPECT_EQ(publisher_.stats().sent, 2u);
}

TEST_F(MessageSize, RefusalsCostNoSlots) {
  for (int i = 0; i < 200; ++i) ASSERT_FALSE(PublishImage(publisher_, CameraChannel::kMaxSize).ok());

  EXPECT_TRUE(PublishImage(publisher_, 100).ok());
}

TEST_F(MessageSize, ABuilderThatOutgrewTheSlotAndWasClearedStillPublishes) {
  auto loan = *publisher_.Loan();
  test::CreateImageOf(loan.builder(), 20u << 20);
  loan.builder().Clear();

  const auto root = test::CreateImageOf(loan.builder(), 5000, 3);
  ASSERT_TRUE(publisher_.Publish(std::move(loan), root).ok());
  const auto image = *subscriber_.Take(absl::ZeroDuration());

  EXPECT_EQ(image->width(), 3u);
  ASSERT_EQ(image->data()->size(), 5000u);
  EXPECT_EQ(image->data()->Get(4999), 3);
}

TEST_F(MessageSize, ABuilderThatOutgrewTheSlotFromWithinItStillPublishes) {
  auto loan = *publisher_.Loan();
  test::CreateImageOf(loan.builder(), 100);   // in the slot
  test::CreateImageOf(loan.builder(), 20u << 20);
  loan.builder().Clear();

  const auto root = test::CreateImageOf(loan.builder(), 5000, 3);
  ASSERT_TRUE(publisher_.Publish(std::move(loan), root).ok());
  const auto image = *subscriber_.Take(absl::ZeroDuration());

  ASSERT_EQ(image->data()->size(), 5000u);
  EXPECT_EQ(image->data()->Get(0), 3);
  EXPECT_EQ(image->data()->Get(4999), 3);
}

TEST_F(MessageSize, APublishersOwnLimitIsTheOneThatCounts) {
  publisher_.Close();
  PublisherOptions options = PublisherHere();
  options.max_size = 4096;
  CameraPublisher modest = *CameraPublisher::Open(options);

  EXPECT_TRUE(PublishImage(modest, 3000).ok());
  EXPECT_EQ(PublishImage(modest, 5000).code(), absl::StatusCode::kOutOfRange);
}

TEST_F(MessageSize, APublishersOwnLimitMayOnlyBeSmaller) {
  publisher_.Close();
  PublisherOptions options = PublisherHere();
  options.max_size = CameraChannel::kMaxSize + 1;

  EXPECT_EQ(CameraPublisher::Open(options).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(MessageSize, AnUnfinishedLoanIsNoMessage) {
  auto loan = *publisher_.raw().Loan();

  EXPECT_EQ(publisher_.raw().Publish(std::move(loan)).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(MessageSize, RawBytesAreLimitedToo) {
  const ChannelSpec spec = test::BytesSpec(1000);
  Publisher publisher = OpenPublisher(spec);
  auto loan = *publisher.Loan();
  const std::string bytes(1001, 'x');

  EXPECT_EQ(loan.Raw(1001).status().message(), "test/bytes: message is 1,001 B, max_size is 1,000 B; set max_size: 1KiB at test.channel:2");
  EXPECT_EQ(publisher.PublishCopy(bytes.data(), bytes.size(), Codec::kBytes).code(), absl::StatusCode::kOutOfRange);
  EXPECT_TRUE(loan.Raw(1000).ok());
  EXPECT_TRUE(publisher.PublishRaw(std::move(loan), Codec::kBytes).ok());
}

TEST_F(MessageSize, AnEmptyMessageIsAMessage) {
  const ChannelSpec spec = test::BytesSpec(1000);
  Publisher publisher = OpenPublisher(spec);
  Subscriber subscriber = OpenSubscriber(spec);

  ASSERT_TRUE(publisher.PublishCopy("", 0, Codec::kBytes).ok());

  EXPECT_EQ((*subscriber.Take(absl::ZeroDuration())).size(), 0u);
}

TEST_F(MessageSize, MessagesOf10MegabytesPassInAStream) {
  const ChannelSpec spec = test::BytesSpec(10'000'000);
  Publisher publisher = OpenPublisher(spec);
  Subscriber subscriber = OpenSubscriber(spec);
  std::string bytes(10'000'000, '\0');
  for (int i = 0; i < 40; ++i) {
    bytes.front() = bytes.back() = static_cast<char>(i);
    ASSERT_TRUE(publisher.PublishCopy(bytes.data(), bytes.size(), Codec::kBytes).ok());

    const auto sample = subscriber.Take(absl::ZeroDuration());

    ASSERT_TRUE(sample.ok()) << sample.status();
    ASSERT_EQ(sample->size(), bytes.size());
    ASSERT_EQ(sample->data()[0], i);
    ASSERT_EQ(sample->data()[bytes.size() - 1], i);
    ASSERT_EQ(sample->lost(), 0u);
  }
}

TEST_F(MessageSize, MessagesEndOnACacheLine) {
  const ChannelSpec spec = test::BytesSpec(10'000);
  Publisher publisher = OpenPublisher(spec);
  Subscriber subscriber = OpenSubscriber(spec);
  const std::string bytes(10'000, 'x');
  for (const std::size_t size : {1, 7, 64, 65, 4095, 10'000}) {
    ASSERT_TRUE(publisher.PublishCopy(bytes.data(), size, Codec::kBytes).ok());

    const Sample sample = *subscriber.Take(absl::ZeroDuration());

    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(sample.data() + sample.size()) % 64, 0u) << size;
  }
}

class Loans : public test::EndpointTest {
 protected:
  const ChannelSpec spec_ = test::BytesSpec(4096);
  Publisher publisher_ = OpenPublisher(spec_);
  Subscriber subscriber_ = OpenSubscriber(spec_);
};

TEST_F(Loans, AreLimited) {
  const auto first = publisher_.Loan();
  const auto second = publisher_.Loan();
  ASSERT_TRUE(first.ok() && second.ok());

  const absl::Status third = publisher_.Loan().status();

  EXPECT_EQ(third.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(third.message(), "test/bytes: you hold 2 of 2 loans; publish or drop one, or raise max_loans");
}

TEST_F(Loans, AreNotToBeRaisedBeyondWhatThereCanBe) {
  ChannelSpec spec = test::BytesSpec(100);
  spec.name = "test/most";
  spec.qos.max_loans = layout::kMaxLoans;
  Publisher publisher = OpenPublisher(spec);
  std::vector<absl::StatusOr<Loan>> held;
  while (held.size() < layout::kMaxLoans) held.push_back(publisher.Loan());

  EXPECT_EQ(publisher.Loan().status().message(), "test/most: you hold 8 of 8 loans; publish or drop one");
}

TEST_F(Loans, AreNotToBeRaisedWhereNoSchemaSaysHowManyThereAre) {
  ChannelSpec spec = test::BytesSpec(100);
  spec.name = "test/undeclared";
  spec.declared_at = "";
  Publisher publisher = OpenPublisher(spec);
  const auto first = publisher.Loan();
  const auto second = publisher.Loan();

  EXPECT_EQ(publisher.Loan().status().message(), "test/undeclared: you hold 2 of 2 loans; publish or drop one");
}

TEST_F(Loans, ADroppedOneIsAbandonedAndSeenByNobody) {
  for (int i = 0; i < 500; ++i) {
    auto loan = publisher_.Loan();
    ASSERT_TRUE(loan.ok()) << loan.status();
    ASSERT_TRUE(loan->Raw(100).ok());
  }

  EXPECT_FALSE(subscriber_.TryTake()->has_value());
  EXPECT_TRUE(publisher_.PublishCopy("x", 1, Codec::kBytes).ok());
}

TEST_F(Loans, TwoAtOnceAreIndependent) {
  auto first = *publisher_.Loan();
  auto second = *publisher_.Loan();
  std::uint8_t* a = *first.Raw(1);
  std::uint8_t* b = *second.Raw(1);
  *a = 'a';
  *b = 'b';

  ASSERT_TRUE(publisher_.PublishRaw(std::move(second), Codec::kBytes).ok());
  ASSERT_TRUE(publisher_.PublishRaw(std::move(first), Codec::kBytes).ok());

  EXPECT_EQ(*(*subscriber_.Take(absl::ZeroDuration())).data(), 'b');
  EXPECT_EQ(*(*subscriber_.Take(absl::ZeroDuration())).data(), 'a');
}

TEST_F(Loans, MovingOneKeepsItAndAssigningOverOneAbandonsIt) {
  auto first = *publisher_.Loan();
  auto second = *publisher_.Loan();
  Loan moved = std::move(first);
  moved = std::move(second);  // what was `first` is free again

  auto third = publisher_.Loan();

  EXPECT_TRUE(third.ok()) << third.status();
  EXPECT_FALSE(publisher_.Loan().ok());
}

TEST_F(Loans, AMovedFromOneCannotBePublished) {
  auto loan = *publisher_.Loan();
  Loan moved = std::move(loan);

  EXPECT_EQ(publisher_.PublishRaw(std::move(loan), Codec::kBytes).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(Loans, OneOfAnotherPublisherIsRefused) {
  Publisher other = OpenPublisher(spec_);
  auto loan = *other.Loan();
  ASSERT_TRUE(loan.Raw(1).ok());

  EXPECT_EQ(publisher_.PublishRaw(std::move(loan), Codec::kBytes).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(subscriber_.TryTake()->has_value());
}

TEST_F(Loans, SurviveTheMoveOfTheirPublisher) {
  auto loan = *publisher_.Loan();
  *(*loan.Raw(1)) = 'm';
  Publisher moved = std::move(publisher_);

  ASSERT_TRUE(moved.PublishRaw(std::move(loan), Codec::kBytes).ok());

  EXPECT_EQ(*(*subscriber_.Take(absl::ZeroDuration())).data(), 'm');
}

TEST_F(Loans, ABuilderBeginsAnewInEveryOne) {
  auto publisher = *CameraPublisher::Open(PublisherHere());
  auto subscriber = *CameraSubscriber::Open(SubscriberHere());
  {
    auto dropped = *publisher.Loan();
    test::CreateImageOf(dropped.builder(), 100'000);
  }
  auto loan = *publisher.Loan();
  EXPECT_EQ(loan.builder().GetSize(), 0u);

  const auto root = test::CreateImageOf(loan.builder(), 10);
  ASSERT_TRUE(publisher.Publish(std::move(loan), root).ok());

  EXPECT_EQ((*subscriber.Take(absl::ZeroDuration()))->data()->size(), 10u);
}

}  // namespace
}  // namespace shmcomm
