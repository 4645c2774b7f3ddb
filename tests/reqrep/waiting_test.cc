// SPDX-License-Identifier: Apache-2.0
// Bounded waits: for the reply of one call or of any, for a request, for room.
#include <gtest/gtest.h>

#include <optional>
#include <thread>
#include <vector>

#include "shmcomm/replier.h"
#include "shmcomm/requester.h"
#include "support/forked_child.h"
#include "support/waiting_calls.h"

namespace shmcomm::test {
namespace {

class WaitingForAReply : public WaitingForCalls {};
class WaitingForAnyReply : public WaitingForCalls {};
class WaitingForARequest : public WaitingForCalls {};
class WaitingForRoom : public WaitingForCalls {};

TEST_F(WaitingForAReply, EndsInVainWhenTheTimeIsOverAndTheCallGoesOn) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  const auto call = SendNumber(requester, 1, kLong);

  EXPECT_FALSE(*requester.WaitForReply(*call, absl::ZeroDuration()));
  EXPECT_FALSE(*requester.WaitForReply(*call, kAMoment));
  AnswerNext(replier);

  EXPECT_TRUE(*requester.WaitForReply(*call, absl::ZeroDuration()));
  EXPECT_EQ(ValueOf(requester.Receive(*call)), 2u);
}

TEST_F(WaitingForAReply, MayBeRepeatedBeforeTheReplyIsReceived) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  const auto call = SendNumber(requester, 1, kLong);
  AnswerNext(replier);

  for (int i = 0; i < 3; ++i) EXPECT_TRUE(*requester.WaitForReply(*call, kLong));

  EXPECT_EQ(ValueOf(requester.Receive(*call)), 2u);
}

TEST_F(WaitingForAReply, EndsWhenItComes) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  const auto call = SendNumber(requester, 1, absl::InfiniteDuration());
  std::thread server([&] { AnswerNext(replier); });

  EXPECT_TRUE(*requester.WaitForReply(*call, absl::InfiniteDuration()));

  server.join();
  EXPECT_EQ(ValueOf(requester.Receive(*call)), 2u);
}

TEST_F(WaitingForAReply, DoesNotEndForTheReplyOfAnother) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  const auto first = SendNumber(requester, 1, kLong);
  const auto second = SendNumber(requester, 10, kLong);
  AnswerNext(replier);

  EXPECT_FALSE(*requester.WaitForReply(*second, kAMoment));
  EXPECT_TRUE(*requester.WaitForReply(*first, absl::ZeroDuration()));

  AnswerNext(replier);
  EXPECT_EQ(ValueOf(requester.Receive(*second)), 11u);
  EXPECT_EQ(ValueOf(requester.Receive(*first)), 2u);
}

TEST_F(WaitingForAReply, EndsWhenTheTimeOfTheCallIsOver) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  const auto call = SendNumber(requester, 1, absl::Milliseconds(1));

  EXPECT_TRUE(*requester.WaitForReply(*call, absl::InfiniteDuration()));
  EXPECT_TRUE(absl::IsDeadlineExceeded(requester.Receive(*call).status()));
}

TEST_F(WaitingForAReply, EndsWhenTheReplierDiesAtTheRequest) {
  RequesterOptions options = RequesterHere();
  options.wait_for_replier = true;
  auto requester = Requester::Open(SumsSpec(), options);
  const auto call = SendNumber(*requester, 1, absl::InfiniteDuration());
  StayingChild replier([this](const auto& stay) {
    auto own = Replier::Open(SumsSpec(), ReplierHere());
    auto request = own->Take(absl::InfiniteDuration());
    if (request.ok()) stay();
  });
  ASSERT_TRUE(replier.is_there());
  EXPECT_FALSE(*requester->WaitForReply(*call, kAMoment));

  replier.Kill();

  EXPECT_TRUE(*requester->WaitForReply(*call, absl::InfiniteDuration()));
  const absl::Status status = requester->Receive(*call).status();
  EXPECT_TRUE(absl::IsUnavailable(status) && MaybeExecuted(status)) << status;
}

TEST_F(WaitingForAReply, EndsWhenTheLastReplierLeaves) {
  std::optional<Replier> replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  const auto call = SendNumber(requester, 1, absl::InfiniteDuration());

  replier.reset();

  EXPECT_TRUE(*requester.WaitForReply(*call, absl::InfiniteDuration()));
  EXPECT_TRUE(absl::IsUnavailable(requester.Receive(*call).status()));
}

