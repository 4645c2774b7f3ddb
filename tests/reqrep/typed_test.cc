// SPDX-License-Identifier: Apache-2.0
// The typed endpoints of reqrep: tables and structs either way, handlers, and what is no valid message.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <utility>

#include "shmcomm/typed.h"
#include "support/reqrep_channels.h"

namespace shmcomm::test {
namespace {

using ::testing::HasSubstr;

/// A struct asks for an image.
struct LookChannel {
  using Request = Numbers;
  using Reply = Image;
  static const ChannelSpec& Spec() {
    static const ChannelSpec spec = [] {
      ChannelSpec s = SumsSpec();
      s.name = "test/look";
      s.qos.max_reply_size = 1u << 20;
      s.qos.timeout_ns = 60'000'000'000;
      s.reply = CameraChannel::Spec().message;
      return s;
    }();
    return spec;
  }
};

/// An image asks for a struct.
struct MeasureChannel {
  using Request = Image;
  using Reply = Numbers;
  static const ChannelSpec& Spec() {
    static const ChannelSpec spec = [] {
      ChannelSpec s = SumsSpec();
      s.name = "test/measure";
      s.qos.max_size = 1u << 20;
      s.qos.max_reply_size = sizeof(Numbers);
      s.qos.timeout_ns = 60'000'000'000;
      s.qos.verify = Verify::kVerify;
      s.reply = s.message;
      s.message = CameraChannel::Spec().message;
      return s;
    }();
    return spec;
  }
};

class TypedCall : public ReqRepTest {
 protected:
  template <class Channel>
  TypedReplier<Channel> OpenTypedReplier() const {
    auto replier = TypedReplier<Channel>::Open(ReplierHere());
    EXPECT_TRUE(replier.ok()) << replier.status();
    return *std::move(replier);
  }
  template <class Channel>
  TypedRequester<Channel> OpenTypedRequester() const {
    auto requester = TypedRequester<Channel>::Open(RequesterHere());
    EXPECT_TRUE(requester.ok()) << requester.status();
    return *std::move(requester);
  }
};

TEST_F(TypedCall, AsksWithAStructAndIsAnsweredWithATable) {
  auto replier = OpenTypedReplier<LookChannel>();
  auto requester = OpenTypedRequester<LookChannel>();
  std::thread server([&] {
    EXPECT_TRUE(replier.Serve([](const Numbers& request, auto& reply) {
      return CreateImageOf(reply, request.value, 9);
    }).ok());
  });

  auto image = requester.Call(Numbers{1000, {}});
  replier.Cancel();
  server.join();

  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ((*image)->data()->size(), 1000u);
  EXPECT_EQ((*image)->data()->Get(999), 9u);
}

TEST_F(TypedCall, AsksWithATableAndIsAnsweredWithAStruct) {
  auto replier = OpenTypedReplier<MeasureChannel>();
  auto requester = OpenTypedRequester<MeasureChannel>();
  std::thread server([&] {
    EXPECT_TRUE(replier.Serve([](const Image& request) { return Numbers{request.data()->size(), {}}; }).ok());
  });

  auto numbers = requester.Call([](auto& fbb) { return CreateImageOf(fbb, 123); }, kLong);
  replier.Cancel();
  server.join();

  ASSERT_TRUE(numbers.ok()) << numbers.status();
  EXPECT_EQ((*numbers)->value, 123u);
}

TEST_F(TypedCall, BringsTheErrorOfTheHandler) {
  auto replier = OpenTypedReplier<LookChannel>();
  auto requester = OpenTypedRequester<LookChannel>();
  std::thread server([&] {
    EXPECT_TRUE(replier.Serve([](const Numbers& request, auto& reply) -> absl::StatusOr<flatbuffers::Offset<Image>> {
      if (request.value > 100) return absl::OutOfRangeError("too much to see");
      return CreateImageOf(reply, request.value);
    }).ok());
  });

  const auto refused = requester.Call(Numbers{1000, {}});
  const auto seen = requester.Call(Numbers{10, {}});
  replier.Cancel();
  server.join();

  EXPECT_EQ(refused.status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(refused.status().message(), "too much to see");
  EXPECT_TRUE(IsFromReplier(refused.status()));
  EXPECT_TRUE(seen.ok()) << seen.status();
}

TEST_F(TypedCall, MayBeSentAndReceivedApart) {
  auto replier = OpenTypedReplier<LookChannel>();
  auto requester = OpenTypedRequester<LookChannel>();
  const auto small = requester.Send(Numbers{10, {}});
  const auto large = requester.Send(Numbers{500'000, {}});
  EXPECT_FALSE((*requester.TryReceive(*small)).has_value());

  for (int i = 0; i < 2; ++i) {
    auto request = replier.Take(kLong);
    ASSERT_TRUE(request.ok());
    EXPECT_TRUE(request->Reply([&](auto& fbb) { return CreateImageOf(fbb, (*request)->value); }).ok());
  }

  EXPECT_EQ((*requester.Receive(*large))->data()->size(), 500'000u);
  EXPECT_EQ((**requester.TryReceive(*small))->data()->size(), 10u);
}

TEST_F(TypedCall, WaitsForRoomApartFromSending) {
  auto replier = OpenTypedReplier<LookChannel>();
  auto requester = OpenTypedRequester<LookChannel>();
  EXPECT_TRUE(*requester.WaitForRoom(absl::ZeroDuration()));
  for (std::uint32_t i = 0; i < LookChannel::Spec().qos.max_in_flight; ++i) ASSERT_TRUE(requester.Send(Numbers{1, {}}).ok());

  EXPECT_TRUE(absl::IsResourceExhausted(requester.WaitForRoom(kLong).status()));
}

TEST_F(TypedCall, EndsAreOpenUntilClosed) {
  auto replier = OpenTypedReplier<LookChannel>();
  auto requester = OpenTypedRequester<LookChannel>();
  EXPECT_TRUE(replier.is_open() && requester.is_open());

  replier.Close();
  requester.Close();

  EXPECT_FALSE(replier.is_open() || requester.is_open());
}

TEST_F(TypedCall, ThatIsNoValidMessageIsRefusedAndToldSo) {
  auto replier = OpenTypedReplier<MeasureChannel>();
  auto requester = OpenTypedRequester<MeasureChannel>();
  const std::uint8_t nonsense[16] = {0xFF, 0xFF, 0xFF, 0x7F, 1, 2, 3, 4};
  const auto call = requester.raw().SendCopy(nonsense, sizeof(nonsense), Codec::kFlatBuffer, kLong);

  EXPECT_TRUE(absl::IsDataLoss(replier.Take(kLong).status()));

  const auto reply = requester.Receive(*call);
  EXPECT_TRUE(absl::IsDataLoss(reply.status())) << reply.status();
  EXPECT_THAT(std::string(reply.status().message()), HasSubstr("is no valid robot.Image"));
}

TEST_F(TypedCall, ThatIsNotTrustedIsCopiedBeforeItIsRead) {
  ReplierOptions replier_options = ReplierHere();
  replier_options.verify = Verify::kUntrusted;
  RequesterOptions requester_options = RequesterHere();
  requester_options.verify = Verify::kUntrusted;
  auto replier = TypedReplier<MeasureChannel>::Open(replier_options);
  auto requester = TypedRequester<MeasureChannel>::Open(requester_options);
  const auto call = requester->Send([](auto& fbb) { return CreateImageOf(fbb, 70); });

  auto request = replier->Take(kLong);
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_TRUE(request->Reply(Numbers{(*request)->data()->size(), {}}).ok());

  EXPECT_EQ((*requester->Receive(*call))->value, 70u);
}

TEST_F(TypedCall, IsRefusedByAReplierBuiltFromAnotherSchema) {
  auto requester = OpenTypedRequester<MeasureChannel>();
  ChannelSpec other = MeasureChannel::Spec();
  other.reply.fingerprint = 77;
  other.reply.name = "test.Others";

  const auto replier = Replier::Open(other, ReplierHere());

  EXPECT_TRUE(absl::IsFailedPrecondition(replier.status()));
  EXPECT_THAT(std::string(replier.status().message()), HasSubstr("'test.Numbers' -> 'test.Others'"));
}

}  // namespace
}  // namespace shmcomm::test
