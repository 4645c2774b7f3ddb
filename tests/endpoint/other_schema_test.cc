// SPDX-License-Identifier: Apache-2.0
// A sender whose messages cannot be read as the taker's type: it is said once, its messages are skipped and counted, jobs of
// it are left to others, and what others send is taken as ever.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "support/all_patterns.h"
#include "support/channel_memory.h"
#include "support/start.h"

namespace shmcomm::test {
namespace {

using ::testing::ElementsAre;

const absl::Duration kNoWait = absl::ZeroDuration();

class OtherSchema : public AllPatternsTest {
 protected:
  /// From now on the file of the first sender in `directory` says that it was built from another schema.
  static void Change(const std::string& directory) { ++SlotsMemory(directory, 1, NthGeneration(1)).header().fingerprint; }
};

TEST_F(OtherSchema, OfAPublisherIsSaidOnceAndItsMessagesAreSkipped) {
  Publisher other = OpenPublisher(NumbersSpec());
  Publisher publisher = OpenPublisher(NumbersSpec());
  Subscriber subscriber = OpenSubscriber(NumbersSpec());
  Change(Directory());
  for (std::uint64_t value = 0; value < 6; ++value) ASSERT_TRUE(Send(value % 2 == 0 ? other : publisher, value).ok());

  const absl::Status taken = subscriber.Take(kNoWait).status();

  EXPECT_TRUE(absl::IsFailedPrecondition(taken)) << taken;
  EXPECT_THAT(TakeValues(subscriber), ElementsAre(1, 3, 5));
  EXPECT_EQ(subscriber.stats().incompatible, 3u);
  EXPECT_EQ(subscriber.stats().lost, 0u);
}

TEST_F(OtherSchema, OfAPublisherEndsABatchBeforeItsMessage) {
  Publisher other = OpenPublisher(NumbersSpec());
  Publisher publisher = OpenPublisher(NumbersSpec());
  Subscriber subscriber = OpenSubscriber(NumbersSpec());
  Change(Directory());
  ASSERT_TRUE(Send(other, 0).ok());
  ASSERT_TRUE(absl::IsFailedPrecondition(subscriber.TryTake().status()));
  ASSERT_TRUE(Send(publisher, 1).ok());
  ASSERT_EQ(TakeValues(subscriber).size(), 1u);   // both are known from here on
  for (std::uint64_t value = 2; value < 7; ++value) ASSERT_TRUE(Send(value == 4 ? other : publisher, value).ok());

  EXPECT_EQ(subscriber.TakeMany(6)->size(), 2u);
  EXPECT_EQ(subscriber.TakeMany(6)->size(), 2u);
  EXPECT_EQ(subscriber.stats().incompatible, 2u);
}

TEST_F(OtherSchema, OfAPusherLeavesItsJobsToOthers) {
  Pusher other = OpenPusher(JobsSpec());
  Pusher pusher = OpenPusher(JobsSpec());
  Puller late = OpenPuller(JobsSpec());
  ASSERT_TRUE(PushNumber(other, 7, kNoWait).ok());
  Puller able = OpenPuller(JobsSpec());
  ASSERT_TRUE((*able.TryTake()).has_value());   // it knows the pusher's file as it was
  ASSERT_TRUE(PushNumber(other, 8, kNoWait).ok());
  ASSERT_TRUE(PushNumber(pusher, 9, kNoWait).ok());
  Change(Directory("test%2Fjobs"));

  const absl::Status taken = late.TryTake().status();
  auto next = late.TryTake();

  EXPECT_TRUE(absl::IsFailedPrecondition(taken)) << taken;
  EXPECT_EQ(late.stats().incompatible, 1u);
  ASSERT_TRUE(next.ok() && next->has_value()) << next.status();
  EXPECT_EQ(NumberIn((*next)->data()), 9u);
  auto left = able.TryTake();
  ASSERT_TRUE(left.ok() && left->has_value()) << left.status();
  EXPECT_EQ(NumberIn((*left)->data()), 8u);
  EXPECT_EQ((*left)->attempt(), 0u) << "giving it back is no attempt";
}

TEST_F(OtherSchema, OfARequesterIsToldToIt) {
  Requester requester = OpenRequester(SumsSpec());
  Replier replier = OpenReplier(SumsSpec());
  Change(Directory("test%2Fsums"));
  for (int round = 0; round < 2; ++round) {
    const CallId call = *SendNumber(requester, 7, kLong);

    EXPECT_FALSE((*replier.TryTake()).has_value());

    const absl::Status received = requester.Receive(call).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(received)) << received;
    EXPECT_TRUE(IsFromReplier(received));
  }
  EXPECT_EQ(replier.stats().refused, 2u);
}

TEST_F(OtherSchema, OfAReplierIsSaidOfEachOfItsReplies) {
  Requester requester = OpenRequester(SumsSpec());
  Replier replier = OpenReplier(SumsSpec());
  const CallId first = *SendNumber(requester, 7, kLong);
  const CallId second = *SendNumber(requester, 8, kLong);
  const CallId third = *SendNumber(requester, 9, kLong);
  for (int replies = 0; replies < 3; ++replies) AnswerNext(replier);
  Change(Directory("test%2Fsums") + "/reply.1." + std::to_string(NthGeneration(1)));

  const absl::Status waited = requester.WaitForReply(first, kNoWait).status();
  const absl::Status answers[] = {requester.TryReceive(second).status(), requester.Receive(first).status(),
                                  requester.Receive(third).status()};

  EXPECT_TRUE(absl::IsFailedPrecondition(waited)) << waited;
  for (const absl::Status& answer : answers) {
    EXPECT_TRUE(absl::IsFailedPrecondition(answer)) << answer;
    EXPECT_TRUE(MaybeExecuted(answer));
    EXPECT_FALSE(IsFromReplier(answer));
  }
}

}  // namespace
}  // namespace shmcomm::test
