// SPDX-License-Identifier: Apache-2.0
// Calls in one process: replies find their requests, errors travel, and what nobody waits for is dropped and counted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "shmcomm/typed.h"
#include "support/reqrep_channels.h"
#include "support/start.h"

namespace shmcomm::test {
namespace {

using ::testing::HasSubstr;

class Call : public ReqRepTest {};
class CallsInFlight : public ReqRepTest {};
class Answer : public ReqRepTest {
 protected:
  std::vector<Request> held_;
};
class CallWithoutAReplier : public ReqRepTest {};
class CallThatIsOver : public ReqRepTest {};
class Serving : public ReqRepTest {};

TEST_F(Call, BringsTheReplyToItsRequest) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());

  const auto call = SendNumber(requester, 41, kLong);
  AnswerNext(replier);
  const auto reply = requester.Receive(*call);

  EXPECT_EQ(ValueOf(reply), 42u);
  EXPECT_EQ(requester.stats().sent, 1u);
  EXPECT_EQ(requester.stats().received, 1u);
  EXPECT_EQ(replier.stats().received, 1u);
  EXPECT_EQ(replier.stats().replied, 1u);
}

TEST_F(Call, TellsBothEndsThatTheOtherIsOfThisUser) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());

  EXPECT_FALSE(requester.IsLastReplyFromThisUser());  // there was none
  const auto call = SendNumber(requester, 41, kLong);
  auto request = replier.Take(kLong);
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_TRUE(request->is_from_this_user());
  EXPECT_TRUE(ReplyNumber(*request, 42).ok());
  EXPECT_EQ(ValueOf(requester.Receive(*call)), 42u);

  EXPECT_TRUE(requester.IsLastReplyFromThisUser());
  requester.Close();
  EXPECT_FALSE(requester.IsLastReplyFromThisUser());
}

TEST_F(Call, WorksManyTimesOverTheSamePlaces) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());

  for (std::uint64_t i = 0; i < 500; ++i) {
    const auto call = SendNumber(requester, i, kLong);
    ASSERT_TRUE(call.ok()) << call.status();
    AnswerNext(replier);
    ASSERT_EQ(ValueOf(requester.Receive(*call)), i + 1);
  }
}

TEST_F(Call, WaitsForAReplierInAnotherThread) {
  Requester requester = OpenRequester(SumsSpec());
  Replier replier = OpenReplier(SumsSpec());
  std::thread server([&] {
    for (int i = 0; i < 100; ++i) AnswerNext(replier);
  });

  for (std::uint64_t i = 0; i < 100; ++i) {
    const auto call = SendNumber(requester, i, kLong);
    ASSERT_TRUE(call.ok()) << call.status();
    EXPECT_EQ(ValueOf(requester.Receive(*call)), i + 1);
  }
  server.join();
}

TEST_F(Call, IsGivenToOneOfSeveralRepliers) {
  Requester requester = OpenRequester(SumsSpec());
  Replier first = OpenReplier(SumsSpec());
  Replier second = OpenReplier(SumsSpec());

  const auto one = SendNumber(requester, 1, kLong);
  const auto two = SendNumber(requester, 2, kLong);
  AnswerNext(second);
  AnswerNext(first);

  EXPECT_EQ(ValueOf(requester.Receive(*one)), 2u);
  EXPECT_EQ(ValueOf(requester.Receive(*two)), 3u);
  EXPECT_FALSE((*first.TryTake()).has_value());
  EXPECT_FALSE((*second.TryTake()).has_value());
}

TEST_F(Call, OfOneRequesterIsNotSeenByAnother) {
  Replier replier = OpenReplier(SumsSpec());
  Requester mine = OpenRequester(SumsSpec());
  Requester other = OpenRequester(SumsSpec());

  const auto call = SendNumber(mine, 1, kLong);
  const auto others = SendNumber(other, 10, kLong);
  AnswerNext(replier);
  AnswerNext(replier);

  EXPECT_EQ(ValueOf(mine.Receive(*call)), 2u);
  EXPECT_EQ(ValueOf(other.Receive(*others)), 11u);
}