TEST_F(WaitingForAReply, KnowsOnlyCallsOnTheirWay) {
  Requester requester = OpenRequester(SumsSpec());

  EXPECT_TRUE(absl::IsInvalidArgument(requester.WaitForReply(CallId{7}, kLong).status()));
}

TEST_F(WaitingForAReply, OfMoreCallsThanMayBeBorrowedKeepsThemAll) {
  ChannelSpec spec = SumsSpec();
  spec.qos.max_in_flight = 8;
  Replier replier = OpenReplier(spec);
  Requester requester = OpenRequester(spec);
  std::vector<CallId> calls;
  for (std::uint64_t i = 0; i < 8; ++i) {
    calls.push_back(*SendNumber(requester, i, kLong));
    AnswerNext(replier);
    EXPECT_TRUE(*requester.WaitForReply(calls.back(), kLong));
  }

  for (std::uint64_t i = 0; i < 8; ++i) EXPECT_EQ(ValueOf(requester.Receive(calls[i])), i + 1);
}

TEST_F(WaitingForAnyReply, NamesTheCallThatIsSettledAndOfSeveralTheOldest) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  const auto first = SendNumber(requester, 1, kLong);
  const auto second = SendNumber(requester, 10, kLong);
  auto one = replier.Take(kLong);
  auto two = replier.Take(kLong);
  EXPECT_FALSE(requester.WaitForAnyReply(kAMoment)->has_value());

  ASSERT_TRUE(ReplyNumber(*two, 11).ok());
  EXPECT_EQ(*requester.WaitForAnyReply(kLong), *second);
  ASSERT_TRUE(ReplyNumber(*one, 2).ok());
  EXPECT_EQ(*requester.WaitForAnyReply(kLong), *first);

  EXPECT_EQ(ValueOf(requester.Receive(*first)), 2u);
  EXPECT_EQ(*requester.WaitForAnyReply(kLong), *second);
  EXPECT_EQ(ValueOf(requester.Receive(*second)), 11u);
  EXPECT_FALSE(requester.WaitForAnyReply(kAMoment)->has_value());
}

TEST_F(WaitingForAnyReply, EndsForTheOneWhoseTimeIsOver) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  const auto patient = SendNumber(requester, 1, kLong);
  const auto hasty = SendNumber(requester, 2, absl::Milliseconds(1));
  ASSERT_TRUE(patient.ok() && hasty.ok());

  EXPECT_EQ(*requester.WaitForAnyReply(absl::InfiniteDuration()), *hasty);
}

TEST_F(WaitingForARequest, IsBoundedAndTakesNothing) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  EXPECT_FALSE(*replier.Wait(kAMoment));
  EXPECT_TRUE(absl::IsDeadlineExceeded(replier.Take(kAMoment).status()));

  const auto call = SendNumber(requester, 1, kLong);

  EXPECT_TRUE(*replier.Wait(kLong));
  AnswerNext(replier);
  EXPECT_EQ(ValueOf(requester.Receive(*call)), 2u);
}

TEST_F(WaitingForARequest, EndsWhenOneComes) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  std::thread caller([&] { EXPECT_TRUE(SendNumber(requester, 1, kLong).ok()); });

  EXPECT_TRUE(*replier.Wait(absl::InfiniteDuration()));

  caller.join();
}

TEST_F(WaitingForRoom, CanBeDoneApartFromSending) {
  RequesterOptions options = RequesterHere();
  options.publish_timeout = absl::ZeroDuration();
  ChannelSpec spec = SumsSpec();
  spec.qos.max_in_flight = 64;
  Replier replier = OpenReplier(spec);
  auto requester = Requester::Open(spec, options);
  ASSERT_TRUE(requester.ok()) << requester.status();
  absl::StatusOr<CallId> call = SendNumber(*requester, 1, kLong);
  for (int i = 0; i < 64 && call.ok(); ++i) call = SendNumber(*requester, 1, kLong);

  ASSERT_TRUE(absl::IsResourceExhausted(call.status())) << call.status();
  EXPECT_FALSE(*requester->WaitForRoom(kAMoment));
  AnswerNext(replier);

  EXPECT_TRUE(*requester->WaitForRoom(kLong));
  EXPECT_TRUE(SendNumber(*requester, 1, kLong).ok());
}

}  // namespace
}  // namespace shmcomm::test
