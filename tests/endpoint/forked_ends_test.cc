// SPDX-License-Identifier: Apache-2.0
// Endpoints of a process in its forked child: every call is refused there, at once, and the parent's go on as if nothing had
// happened.
#include <gtest/gtest.h>

#include <cstdio>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "shmcomm/wait_set.h"
#include "support/all_patterns.h"
#include "support/forked_child.h"

namespace shmcomm::test {
namespace {

const absl::Duration kForever = absl::InfiniteDuration();

/// The number of the first answer that does not say whose the endpoint is, from 1; 0: all do.
int FirstThatIsNotRefused(const std::vector<absl::Status>& answers) {
  int number = 0;
  for (const absl::Status& answer : answers) {
    ++number;
    if (absl::IsFailedPrecondition(answer) && absl::StrContains(answer.message(), "belongs to the parent")) continue;
    std::fprintf(stderr, "answer %d: %s\n", number, answer.ToString().c_str());
    return number;
  }
  return 0;
}

class ForkedEnd : public AllPatternsTest {};

TEST_F(ForkedEnd, OfAPublisherIsRefused) {
  Publisher publisher = OpenPublisher(NumbersSpec());
  Subscriber subscriber = OpenSubscriber(NumbersSpec());
  std::optional<Loan> loan = *publisher.Loan();

  EXPECT_EQ(ExitStatusOf([&] {
              const int first = FirstThatIsNotRefused(
                  {publisher.Loan().status(), publisher.Publish(*std::move(loan)), Send(publisher, 1),
                   publisher.PublishRaw(*std::move(loan), Codec::kStruct), publisher.WaitForRoom(kForever).status()});
              publisher.Close();
              return first;
            }),
            0);

  ASSERT_TRUE(loan->Raw(sizeof(Numbers)).ok());
  EXPECT_TRUE(publisher.PublishRaw(*std::move(loan), Codec::kStruct).ok());
  EXPECT_TRUE(Send(publisher, 7).ok());
  EXPECT_TRUE(subscriber.TryTake()->has_value());
  EXPECT_EQ(TakeValues(subscriber), Range(7, 8));
}

TEST_F(ForkedEnd, OfASubscriberIsRefused) {
  Publisher publisher = OpenPublisher(NumbersSpec());
  Subscriber subscriber = OpenSubscriber(NumbersSpec());
  ASSERT_TRUE(Send(publisher, 7).ok());

  EXPECT_EQ(ExitStatusOf([&] {
              WaitSet set;
              const int first = FirstThatIsNotRefused({subscriber.TryTake().status(), subscriber.TakeLatest().status(),
                                                       subscriber.TakeMany(2).status(), subscriber.Take(kForever).status(),
                                                       subscriber.Wait(kForever).status(), subscriber.fd().status(),
                                                       set.Add(subscriber).status()});
              subscriber.Close();
              return first;
            }),
            0);

  EXPECT_EQ(TakeValues(subscriber), Range(7, 8));
}

TEST_F(ForkedEnd, OfASampleGivesBackNothing) {
  ChannelSpec spec = NumbersSpec();
  spec.qos.max_borrowed = 1;
  Publisher publisher = OpenPublisher(spec);
  Subscriber subscriber = OpenSubscriber(spec);
  ASSERT_TRUE(Send(publisher, 7).ok());
  ASSERT_TRUE(Send(publisher, 8).ok());
  std::optional<Sample> sample = *subscriber.TryTake();

  EXPECT_EQ(ExitStatusOf([&] {
              sample.reset();
              return 0;
            }),
            0);

  EXPECT_TRUE(absl::IsResourceExhausted(subscriber.TryTake().status())) << "the parent still holds it";
  EXPECT_EQ(test::ValueOf(*sample), 7u);
}

TEST_F(ForkedEnd, OfAPusherAndAPullerIsRefused) {
  Pusher pusher = OpenPusher(JobsSpec());
  Puller puller = OpenPuller(JobsSpec());
  std::optional<Loan> loan = *pusher.Loan();
  ASSERT_TRUE(PushNumber(pusher, 7, kForever).ok());
  std::optional<Job> job = *puller.TryTake();

  EXPECT_EQ(ExitStatusOf([&] {
              WaitSet set;
              const int first = FirstThatIsNotRefused(
                  {pusher.Loan().status(), pusher.Push(*std::move(loan), kForever), PushNumber(pusher, 1, kForever),
                   pusher.WaitForRoom(kForever).status(), puller.TryTake().status(), puller.Take(kForever).status(),
                   puller.Wait(kForever).status(), puller.fd().status(), set.Add(puller).status(), job->GiveBack()});
              job.reset();
              pusher.Close();
              puller.Close();
              return first;
            }),
            0);

  EXPECT_TRUE(job->Ack().ok());
  EXPECT_TRUE(PushNumber(pusher, 8, kForever).ok());
  EXPECT_EQ(NumberIn((*puller.TryTake())->data()), 8u);
}

TEST_F(ForkedEnd, OfARequesterIsRefused) {
  Requester requester = OpenRequester(SumsSpec());
  Replier replier = OpenReplier(SumsSpec());
  std::optional<Loan> loan = *requester.Loan();
  const CallId call = *SendNumber(requester, 7, kLong);

  EXPECT_EQ(ExitStatusOf([&] {
              WaitSet set;
              requester.Forget(call);
              const int first = FirstThatIsNotRefused(
                  {requester.Loan().status(), requester.Send(*std::move(loan), kForever).status(),
                   SendNumber(requester, 1, kForever).status(), requester.WaitForRoom(kForever).status(),
                   requester.Receive(call).status(), requester.TryReceive(call).status(),
                   requester.WaitForReply(call, kForever).status(), requester.WaitForAnyReply(kForever).status(),
                   requester.WaitForReplier(kForever).status(), requester.fd().status(), set.Add(requester).status()});
              requester.Close();
              return first;
            }),
            0);

  AnswerNext(replier);
  EXPECT_EQ(ReqRepTest::ValueOf(requester.Receive(call)), 8u);
}

TEST_F(ForkedEnd, OfAReplierIsRefused) {
  Requester requester = OpenRequester(SumsSpec());
  Replier replier = OpenReplier(SumsSpec());
  const CallId call = *SendNumber(requester, 7, kLong);
  std::optional<Request> request = *replier.Take(kLong);
  std::optional<Loan> loan = *request->ReplyLoan();

  EXPECT_EQ(ExitStatusOf([&] {
              WaitSet set;
              const int first = FirstThatIsNotRefused(
                  {replier.TryTake().status(), replier.Take(kForever).status(), replier.Wait(kForever).status(),
                   replier.fd().status(), set.Add(replier).status(), request->ReplyLoan().status(),
                   request->Reply(*std::move(loan)), ReplyNumber(*request, 1), request->Fail(absl::AbortedError("no"))});
              request.reset();
              replier.Close();
              return first;
            }),
            0);

  loan.reset();
  EXPECT_TRUE(ReplyNumber(*request, 8).ok());
  EXPECT_EQ(ReqRepTest::ValueOf(requester.Receive(call)), 8u);
}

}  // namespace
}  // namespace shmcomm::test