TEST_F(CallsInFlight, AreReceivedInAnyOrder) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  std::vector<CallId> calls;
  for (std::uint64_t i = 0; i < 4; ++i) calls.push_back(*SendNumber(requester, 10 * i, kLong));

  for (int i = 0; i < 4; ++i) AnswerNext(replier);

  for (const std::uint64_t i : {2u, 3u, 0u, 1u}) EXPECT_EQ(ValueOf(requester.Receive(calls[i])), 10 * i + 1);
}

TEST_F(CallsInFlight, KeepRepliesThatCameOutOfTurnAfterTheRequesterIsGone) {
  Replier replier = OpenReplier(SumsSpec());
  std::optional<Requester> requester = OpenRequester(SumsSpec());
  const auto first = SendNumber(*requester, 1, kLong);
  const auto second = SendNumber(*requester, 2, kLong);
  AnswerNext(replier);
  AnswerNext(replier);

  auto in_place = requester->Receive(*second);
  auto copied = requester->Receive(*first);
  requester.reset();

  EXPECT_EQ(ValueOf(in_place), 3u);
  EXPECT_EQ(ValueOf(copied), 2u);
}

TEST_F(CallsInFlight, AreLimited) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  std::vector<CallId> calls;
  for (int i = 0; i < 4; ++i) calls.push_back(*SendNumber(requester, 1, kLong));

  const auto refused = SendNumber(requester, 1, kLong);

  EXPECT_TRUE(absl::IsResourceExhausted(refused.status()));
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("4 of 4 calls are unanswered"));
  EXPECT_TRUE(absl::IsResourceExhausted(requester.WaitForRoom(absl::InfiniteDuration()).status()));  // it would wait for itself
  requester.Forget(calls[2]);
  EXPECT_TRUE(SendNumber(requester, 1, kLong).ok());
}

TEST_F(CallsInFlight, WithoutRoomAreToldWhoseRequestHoldsTheRingAndWhoHasIt) {
  ChannelSpec spec = SumsSpec();
  spec.qos.on_full = OnFull::kFail;
  Replier replier = OpenReplier(spec);
  Requester slow = OpenRequester(spec);
  Requester requester = OpenRequester(spec);
  ASSERT_TRUE(SendNumber(slow, 1, kLong).ok());
  absl::StatusOr<Request> oldest = replier.Take(kLong);
  ASSERT_TRUE(oldest.ok());
  for (int i = 0; i < 15; ++i) {
    const auto call = SendNumber(requester, 2, kLong);
    AnswerNext(replier);
    ASSERT_TRUE(requester.Receive(*call).ok());
  }

  const auto refused = SendNumber(requester, 3, kLong);
  ASSERT_TRUE(ReplyNumber(*oldest, 0).ok());
  const auto sent = SendNumber(requester, 3, kLong);

  const std::string pid = "pid " + std::to_string(getpid());
  EXPECT_TRUE(absl::IsResourceExhausted(refused.status()));
  const std::string text(refused.status().message());
  EXPECT_THAT(text, HasSubstr("test/sums: ring full, 16 of 16 not free: the oldest request is not over; requester " + pid));
  EXPECT_THAT(text, HasSubstr("sent it, replier " + pid));
  EXPECT_THAT(text, HasSubstr("has it\n  options: end that request (or that replier), a larger capacity"));
  EXPECT_TRUE(sent.ok()) << sent.status();
}

TEST_F(CallsInFlight, GiveUpTheirPlaceWhenTheirTimeIsOver) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(SendNumber(requester, 1, absl::Nanoseconds(1)).ok());

  EXPECT_TRUE(SendNumber(requester, 1, kLong).ok());
  EXPECT_EQ(requester.stats().timed_out, 1u);
}

TEST_F(CallsInFlight, MayBeLimitedFurtherButNotLess) {
  RequesterOptions options = RequesterHere();
  options.max_in_flight = 1;
  Replier replier = OpenReplier(SumsSpec());
  auto narrow = Requester::Open(SumsSpec(), options);
  ASSERT_TRUE(narrow.ok()) << narrow.status();
  ASSERT_TRUE(SendNumber(*narrow, 1, kLong).ok());

  EXPECT_TRUE(absl::IsResourceExhausted(SendNumber(*narrow, 1, kLong).status()));
  options.max_in_flight = 5;
  EXPECT_TRUE(absl::IsInvalidArgument(Requester::Open(SumsSpec(), options).status()));
}

