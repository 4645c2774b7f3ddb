// SPDX-License-Identifier: Apache-2.0
// What a broken process left in the memory of a reqrep channel, that of the replies too: a call whose request or reply cannot
// be read ends, and both ends go on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "shmcomm/wait_set.h"
#include "support/channel_memory.h"
#include "support/reqrep_channels.h"
#include "support/start.h"

namespace shmcomm::test {
namespace {

using ::testing::HasSubstr;

class NonsenseCall : public ReqRepTest {
 protected:
  std::string Channel() const { return Directory("test%2Fsums"); }
  std::string Replies() const { return absl::StrCat(Channel(), "/reply.1.", NthGeneration(1)); }
  SlotsMemory RequestSlots() const { return {Channel(), 1, NthGeneration(1)}; }
  /// Sends a request of which something is to be made.
  CallId SendOne() { return *SendNumber(requester_, 7, kLong); }
  void ExpectNextIsAnswered() {
    const CallId call = *SendNumber(requester_, 1, kLong);
    AnswerNext(replier_);
    EXPECT_EQ(ValueOf(requester_.Receive(call)), 2u);
  }
  /// The replier passes over the request, and its caller learns that it is over.
  void ExpectRefused(CallId call) {
    const auto taken = replier_.TryTake();
    ASSERT_TRUE(taken.ok()) << taken.status();
    EXPECT_FALSE(taken->has_value());
    const absl::Status received = requester_.Receive(call).status();
    EXPECT_TRUE(absl::IsUnavailable(received)) << received;
  }

