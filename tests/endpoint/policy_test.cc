// SPDX-License-Identifier: Apache-2.0
// How far a subscriber trusts its publishers: trusted, verify, untrusted.
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "support/test_channels.h"

namespace shmcomm {
namespace {

using test::CameraChannel;
using test::CameraPublisher;
using test::CameraSubscriber;
using ::testing::HasSubstr;

class Policy : public test::EndpointTest {
 protected:
  CameraSubscriber Open(Verify verify) const {
    SubscriberOptions options = SubscriberHere();
    options.verify = verify;
    return *CameraSubscriber::Open(options);
  }
  /// A table whose vector claims 2^31 elements.
  std::string MalformedImage() const {
    flatbuffers::FlatBufferBuilder builder;
    builder.Finish(test::CreateImageOf(builder, 1000));
    std::string bytes(reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize());
    const auto* image = flatbuffers::GetRoot<test::Image>(bytes.data());
    const auto at = reinterpret_cast<const char*>(image->data()) - bytes.data();
    const std::uint32_t count = 1u << 31;
    std::memcpy(bytes.data() + at, &count, sizeof(count));
    return bytes;
  }
  absl::Status SendBytes(const std::string& bytes) {
    return publisher_.raw().PublishCopy(bytes.data(), bytes.size(), Codec::kFlatBuffer);
  }
  absl::Status SendImage(std::size_t bytes) {
    return publisher_.Publish([&](auto& builder) { return test::CreateImageOf(builder, bytes); });
  }

