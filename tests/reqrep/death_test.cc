// SPDX-License-Identifier: Apache-2.0
// Real processes that are killed in the middle of a call: their callers are told, and nothing of them stays.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

#include "support/forked_child.h"
#include "support/reqrep_channels.h"
#include "support/start.h"

namespace shmcomm::test {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

ChannelSpec IdempotentSpec() {
  ChannelSpec spec = SumsSpec();
  spec.qos.idempotent = true;
  return spec;
}

class Death : public ReqRepTest {
 protected:
  /// A replier in a process of its own that has taken a request, and perhaps answered it.
  void TakeOneAndStay(const ChannelSpec& spec, const StayingChild::Stay& stay) const {
    auto replier = Replier::Open(spec, ReplierHere());
    if (!replier.ok()) return;
    auto request = replier->Take(absl::InfiniteDuration());
    if (request.ok()) stay();
  }
};

TEST_F(Death, OfAReplierAtTheRequestIsToldAtOnce) {
  RequesterOptions options = RequesterHere();
  options.wait_for_replier = true;
  auto requester = Requester::Open(SumsSpec(), options);
  const auto call = SendNumber(*requester, 1, absl::InfiniteDuration());   // nothing but the death can end it
  StayingChild replier([this](const auto& stay) { TakeOneAndStay(SumsSpec(), stay); });
  ASSERT_TRUE(replier.is_there());
  ASSERT_FALSE((*requester->TryReceive(*call)).has_value());

  replier.Kill();
  const auto reply = requester->Receive(*call);

  EXPECT_TRUE(absl::IsUnavailable(reply.status())) << reply.status();
  EXPECT_THAT(std::string(reply.status().message()), HasSubstr("died at the request, which may have been executed"));
  EXPECT_TRUE(MaybeExecuted(reply.status()));
  EXPECT_FALSE(IsFromReplier(reply.status()));
  EXPECT_EQ(requester->stats().died, 1u);
}

TEST_F(Death, OfAReplierThatOthersCleanUpAfterIsToldJustAsWell) {
  RequesterOptions options = RequesterHere();
  options.wait_for_replier = true;
  auto requester = Requester::Open(SumsSpec(), options);
  const auto call = SendNumber(*requester, 1, absl::InfiniteDuration());
  StayingChild dead([this](const auto& stay) { TakeOneAndStay(SumsSpec(), stay); });
  ASSERT_TRUE(dead.is_there());

  dead.Kill();
  Replier other = OpenReplier(SumsSpec());

  EXPECT_TRUE(absl::IsUnavailable(requester->Receive(*call).status()));
  EXPECT_FALSE((*other.TryTake()).has_value()) << "it must not be executed a second time";
}

TEST_F(Death, OfAReplierGivesAnIdempotentRequestToAnother) {
  RequesterOptions options = RequesterHere();
  options.wait_for_replier = true;
  auto requester = Requester::Open(IdempotentSpec(), options);
  const auto call = SendNumber(*requester, 1, absl::InfiniteDuration());
  StayingChild dead([this](const auto& stay) { TakeOneAndStay(IdempotentSpec(), stay); });
  ASSERT_TRUE(dead.is_there());
  Replier other = OpenReplier(IdempotentSpec());

  dead.Kill();
  auto request = other.Take(kLong);   // finds the dead one by itself
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->attempt(), 1u);
  ASSERT_TRUE(ReplyNumber(*request, 5).ok());

  EXPECT_EQ(ValueOf(requester->Receive(*call)), 5u);
}

