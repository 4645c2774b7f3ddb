// SPDX-License-Identifier: Apache-2.0
// What a replier may do with a request and when: once, with an error that is one, as many as it may hold, for who still waits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

#include "support/forked_child.h"
#include "support/reqrep_channels.h"

namespace shmcomm::test {
namespace {

using ::testing::HasSubstr;

class AnswerOnce : public ReqRepTest {};

TEST_F(AnswerOnce, ByALoanIsRefusedAfterAnAnswer) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  const CallId call = *SendNumber(requester, 1, kLong);
  Request request = *replier.Take(kLong);
  ASSERT_TRUE(ReplyNumber(request, 5).ok());

  EXPECT_TRUE(absl::IsFailedPrecondition(request.Reply(*requester.Loan())));
  EXPECT_TRUE(absl::IsFailedPrecondition(request.ReplyRaw(*requester.Loan(), Codec::kStruct)));

  EXPECT_EQ(ValueOf(requester.Receive(call)), 5u);
}

TEST_F(AnswerOnce, WithAnErrorThatIsNoneIsRefusedAndTheRequestStaysOpen) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  const CallId call = *SendNumber(requester, 1, kLong);
  Request request = *replier.Take(kLong);

  const absl::Status refused = request.Fail(absl::OkStatus());

  EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("an answer that is no error is a reply; call Reply"));
  EXPECT_FALSE(request.is_answered());
  EXPECT_TRUE(ReplyNumber(request, 5).ok());
  EXPECT_EQ(ValueOf(requester.Receive(call)), 5u);
}

TEST_F(AnswerOnce, ToARequesterThatClosedAfterAnEarlierAnswerSaysSo) {
  Replier replier = OpenReplier(SumsSpec());
  std::optional<Requester> requester = OpenRequester(SumsSpec());
  const CallId first = *SendNumber(*requester, 1, kLong);
  ASSERT_TRUE(SendNumber(*requester, 2, kLong).ok());
  AnswerNext(replier);
  EXPECT_EQ(ValueOf(requester->Receive(first)), 2u);
  Request request = *replier.Take(kLong);

  requester.reset();

  const absl::Status answered = ReplyNumber(request, 3);
  EXPECT_TRUE(absl::IsDeadlineExceeded(answered) || absl::IsUnavailable(answered)) << answered;
  EXPECT_EQ(replier.stats().late, 1u);
}

class OpenRequests : public ReqRepTest {};

TEST_F(OpenRequests, AreLimitedAndThatIsNoErrorWhileNothingElseLiesThere) {
  ChannelSpec spec = SumsSpec();
  spec.qos.max_borrowed = 1;
  Replier replier = OpenReplier(spec);
  Requester requester = OpenRequester(spec);
  const CallId first = *SendNumber(requester, 1, kLong);
  std::optional<Request> request = *replier.Take(kLong);

  const auto nothing = replier.TryTake();
  const CallId second = *SendNumber(requester, 2, kLong);
  const absl::Status refused[] = {replier.TryTake().status(), replier.Take(kLong).status()};
  ASSERT_TRUE(ReplyNumber(*request, 5).ok());
  AnswerNext(replier);

  ASSERT_TRUE(nothing.ok()) << nothing.status();
  EXPECT_FALSE(nothing->has_value());
  for (const absl::Status& status : refused) {
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("1 of 1 requests are open"));
  }
  EXPECT_EQ(ValueOf(requester.Receive(first)), 5u);
  EXPECT_EQ(ValueOf(requester.Receive(second)), 3u);
}

TEST_F(OpenRequests, OfADeadReplierThatNobodyWaitsForAreNotGivenToAnother) {
  ChannelSpec spec = SumsSpec();
  spec.qos.idempotent = true;
  RequesterOptions options = RequesterHere();
  options.wait_for_replier = true;
  auto requester = *Requester::Open(spec, options);
  const CallId call = *SendNumber(requester, 1, kLong);
  StayingChild dead([&](const auto& stay) {
    Replier own = OpenReplier(spec);
    const auto request = own.Take(absl::InfiniteDuration());
    if (request.ok()) stay();
  });
  ASSERT_TRUE(dead.is_there());
  requester.Forget(call);
  Replier other = OpenReplier(spec);

  dead.Kill();
  const absl::Status taken = other.Take(absl::Milliseconds(250)).status();   // long enough to look after the dead

  EXPECT_TRUE(absl::IsDeadlineExceeded(taken)) << taken;
  EXPECT_EQ(other.stats().late, 1u);
}

}  // namespace
}  // namespace shmcomm::test