TEST_F(Answer, MayBeAnErrorWithItsMessage) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  const auto call = SendNumber(requester, 1, kLong);

  auto request = replier.Take(kLong);
  EXPECT_TRUE(request->Fail(absl::OutOfRangeError("one is too small")).ok());
  const auto reply = requester.Receive(*call);

  EXPECT_EQ(reply.status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(reply.status().message(), "one is too small");
  EXPECT_TRUE(IsFromReplier(reply.status()));
  EXPECT_TRUE(MaybeExecuted(reply.status()));
}

TEST_F(Answer, ThatIsMissingIsSaidWhenTheRequestIsDropped) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  const auto call = SendNumber(requester, 1, kLong);

  { auto request = replier.Take(kLong); }

  EXPECT_EQ(requester.Receive(*call).status().code(), absl::StatusCode::kAborted);
}

TEST_F(Answer, IsGivenOnce) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  const auto call = SendNumber(requester, 1, kLong);
  auto request = replier.Take(kLong);
  ASSERT_TRUE(ReplyNumber(*request, 5).ok());

  EXPECT_TRUE(request->is_answered());
  EXPECT_TRUE(absl::IsFailedPrecondition(ReplyNumber(*request, 6)));
  EXPECT_TRUE(absl::IsFailedPrecondition(request->Fail(absl::AbortedError("no"))));
  EXPECT_TRUE(absl::IsFailedPrecondition(request->ReplyLoan().status()));
  EXPECT_EQ(ValueOf(requester.Receive(*call)), 5u);
}

TEST_F(Answer, ThatIsTooLargeLeavesTheRequestOpen) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  const auto call = SendNumber(requester, 1, kLong);
  auto request = replier.Take(kLong);
  const std::vector<std::uint8_t> large(4096);   // the slots of replies have room for an error's text, at least

  EXPECT_TRUE(absl::IsOutOfRange(request->ReplyCopy(large.data(), large.size(), Codec::kBytes)));
  EXPECT_FALSE(request->is_answered());
  EXPECT_TRUE(ReplyNumber(*request, 6).ok());
  EXPECT_EQ(ValueOf(requester.Receive(*call)), 6u);
}

TEST_F(Answer, AfterTheCallerGaveUpIsDroppedAndSaidSo) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  const auto call = SendNumber(requester, 1, absl::Milliseconds(1));
  auto request = replier.Take(kLong);

  const auto reply = requester.Receive(*call);

  EXPECT_TRUE(absl::IsDeadlineExceeded(reply.status())) << reply.status();
  EXPECT_TRUE(MaybeExecuted(reply.status()));
  EXPECT_TRUE(absl::IsDeadlineExceeded(ReplyNumber(*request, 1)));
  EXPECT_EQ(replier.stats().late, 1u);
  EXPECT_EQ(requester.stats().timed_out, 1u);
}

TEST_F(Answer, WhoseSlotIsRefusedBecauseTheCallerGaveUpIsOver) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  for (std::uint64_t i = 1; i <= 10; ++i) {   // more than may be open at once
    const auto call = SendNumber(requester, 1, kLong);
    auto request = replier.Take(kLong);
    ASSERT_TRUE(request.ok()) << request.status();
    requester.Forget(*call);

    EXPECT_TRUE(absl::IsDeadlineExceeded(request->ReplyLoan().status()));
    EXPECT_TRUE(request->is_answered());
    EXPECT_TRUE(absl::IsFailedPrecondition(ReplyNumber(*request, 1)));
    EXPECT_EQ(replier.stats().late, i);
    held_.push_back(*std::move(request));
  }
}