  Replier replier_ = OpenReplier(SumsSpec());
  Requester requester_ = OpenRequester(SumsSpec());
  ChannelMemory memory_{Channel()};
  const ring::Sequence first_ = memory_.head();
};

TEST_F(NonsenseCall, OfAnImpossibleRequesterIsOver) {
  const CallId call = SendOne();
  memory_.LayEntry(first_, 0, 0);

  ExpectRefused(call);
  ExpectNextIsAnswered();
}

TEST_F(NonsenseCall, OfALengthBeyondTheSlotIsRefused) {
  const CallId call = SendOne();
  RequestSlots().HeaderOf(memory_.entry(first_)).message_bytes = std::numeric_limits<std::uint32_t>::max();

  ExpectRefused(call);
  EXPECT_EQ(replier_.stats().refused, 1u);
  ExpectNextIsAnswered();
}

TEST_F(NonsenseCall, OfARequesterThatNeverWasIsRefused) {
  const CallId call = SendOne();
  memory_.LayEntry(first_, 5, 0);
  memory_.ring.publishers[5].generation.store(0);

  ExpectRefused(call);
  EXPECT_EQ(replier_.stats().refused, 1u);
  ExpectNextIsAnswered();
}

TEST_F(NonsenseCall, OfAHintOfTheNextSlotIsNotFollowed) {
  const CallId call = SendOne();
  RequestSlots().HeaderOf(memory_.entry(first_)).next_slot = 60000;

  AnswerNext(replier_);

  EXPECT_EQ(ValueOf(requester_.Receive(call)), 8u);
}

TEST_F(NonsenseCall, OfAClaimOfNoReplierIsNobodysDeath) {
  const CallId call = *SendNumber(requester_, 7, absl::Milliseconds(50));
  const std::uint64_t lap = memory_.ring.Lap(first_);
  memory_.readers.ClaimAt(first_).store(ring::ClaimWord::Make(lap, ring::ClaimState::kClaimed, 0, 200).bits);

  const absl::Status received = requester_.Receive(call).status();

  EXPECT_TRUE(absl::IsDeadlineExceeded(received)) << received;
  EXPECT_THAT(std::string(received.message()), HasSubstr("a replier has begun the request"));
}

TEST_F(NonsenseCall, OfAReplyIsToldAsOneThatWasLost) {
  const CallId call = SendOne();
  const ChannelMemory replies(Replies());
  const ring::Sequence first = replies.head();
  AnswerNext(replier_);
  replies.LayEntry(first, 0, 0);

  const absl::Status received = requester_.Receive(call).status();

  EXPECT_TRUE(absl::IsUnavailable(received)) << received;
  EXPECT_THAT(std::string(received.message()), HasSubstr("the reply was lost"));
  EXPECT_TRUE(MaybeExecuted(received));
  ExpectNextIsAnswered();
}

TEST_F(NonsenseCall, OfAReplyThatAnswersAnotherCallIsLate) {
  const CallId first_call = SendOne();
  const ChannelMemory replies(Replies());
  const ring::Sequence first = replies.head();
  AnswerNext(replier_);
  const SlotsMemory slots(Replies(), 1, NthGeneration(1));
  slots.HeaderOf(replies.entry(first)).correlation = 1000;

  const absl::Status received = requester_.Receive(first_call).status();

  EXPECT_TRUE(absl::IsUnavailable(received)) << received;
  EXPECT_EQ(requester_.stats().late, 1u);
}

TEST_F(NonsenseCall, OfASecondReplyToOneCallIsLate) {
  const CallId call = SendOne();
  const CallId other = *SendNumber(requester_, 20, kLong);
  const ChannelMemory replies(Replies());
  const ring::Sequence first = replies.head();
  AnswerNext(replier_);
  AnswerNext(replier_);
  const SlotsMemory slots(Replies(), 1, NthGeneration(1));
  slots.HeaderOf(replies.entry(first + 1)).correlation = static_cast<std::uint64_t>(call);
  ASSERT_EQ(*requester_.WaitForAnyReply(kLong), call);

  EXPECT_EQ(ValueOf(requester_.Receive(call)), 8u);
  EXPECT_EQ(requester_.stats().late, 1u);
  EXPECT_TRUE(absl::IsUnavailable(requester_.Receive(other).status()));
}

TEST_F(NonsenseCall, OfAnErrorTooShortForItsCodeIsAnUnknownError) {
  const CallId call = SendOne();
  const ChannelMemory replies(Replies());
  const ring::Sequence first = replies.head();
  auto request = replier_.Take(kLong);
  ASSERT_TRUE(request->Fail(absl::NotFoundError("no such sum")).ok());
  const SlotsMemory slots(Replies(), 1, NthGeneration(1));
  slots.HeaderOf(replies.entry(first)).message_bytes = 0;

  const absl::Status received = requester_.Receive(call).status();

  EXPECT_EQ(received.code(), absl::StatusCode::kUnknown) << received;
  EXPECT_TRUE(IsFromReplier(received));
}

TEST_F(NonsenseCall, OfAnErrorWhoseCodeIsNoneIsAnUnknownError) {
  const CallId call = SendOne();
  const ChannelMemory replies(Replies());
  const ring::Sequence first = replies.head();
  auto request = replier_.Take(kLong);
  ASSERT_TRUE(request->Fail(absl::NotFoundError("no such sum")).ok());
  const SlotsMemory slots(Replies(), 1, NthGeneration(1));
  const layout::SlotHeader& header = slots.HeaderOf(replies.entry(first));
  const std::uint32_t code = 1000;
  std::memcpy(reinterpret_cast<std::byte*>(&slots.HeaderOf(replies.entry(first))) - header.message_bytes, &code, sizeof(code));

  const absl::Status received = requester_.Receive(call).status();

  EXPECT_EQ(received.code(), absl::StatusCode::kUnknown) << received;
  EXPECT_EQ(received.message(), "no such sum");
}

TEST_F(NonsenseCall, OfAClaimIsWaitedForAsLongAsTheCallMay) {
  const CallId call = *SendNumber(requester_, 7, absl::Milliseconds(50));
  const std::uint64_t lap = memory_.ring.Lap(first_);
  memory_.readers.ClaimAt(first_).store(ring::ClaimWord::Make(lap, ring::ClaimState::kClaimed, 0, 200).bits);
  replier_.Close();

  const auto early = requester_.WaitForAnyReply(absl::ZeroDuration());
  const auto settled = requester_.WaitForAnyReply(kLong);

  ASSERT_TRUE(early.ok() && settled.ok());
  EXPECT_EQ(*early, std::nullopt) << "somebody seems to be at it";
  EXPECT_EQ(*settled, call);
  EXPECT_TRUE(absl::IsDeadlineExceeded(requester_.Receive(call).status()));
}

TEST_F(NonsenseCall, OfAReplyIsToldAsLateAsAfterAWholeRing) {
  const CallId call = SendOne();
  const ChannelMemory replies(Replies());
  const ring::Sequence first = replies.head();
  AnswerNext(replier_);
  replies.LayEntry(first, 0, 0);
  Requester other = OpenRequester(SumsSpec());
  for (std::uint32_t i = 0; i < memory_.ring.size; ++i) {
    const CallId later = *SendNumber(other, i, kLong);
    AnswerNext(replier_);
    ASSERT_EQ(ValueOf(other.Receive(later)), i + 1);
  }

  const absl::Status received = requester_.Receive(call).status();

  EXPECT_TRUE(absl::IsUnavailable(received)) << received;
  EXPECT_THAT(std::string(received.message()), HasSubstr("the reply was lost"));
}

TEST_F(NonsenseCall, OfAReplyRingKeepsARequestOpenThatAsksForALoan) {
  const CallId call = SendOne();
  auto request = replier_.Take(kLong);
  ASSERT_TRUE(request.ok()) << request.status();
  const MappedFile ring(Replies() + "/ring");
  const std::uint64_t magic = std::exchange(ring.As<layout::RingHeader>().magic, 1);

  EXPECT_TRUE(absl::IsDataLoss(request->ReplyLoan().status()));
  EXPECT_FALSE(request->is_answered());

  ring.As<layout::RingHeader>().magic = magic;
  ASSERT_TRUE(ReplyNumber(*request, 8).ok());
  EXPECT_EQ(ValueOf(requester_.Receive(call)), 8u);
}

TEST_F(NonsenseCall, OfAMissingReplyDirectoryIsARequesterThatIsGone) {
  const CallId call = *SendNumber(requester_, 7, absl::Milliseconds(50));
  auto request = replier_.Take(kLong);
  ASSERT_TRUE(request.ok()) << request.status();
  std::filesystem::remove_all(Replies());

  const absl::Status answered = ReplyNumber(*request, 8);

  EXPECT_TRUE(absl::IsUnavailable(answered)) << answered;
  EXPECT_THAT(std::string(answered.message()), HasSubstr("the requester is gone and the request over"));
  EXPECT_EQ(replier_.stats().late, 1u);
  EXPECT_TRUE(absl::IsUnavailable(requester_.Receive(call).status()));
}

TEST_F(NonsenseCall, OfAReplyRingIsAnErrorOfTheAnswer) {
  const CallId call = *SendNumber(requester_, 7, absl::Milliseconds(50));
  auto request = replier_.Take(kLong);
  ASSERT_TRUE(request.ok()) << request.status();
  {
    const MappedFile ring(Replies() + "/ring");
    ring.As<layout::RingHeader>().magic = 1;
  }

  const absl::Status answered = ReplyNumber(*request, 8);

  EXPECT_TRUE(absl::IsDataLoss(answered)) << answered;
  EXPECT_THAT(std::string(answered.message()), HasSubstr("test/sums"));
  EXPECT_EQ(replier_.stats().errors, 1u);
  EXPECT_TRUE(absl::IsUnavailable(requester_.Receive(call).status()));
}

}  // namespace
}  // namespace shmcomm::test