  CameraPublisher publisher_ = *CameraPublisher::Open(PublisherHere());
};

class CheckingPolicy : public Policy, public ::testing::WithParamInterface<Verify> {};
INSTANTIATE_TEST_SUITE_P(Policies, CheckingPolicy, ::testing::Values(Verify::kVerify, Verify::kUntrusted));

TEST_P(CheckingPolicy, AMalformedTableIsSkippedAndSaid) {
  CameraSubscriber subscriber = Open(GetParam());
  ASSERT_TRUE(SendBytes(MalformedImage()).ok());
  ASSERT_TRUE(SendImage(50).ok());

  const absl::Status malformed = subscriber.Take(absl::ZeroDuration()).status();
  const auto good = subscriber.Take(absl::ZeroDuration());

  EXPECT_EQ(malformed.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(malformed.message(), "a message of channel 'front/camera' is no valid robot.Image; skipped");
  ASSERT_TRUE(good.ok()) << good.status();
  EXPECT_EQ((*good)->data()->size(), 50u);
}

TEST_P(CheckingPolicy, TooFewBytesForATableAreDataLoss) {
  CameraSubscriber subscriber = Open(GetParam());
  ASSERT_TRUE(SendBytes("abc").ok());

  EXPECT_EQ(subscriber.TryTake().status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(Policy, EvenATrustedTableHasRoomForItsRoot) {
  CameraSubscriber subscriber = Open(Verify::kTrusted);
  ASSERT_TRUE(SendBytes("abc").ok());

  EXPECT_EQ(subscriber.TryTake().status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(Policy, AVerifiedMessageIsReadInItsSlot) {
  CameraSubscriber subscriber = Open(Verify::kVerify);
  CameraSubscriber second = Open(Verify::kVerify);
  ASSERT_TRUE(SendImage(100).ok());

  const auto image = *subscriber.Take(absl::ZeroDuration());
  const auto again = *second.Take(absl::ZeroDuration());

  EXPECT_EQ(image.raw().data(), again.raw().data());  // one mapping in a process
}

TEST_F(Policy, AnUntrustedMessageIsReadInACopy) {
  CameraSubscriber trusting = Open(Verify::kTrusted);
  CameraSubscriber careful = Open(Verify::kUntrusted);
  ASSERT_TRUE(SendImage(1000).ok());

  const auto in_slot = *trusting.Take(absl::ZeroDuration());
  const auto copied = *careful.Take(absl::ZeroDuration());

  EXPECT_NE(in_slot.raw().data(), copied.raw().data());
  ASSERT_EQ(in_slot.raw().size(), copied.raw().size());
  EXPECT_EQ(std::memcmp(in_slot.raw().data(), copied.raw().data(), copied.raw().size()), 0);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(copied.raw().data() + copied.raw().size()) % 64, 0u);
}

TEST_F(Policy, AnUntrustedCopyDoesNotFollowItsPublishersLaterWrites) {
  CameraSubscriber careful = Open(Verify::kUntrusted);
  auto loan = *publisher_.Loan();
  std::uint8_t* written = nullptr;
  const auto data = loan.builder().CreateUninitializedVector(1000, &written);
  std::memset(written, 1, 1000);
  const auto root = test::CreateImage(loan.builder(), 1, data);
  ASSERT_TRUE(publisher_.Publish(std::move(loan), root).ok());
  const auto image = *careful.Take(absl::ZeroDuration());

  std::memset(written, 2, 1000);

  for (const std::uint8_t byte : *image->data()) ASSERT_EQ(byte, 1);
}

#if !defined(__SANITIZE_THREAD__)  // a race on purpose
TEST_F(Policy, AnUntrustedMessageCannotChangeBetweenCheckAndUse) {
  CameraSubscriber careful = Open(Verify::kUntrusted);
  std::uint64_t valid = 0, refused = 0;
  for (int i = 0; i < 300; ++i) {
    auto loan = *publisher_.Loan();
    std::uint8_t* written = nullptr;
    const auto data = loan.builder().CreateUninitializedVector(1000, &written);
    std::memset(written, 1, 1000);
    volatile std::uint32_t* count = reinterpret_cast<std::uint32_t*>(written) - 1;
    const auto root = test::CreateImage(loan.builder(), 1, data);
    ASSERT_TRUE(publisher_.Publish(std::move(loan), root).ok());
    std::atomic<bool> stop{false};
    std::atomic<bool> runs{false};
    std::thread flipper([&] {
      while (!stop) {
        *count = 0x7FFFFFF0;
        *count = 1000;
        runs = true;
      }
    });
    while (!runs) std::this_thread::yield();
    const auto image = careful.Take(absl::ZeroDuration());
    if (image.ok()) {
      ++valid;
      // Whatever length was verified is the length that is used.
      std::uint64_t sum = 0;
      for (const std::uint8_t byte : *(*image)->data()) sum += byte;
      EXPECT_EQ(sum, 1000u);
    } else {
      ++refused;
      EXPECT_EQ(image.status().code(), absl::StatusCode::kDataLoss);
    }
    stop = true;
    flipper.join();
  }
  EXPECT_EQ(valid + refused, 300u);
}
#endif

TEST_F(Policy, MayOnlyBeStricterThanTheChannels) {
  ChannelSpec spec = test::NumbersSpec();
  spec.qos.verify = Verify::kVerify;
  SubscriberOptions options = SubscriberHere();
  options.verify = Verify::kTrusted;

  EXPECT_EQ(Subscriber::Open(spec, options).status().code(), absl::StatusCode::kInvalidArgument);
  options.verify = Verify::kUntrusted;
  EXPECT_EQ(Subscriber::Open(spec, options)->verify(), Verify::kUntrusted);
  EXPECT_EQ(Subscriber::Open(spec, SubscriberHere())->verify(), Verify::kVerify);
}

/// Numbers as a typed channel.
struct NumbersChannel {
  using Message = test::Numbers;
  static const ChannelSpec& Spec() {
    static const ChannelSpec spec = test::NumbersSpec();
    return spec;
  }
};

TEST_F(Policy, AStructOfAnotherSizeIsDataLoss) {
  auto publisher = *TypedPublisher<NumbersChannel>::Open(PublisherHere());
  auto subscriber = *TypedSubscriber<NumbersChannel>::Open(SubscriberHere());
  ASSERT_TRUE(publisher.raw().PublishCopy("short", 5, Codec::kStruct).ok());
  ASSERT_TRUE(publisher.Publish(test::Numbers{7, {}}).ok());

  EXPECT_EQ(subscriber.Take(absl::ZeroDuration()).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ((*subscriber.Take(absl::ZeroDuration()))->value, 7u);
}

}  // namespace
}  // namespace shmcomm