TEST_F(Death, OfAReplierAfterItAnsweredTakesNoReplyAway) {
  RequesterOptions options = RequesterHere();
  options.wait_for_replier = true;
  auto requester = Requester::Open(SumsSpec(), options);
  const auto call = SendNumber(*requester, 1, absl::InfiniteDuration());
  StayingChild replier([this](const auto& stay) {
    auto own = Replier::Open(SumsSpec(), ReplierHere());
    auto request = own->Take(absl::InfiniteDuration());
    if (ReplyNumber(*request, 9).ok()) stay();
  });
  ASSERT_TRUE(replier.is_there());

  replier.Kill();
  Replier successor = OpenReplier(SumsSpec());   // on the dead one's line

  EXPECT_EQ(ValueOf(requester->Receive(*call)), 9u);
}

TEST_F(Death, OfTheLastReplierBeforeItBeganIsTold) {
  StayingChild replier([this](const auto& stay) {
    auto own = Replier::Open(SumsSpec(), ReplierHere());
    if (own.ok()) stay();
  });
  ASSERT_TRUE(replier.is_there());
  Requester requester = OpenRequester(SumsSpec());
  const auto call = SendNumber(requester, 1, absl::InfiniteDuration());
  ASSERT_TRUE(call.ok()) << call.status();

  replier.Kill();
  const auto reply = requester.Receive(*call);

  EXPECT_TRUE(absl::IsUnavailable(reply.status())) << reply.status();
  EXPECT_FALSE(MaybeExecuted(reply.status()));
}

TEST_F(Death, OfARequesterLeavesNothing) {
  Replier replier = OpenReplier(SumsSpec());
  StayingChild requester([this](const auto& stay) {
    auto own = Requester::Open(SumsSpec(), RequesterHere());
    for (std::uint64_t i = 0; i < 3; ++i) {
      if (!SendNumber(*own, i, absl::InfiniteDuration()).ok()) return;
    }
    stay();
  });
  ASSERT_TRUE(requester.is_there());
  auto begun = replier.Take(kLong);
  ASSERT_TRUE(begun.ok());

  requester.Kill();
  const Requester other = OpenRequester(SumsSpec());

  EXPECT_FALSE((*replier.TryTake()).has_value()) << "what nobody had begun is taken back";
  EXPECT_TRUE(absl::IsUnavailable(ReplyNumber(*begun, 1)));
  EXPECT_EQ(replier.stats().late, 1u);
  const Requester another = OpenRequester(SumsSpec());   // cleans what the open request kept
  const std::string first = std::to_string(test::NthGeneration(1)), second = std::to_string(test::NthGeneration(2));
  EXPECT_THAT(Files(), UnorderedElementsAre("meta", "ring", "readers", "lock", "pub.2." + first, "reply.2." + first,
                                            AnyOf("pub.1." + second, "pub.3." + first),
                                            AnyOf("reply.1." + second, "reply.3." + first)));
}

TEST_F(Death, OfAllLeavesNothingToTheNext) {
  StayingChild both([this](const auto& stay) {
    auto replier = Replier::Open(SumsSpec(), ReplierHere());
    auto requester = Requester::Open(SumsSpec(), RequesterHere());
    const auto call = SendNumber(*requester, 1, absl::InfiniteDuration());
    auto request = replier->Take(absl::InfiniteDuration());
    if (ReplyNumber(*request, 1).ok()) stay();
  });
  ASSERT_TRUE(both.is_there());
  both.Kill();

  { const Replier replier = OpenReplier(SumsSpec()); }

  EXPECT_TRUE(Files().empty());
}

TEST_F(Death, OfAProcessIsNotItsForkedChildsAffair) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  const auto call = SendNumber(requester, 1, kLong);

  const int refused = ExitStatusOf([&] {
    return absl::IsFailedPrecondition(SendNumber(requester, 2, kLong).status()) &&
                   absl::IsFailedPrecondition(requester.Receive(*call).status()) &&
                   absl::IsFailedPrecondition(replier.TryTake().status())
               ? 0
               : 1;
  });

  EXPECT_EQ(refused, 0);
  AnswerNext(replier);
  EXPECT_EQ(ValueOf(requester.Receive(*call)), 2u);
}

}  // namespace
}  // namespace shmcomm::test