TEST_F(Answer, WhoseSlotIsRefusedBecauseTheRequesterLeftIsOverAndMayBeTheLast) {
  auto replier = std::make_unique<Replier>(OpenReplier(SumsSpec()));
  auto requester = std::make_unique<Requester>(OpenRequester(SumsSpec()));
  const auto call = SendNumber(*requester, 1, kLong);
  auto request = replier->Take(kLong);
  ASSERT_TRUE(request.ok()) << request.status();
  requester.reset();
  replier.reset();

  const absl::Status refused = request->ReplyLoan().status();

  EXPECT_TRUE(absl::IsDeadlineExceeded(refused) || absl::IsUnavailable(refused)) << refused;
  EXPECT_TRUE(request->is_answered());
  EXPECT_TRUE(Files().empty());
}

TEST_F(Answer, ThatIsOnItsWayWhenTheCallIsForgottenIsCountedAsLate) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  const auto forgotten = SendNumber(requester, 1, kLong);
  AnswerNext(replier);

  requester.Forget(*forgotten);
  const auto call = SendNumber(requester, 2, kLong);
  AnswerNext(replier);

  EXPECT_EQ(ValueOf(requester.Receive(*call)), 3u);
  EXPECT_EQ(requester.stats().late, 1u);
}

TEST_F(Answer, ToARequesterThatHasClosedSaysSo) {
  Replier replier = OpenReplier(SumsSpec());
  std::optional<Requester> requester = OpenRequester(SumsSpec());
  const auto call = SendNumber(*requester, 1, kLong);
  auto request = replier.Take(kLong);

  requester.reset();

  const absl::Status answered = ReplyNumber(*request, 1);
  EXPECT_TRUE(absl::IsDeadlineExceeded(answered) || absl::IsUnavailable(answered)) << answered;
}

TEST_F(Answer, FillsNoRingThatItsRequesterLeavesUnread) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());

  for (std::uint64_t i = 0; i < 100; ++i) {
    const auto call = SendNumber(requester, i, kLong);
    ASSERT_TRUE(call.ok()) << call.status();
    AnswerNext(replier);
    requester.Forget(*call);
  }
  const auto call = SendNumber(requester, 7, kLong);
  AnswerNext(replier);

  EXPECT_EQ(ValueOf(requester.Receive(*call)), 8u);
  EXPECT_EQ(requester.stats().late, 100u);
}

TEST_F(CallWithoutAReplier, FailsAtOnce) {
  Requester requester = OpenRequester(SumsSpec());

  const auto call = SendNumber(requester, 1, kLong);

  EXPECT_TRUE(absl::IsUnavailable(call.status()));
  EXPECT_THAT(std::string(call.status().message()),
              HasSubstr("no replier is attached, so the request was not executed; start one, or open the requester with wait_for_replier"));
  EXPECT_FALSE(MaybeExecuted(call.status()));
}

TEST_F(CallWithoutAReplier, WaitsForOneByChoice) {
  RequesterOptions options = RequesterHere();
  options.wait_for_replier = true;
  auto requester = Requester::Open(SumsSpec(), options);
  ASSERT_TRUE(requester.ok());

  const auto call = SendNumber(*requester, 1, kLong);
  Replier replier = OpenReplier(SumsSpec());
  AnswerNext(replier);

  EXPECT_EQ(ValueOf(requester->Receive(*call)), 2u);
}

TEST_F(CallWithoutAReplier, ThatWaitsIsNotExecutedLaterWhenItsTimeIsOver) {
  RequesterOptions options = RequesterHere();
  options.wait_for_replier = true;
  auto requester = Requester::Open(SumsSpec(), options);
  const auto call = SendNumber(*requester, 1, absl::Milliseconds(1));

  const auto reply = requester->Receive(*call);
  Replier replier = OpenReplier(SumsSpec());

  EXPECT_TRUE(absl::IsDeadlineExceeded(reply.status()));
  EXPECT_FALSE(MaybeExecuted(reply.status()));
  EXPECT_FALSE((*replier.TryTake()).has_value());
}

TEST_F(CallWithoutAReplier, FailsWhenTheLastOneLeavesBeforeItBegins) {
  std::optional<Replier> replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  const auto call = SendNumber(requester, 1, kLong);

  replier.reset();
  const auto reply = requester.Receive(*call);

  EXPECT_TRUE(absl::IsUnavailable(reply.status())) << reply.status();
  EXPECT_FALSE(MaybeExecuted(reply.status()));
}

