// SPDX-License-Identifier: Apache-2.0
// What is left of an endpoint that was closed or moved away: every call says so, nothing waits, and its place is free.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "shmcomm/wait_set.h"
#include "support/all_patterns.h"

namespace shmcomm::test {
namespace {

const absl::Duration kForever = absl::InfiniteDuration();

MATCHER(SaysItIsClosed, "") {
  *result_listener << arg;
  return absl::IsFailedPrecondition(arg) && arg.message() == "the endpoint is closed; open another one";
}

enum class Left { kByClosing, kByMoving };

template <class Endpoint>
Endpoint LeftOf(Endpoint endpoint, Left how) {
  if (how == Left::kByClosing) {
    endpoint.Close();
  } else {
    const Endpoint elsewhere = std::move(endpoint);
  }
  return endpoint;
}

class ClosedEnd : public AllPatternsTest, public ::testing::WithParamInterface<Left> {
 protected:
  template <class Endpoint>
  static Endpoint LeftOf(Endpoint endpoint) {
    return test::LeftOf(std::move(endpoint), GetParam());
  }
  /// What there is of every role.
  template <class Endpoint>
  static void ExpectClosed(Endpoint& endpoint) {
    endpoint.Cancel();
    endpoint.Close();
    EXPECT_FALSE(endpoint.is_open());
    EXPECT_EQ(endpoint.channel(), "");
  }
  /// What there is of every role that takes.
  template <class Endpoint>
  static void ExpectClosedTaker(Endpoint& endpoint) {
    ExpectClosed(endpoint);
    EXPECT_THAT(endpoint.TryTake().status(), SaysItIsClosed());
    EXPECT_THAT(endpoint.Take(kForever).status(), SaysItIsClosed());
    EXPECT_THAT(endpoint.Wait(kForever).status(), SaysItIsClosed());
    EXPECT_THAT(endpoint.fd().status(), SaysItIsClosed());
    EXPECT_THAT(WaitSet().Add(endpoint).status(), SaysItIsClosed());
    EXPECT_EQ(endpoint.verify(), Verify::kTrusted);
    EXPECT_EQ(endpoint.stats().received, 0u);
  }