TEST_F(CallWithoutAReplier, CanBeKeptFromHappeningByWaitingFirst) {
  Requester requester = OpenRequester(SumsSpec());
  EXPECT_FALSE(*requester.WaitForReplier(absl::Milliseconds(1)));

  std::optional<Replier> replier;
  std::thread late([&] { replier = OpenReplier(SumsSpec()); });
  EXPECT_TRUE(*requester.WaitForReplier(kLong));
  late.join();
}

TEST_F(CallThatIsOver, IsNotKnownAnyMore) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  const auto call = SendNumber(requester, 1, kLong);
  AnswerNext(replier);
  ASSERT_TRUE(requester.Receive(*call).ok());

  EXPECT_TRUE(absl::IsInvalidArgument(requester.Receive(*call).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(requester.TryReceive(CallId{0}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(requester.TryReceive(CallId{77}).status()));
}

TEST_F(Call, NeedsAChannelOfItsPattern) {
  EXPECT_TRUE(absl::IsInvalidArgument(Requester::Open(NumbersSpec(), RequesterHere()).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Replier::Open(NumbersSpec(), ReplierHere()).status()));
}

TEST_F(Call, LeavesNoFilesBehind) {
  {
    Replier replier = OpenReplier(SumsSpec());
    Requester requester = OpenRequester(SumsSpec());
    const auto call = SendNumber(requester, 1, kLong);
    AnswerNext(replier);
    ASSERT_TRUE(requester.Receive(*call).ok());
    const std::string first = "1." + std::to_string(test::NthGeneration(1));
    EXPECT_THAT(Files(), ::testing::UnorderedElementsAre("meta", "ring", "readers", "lock", "pub." + first, "reply." + first));
    requester.Close();
    EXPECT_THAT(Files(), ::testing::UnorderedElementsAre("meta", "ring", "readers", "lock"));
  }
  EXPECT_TRUE(Files().empty());
}

TEST_F(Call, FindsTheSuccessorOfARequesterThatLeft) {
  Replier replier = OpenReplier(SumsSpec());
  for (std::uint64_t i = 0; i < 3; ++i) {
    Requester requester = OpenRequester(SumsSpec());
    const auto call = SendNumber(requester, i, kLong);
    AnswerNext(replier);
    EXPECT_EQ(ValueOf(requester.Receive(*call)), i + 1);
  }
}

TEST_F(Serving, IsSharedByManyForManyRequesters) {
  constexpr int kRepliers = 3, kRequesters = 4;
  constexpr std::uint64_t kCalls = 200;
  std::vector<Replier> repliers;
  for (int i = 0; i < kRepliers; ++i) repliers.push_back(OpenReplier(SumsSpec()));
  std::vector<std::thread> servers, clients;
  for (Replier& replier : repliers) {
    servers.emplace_back([&replier] {
      for (;;) {
        auto request = replier.Take(absl::InfiniteDuration());
        if (!request.ok()) return;
        ReplyNumber(*request, NumberIn(request->data()) + 1).IgnoreError();
      }
    });
  }
  for (int i = 0; i < kRequesters; ++i) {
    clients.emplace_back([this, i] {
      Requester requester = OpenRequester(SumsSpec());
      for (std::uint64_t n = 0; n < kCalls; ++n) {
        const auto first = SendNumber(requester, 1000 * i + n, kLong);
        const auto second = SendNumber(requester, 1000 * i + n + 500, kLong);
        ASSERT_TRUE(first.ok() && second.ok());
        EXPECT_EQ(ValueOf(requester.Receive(*second)), 1000 * i + n + 501);
        EXPECT_EQ(ValueOf(requester.Receive(*first)), 1000 * i + n + 1);
      }
    });
  }
  for (std::thread& client : clients) client.join();
  std::uint64_t served = 0;
  for (int i = 0; i < kRepliers; ++i) {
    repliers[i].Cancel();
    servers[i].join();
    served += repliers[i].stats().replied;
  }

  EXPECT_EQ(served, 2 * kRequesters * kCalls);
}

}  // namespace
}  // namespace shmcomm::test