  const Numbers numbers_{};
};
INSTANTIATE_TEST_SUITE_P(Left, ClosedEnd, ::testing::Values(Left::kByClosing, Left::kByMoving),
                         [](const auto& info) { return info.param == Left::kByClosing ? "ByClosing" : "ByMoving"; });

TEST_P(ClosedEnd, OfAPublisherSaysSo) {
  Publisher other = OpenPublisher(NumbersSpec());
  Publisher publisher = LeftOf(OpenPublisher(NumbersSpec()));

  ExpectClosed(publisher);
  publisher.SetPublishTimeout(kForever);
  EXPECT_THAT(publisher.Loan().status(), SaysItIsClosed());
  EXPECT_THAT(publisher.Publish(*other.Loan()), SaysItIsClosed());
  EXPECT_THAT(publisher.PublishRaw(*other.Loan(), Codec::kStruct), SaysItIsClosed());
  EXPECT_THAT(publisher.PublishCopy(&numbers_, sizeof(numbers_), Codec::kStruct), SaysItIsClosed());
  EXPECT_THAT(publisher.WaitForRoom(kForever).status(), SaysItIsClosed());
  EXPECT_EQ(publisher.memory(), nullptr);
  EXPECT_EQ(publisher.stats().sent, 0u);
  EXPECT_EQ(other.channel(), "test/numbers");
  EXPECT_TRUE(other.Loan().ok()) << "the loans went back";
}

TEST_P(ClosedEnd, OfASubscriberSaysSo) {
  Publisher publisher = OpenPublisher(NumbersSpec());
  Subscriber other = OpenSubscriber(NumbersSpec());
  Subscriber subscriber = LeftOf(OpenSubscriber(NumbersSpec()));
  ASSERT_TRUE(Send(publisher, 1).ok());
  const auto sample = other.TryTake();

  ExpectClosedTaker(subscriber);
  EXPECT_THAT(subscriber.TakeLatest().status(), SaysItIsClosed());
  EXPECT_THAT(subscriber.TakeMany(2).status(), SaysItIsClosed());
  EXPECT_EQ(subscriber.backlog().limit, 0u);
  EXPECT_TRUE(other.IsFromThisUser(**sample));
  EXPECT_FALSE(subscriber.IsFromThisUser(**sample)) << "it cannot tell any more";
}

TEST_P(ClosedEnd, OfAPusherSaysSo) {
  Pusher other = OpenPusher(JobsSpec());
  Pusher pusher = LeftOf(OpenPusher(JobsSpec()));

  ExpectClosed(pusher);
  EXPECT_THAT(pusher.Loan().status(), SaysItIsClosed());
  EXPECT_THAT(pusher.Push(*other.Loan(), kForever), SaysItIsClosed());
  EXPECT_THAT(pusher.PushRaw(*other.Loan(), Codec::kStruct, kForever), SaysItIsClosed());
  EXPECT_THAT(PushNumber(pusher, 1, kForever), SaysItIsClosed());
  EXPECT_THAT(pusher.WaitForRoom(kForever).status(), SaysItIsClosed());
  EXPECT_EQ(pusher.memory(), nullptr);
  EXPECT_EQ(pusher.stats().sent, 0u);
  EXPECT_NE(other.memory(), nullptr);
  EXPECT_EQ(other.channel(), "test/jobs");
}

TEST_P(ClosedEnd, OfAPullerSaysSo) {
  Pusher pusher = OpenPusher(JobsSpec());
  Puller other = OpenPuller(JobsSpec());
  Puller puller = LeftOf(OpenPuller(JobsSpec()));
  ASSERT_TRUE(PushNumber(pusher, 1, kForever).ok());
  const auto job = other.TryTake();

  ExpectClosedTaker(puller);
  EXPECT_TRUE(other.IsFromThisUser(**job));
  EXPECT_FALSE(puller.IsFromThisUser(**job)) << "it cannot tell any more";
}

TEST_P(ClosedEnd, OfARequesterSaysSo) {
  Requester other = OpenRequester(SumsSpec());
  Requester requester = LeftOf(OpenRequester(SumsSpec()));
  constexpr CallId kCall{1};

  ExpectClosed(requester);
  requester.Forget(kCall);
  EXPECT_THAT(requester.Loan().status(), SaysItIsClosed());
  EXPECT_THAT(requester.Send(*other.Loan(), kForever).status(), SaysItIsClosed());
  EXPECT_THAT(requester.SendRaw(*other.Loan(), Codec::kStruct, kForever).status(), SaysItIsClosed());
  EXPECT_THAT(SendNumber(requester, 1, kForever).status(), SaysItIsClosed());
  EXPECT_THAT(requester.WaitForRoom(kForever).status(), SaysItIsClosed());
  EXPECT_THAT(requester.Receive(kCall).status(), SaysItIsClosed());
  EXPECT_THAT(requester.TryReceive(kCall).status(), SaysItIsClosed());
  EXPECT_THAT(requester.WaitForReply(kCall, kForever).status(), SaysItIsClosed());
  EXPECT_THAT(requester.WaitForAnyReply(kForever).status(), SaysItIsClosed());
  EXPECT_THAT(requester.WaitForReplier(kForever).status(), SaysItIsClosed());
  EXPECT_THAT(requester.fd().status(), SaysItIsClosed());
  EXPECT_FALSE(requester.IsLastReplyFromThisUser());
  EXPECT_EQ(requester.verify(), Verify::kTrusted);
  EXPECT_EQ(requester.stats().sent, 0u);
}

TEST_P(ClosedEnd, OfAReplierSaysSo) {
  Replier replier = LeftOf(OpenReplier(SumsSpec()));

  ExpectClosedTaker(replier);
}

class AssigningOver : public AllPatternsTest {
 protected:
  /// Of two endpoints in a channel with two places for their role.
  template <class Open>
  static void ExpectOnePlaceFree(Open open) {
    auto first = open();
    auto second = open();
    auto& same = first;

    first = std::move(same);
    EXPECT_TRUE(first.is_open()) << "assigning itself closes nothing";
    first = std::move(second);

    EXPECT_TRUE(first.is_open());
    EXPECT_FALSE(second.is_open());
    EXPECT_TRUE(open().is_open()) << "the place of the one assigned over is free";
  }
  static ChannelSpec WithTwoPlaces(ChannelSpec spec) {
    spec.qos.max_publishers = 2;
    spec.qos.max_subscribers = 2;
    return spec;
  }
};

TEST_F(AssigningOver, AnEndpointClosesIt) {
  const ChannelSpec numbers = WithTwoPlaces(NumbersSpec());
  const ChannelSpec jobs = WithTwoPlaces(JobsSpec());
  const ChannelSpec sums = WithTwoPlaces(SumsSpec());

  ExpectOnePlaceFree([&] { return OpenPublisher(numbers); });
  ExpectOnePlaceFree([&] { return OpenSubscriber(numbers); });
  ExpectOnePlaceFree([&] { return OpenPusher(jobs); });
  ExpectOnePlaceFree([&] { return OpenPuller(jobs); });
  ExpectOnePlaceFree([&] { return OpenRequester(sums); });
  ExpectOnePlaceFree([&] { return OpenReplier(sums); });
}

TEST_F(AssigningOver, ALoanAbandonsItUnlessItIsItself) {
  ChannelSpec spec = NumbersSpec();
  spec.qos.max_loans = 2;
  Publisher publisher = OpenPublisher(spec);
  Loan first = *publisher.Loan();
  Loan second = *publisher.Loan();
  Loan& same = first;

  first = std::move(same);
  EXPECT_TRUE(absl::IsResourceExhausted(publisher.Loan().status())) << "both are still lent";
  first = std::move(second);
  EXPECT_TRUE(publisher.Loan().ok());
  second = std::move(first);

  EXPECT_TRUE(absl::IsInvalidArgument(publisher.PublishRaw(std::move(first), Codec::kStruct))) << "nothing is left of it";
  ASSERT_TRUE(second.Raw(sizeof(Numbers)).ok());
  EXPECT_TRUE(publisher.PublishRaw(std::move(second), Codec::kStruct).ok());
}

TEST_F(AssigningOver, ARequestAnswersItThatItWasDroppedUnlessItIsItself) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  const CallId first_call = *SendNumber(requester, 1, kLong);
  const CallId second_call = *SendNumber(requester, 2, kLong);
  Request first = *replier.Take(kLong);
  Request second = *replier.Take(kLong);
  Request& same = first;

  first = std::move(same);
  EXPECT_FALSE(first.is_answered());
  first = std::move(second);
  ASSERT_TRUE(ReplyNumber(first, 20).ok());

  EXPECT_TRUE(absl::IsAborted(requester.Receive(first_call).status()));
  EXPECT_EQ(ValueOf(requester.Receive(second_call)), 20u);
}

}  // namespace
}  // namespace shmcomm::test
