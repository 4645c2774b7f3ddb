// SPDX-License-Identifier: Apache-2.0
// Requesters and repliers among many: in a WaitSet, and behind a descriptor.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "shmcomm/typed.h"
#include "shmcomm/wait_set.h"
#include "support/forked_child.h"
#include "support/waiting_calls.h"

namespace shmcomm::test {
namespace {

using ::testing::ElementsAre;

std::vector<WaitSet::Key> Keys(const absl::StatusOr<WaitSet::Ready>& ready) {
  EXPECT_TRUE(ready.ok()) << ready.status();
  return ready.ok() ? std::vector<WaitSet::Key>(ready->begin(), ready->end()) : std::vector<WaitSet::Key>{};
}

bool IsReadable(int descriptor, int timeout_ms) {
  pollfd watched{descriptor, POLLIN, 0};
  return poll(&watched, 1, timeout_ms) == 1;
}

class CallsInAWaitSet : public WaitingForCalls {};
class DescriptorOfCalls : public WaitingForCalls {};

/// With few members, which sleep on their bells, and with many, which sleep through descriptors.
class ManyCallsInAWaitSet : public WaitingForCalls, public ::testing::WithParamInterface<int> {
 protected:
  void AddOthers() { AddOthersTo(set_); }
  void AddOthersTo(WaitSet& set) {
    ChannelSpec spec = NumbersSpec();
    spec.qos.max_subscribers = 32;
    for (int i = 0; i < GetParam(); ++i) {
      others_.push_back(std::make_unique<Subscriber>(OpenSubscriber(spec)));
      ASSERT_TRUE(set.Add(*others_.back()).ok());
    }
  }
  std::vector<std::unique_ptr<Subscriber>> others_;
  WaitSet set_;
};
INSTANTIATE_TEST_SUITE_P(Others, ManyCallsInAWaitSet, ::testing::Values(0, 12));

TEST_P(ManyCallsInAWaitSet, WakeForEveryRequestAndEveryReply) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  AddOthers();
  const WaitSet::Key requests = *set_.Add(replier);
  constexpr std::uint64_t kRounds = 100;
  std::thread server([&] {
    for (std::uint64_t i = 0; i < kRounds; ++i) {
      EXPECT_THAT(Keys(set_.Wait(absl::InfiniteDuration())), ElementsAre(requests));
      auto request = replier.TryTake();
      ASSERT_TRUE(request.ok() && request->has_value());
      EXPECT_TRUE(ReplyNumber(**request, NumberIn((*request)->data()) + 1).ok());
    }
  });
  WaitSet calls;
  AddOthersTo(calls);
  const WaitSet::Key replies = *calls.Add(requester);

  for (std::uint64_t i = 0; i < kRounds; ++i) {
    const auto call = SendNumber(requester, i, absl::InfiniteDuration());
    EXPECT_THAT(Keys(calls.Wait(absl::InfiniteDuration())), ElementsAre(replies));
    const auto reply = requester.TryReceive(*call);
    ASSERT_TRUE(reply.ok() && reply->has_value());
    EXPECT_EQ(NumberIn((*reply)->data()), i + 1);
  }

  server.join();
}

TEST_P(ManyCallsInAWaitSet, AreReadyWhenTheirTimeIsOverOrTheirReplierLeaves) {
  std::optional<Replier> replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  AddOthers();
  const WaitSet::Key key = *set_.Add(requester);
  const auto hasty = SendNumber(requester, 1, absl::Milliseconds(1));

  EXPECT_THAT(Keys(set_.Wait(absl::InfiniteDuration())), ElementsAre(key));
  EXPECT_TRUE(absl::IsDeadlineExceeded(requester.TryReceive(*hasty).status()));
  const auto patient = SendNumber(requester, 1, absl::InfiniteDuration());
  EXPECT_THAT(Keys(set_.Wait(kAMoment)), ElementsAre());
  replier.reset();
  EXPECT_THAT(Keys(set_.Wait(absl::InfiniteDuration())), ElementsAre(key));
  EXPECT_TRUE(absl::IsUnavailable(requester.TryReceive(*patient).status()));
}

TEST_P(ManyCallsInAWaitSet, AreNotReadyForTheReplyToAForgottenCall) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  AddOthers();
  const WaitSet::Key key = *set_.Add(requester);
  const auto forgotten = SendNumber(requester, 1, kLong);
  AnswerNext(replier);
  requester.Forget(*forgotten);

  EXPECT_THAT(Keys(set_.Wait(kAMoment)), ElementsAre());
  const auto call = SendNumber(requester, 2, kLong);
  AnswerNext(replier);
  EXPECT_THAT(Keys(set_.Wait(absl::InfiniteDuration())), ElementsAre(key));
  EXPECT_EQ(requester.stats().late, 1u);
  EXPECT_EQ(ValueOf(requester.Receive(*call)), 3u);
}

TEST_P(ManyCallsInAWaitSet, EndTheWaitWhenClosedByAnotherThread) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  AddOthers();
  ASSERT_TRUE(set_.Add(replier).ok() && set_.Add(requester).ok());
  std::thread closer([&] { requester.Close(); });

  EXPECT_TRUE(IsEnded(set_.Wait(absl::InfiniteDuration()).status()));

  closer.join();
}

TEST_F(CallsInAWaitSet, MayBeTyped) {
  struct SumsChannel {
    using Request = Numbers;
    using Reply = Numbers;
    static const ChannelSpec& Spec() {
      static const ChannelSpec spec = [] {
        ChannelSpec s = SumsSpec();
        s.qos.max_reply_size = sizeof(Numbers);
        s.reply = s.message;
        return s;
      }();
      return spec;
    }
  };
  auto replier = TypedReplier<SumsChannel>::Open(ReplierHere());
  auto requester = TypedRequester<SumsChannel>::Open(RequesterHere());
  WaitSet set;
  const WaitSet::Key requests = *set.Add(*replier);
  const WaitSet::Key replies = *set.Add(*requester);

  const auto call = requester->Send(Numbers{1, {}}, kLong);
  EXPECT_THAT(Keys(set.Wait(kLong)), ElementsAre(requests));
  auto request = *replier->TryTake();
  ASSERT_TRUE(request->Reply(Numbers{2, {}}).ok());
  EXPECT_THAT(Keys(set.Wait(kLong)), ElementsAre(replies));
  EXPECT_EQ(*requester->WaitForAnyReply(kLong), *call);
}

TEST_F(DescriptorOfCalls, OfARequesterIsReadableWhileACallIsSettled) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  const auto descriptor = requester.fd();
  ASSERT_TRUE(descriptor.ok()) << descriptor.status();
  EXPECT_EQ(*requester.fd(), *descriptor);
  EXPECT_FALSE(IsReadable(*descriptor, 0)) << "no call is on its way";

  const auto first = SendNumber(requester, 1, kLong);
  const auto second = SendNumber(requester, 2, kLong);
  AnswerNext(replier);
  AnswerNext(replier);

  EXPECT_TRUE(IsReadable(*descriptor, -1));
  EXPECT_TRUE((*requester.TryReceive(*first)).has_value());
  EXPECT_TRUE(IsReadable(*descriptor, 0)) << "the second is settled, too";
  EXPECT_TRUE((*requester.TryReceive(*second)).has_value());
  EXPECT_FALSE(IsReadable(*descriptor, 0));
}

TEST_F(DescriptorOfCalls, OfARequesterThatWaitsForNothingStaysQuiet) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  const auto call = SendNumber(requester, 1, kLong);
  const int descriptor = *requester.fd();

  requester.Forget(*call);
  EXPECT_FALSE(IsReadable(descriptor, 150)) << "nobody has to look after a call";
}

TEST_F(DescriptorOfCalls, OfARequesterIsQuietBesideALateReplyThatItHasNoHandFor) {
  ChannelSpec spec = SumsSpec();
  spec.qos.max_borrowed = 1;
  spec.qos.idempotent = true;
  Replier replier = OpenReplier(spec);
  Requester requester = OpenRequester(spec);
  const int descriptor = *requester.fd();
  const CallId answered = *SendNumber(requester, 1, kLong);
  AnswerNext(replier);
  const Sample held = *requester.Receive(answered);
  const CallId late = *SendNumber(requester, 2, kLong);
  AnswerNext(replier);
  requester.Forget(late);
  const CallId call = *SendNumber(requester, 3, kLong);
  StayingChild child([&](const auto& stay) {
    Replier dying = OpenReplier(spec);
    if (const auto request = dying.Take(kLong); request.ok()) stay();
  });
  ASSERT_TRUE(child.is_there());
  child.Kill();
  Replier next = OpenReplier(spec);  // cleans, and wakes the requester
  EXPECT_TRUE(IsReadable(descriptor, -1));

  const absl::Status refused = requester.WaitForAnyReply(absl::ZeroDuration()).status();

  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  EXPECT_FALSE(IsReadable(descriptor, 0));
  requester.Forget(call);
}

TEST_F(DescriptorOfCalls, OfARequesterBecomesReadableWhenTheTimeOfACallIsOver) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  const int descriptor = *requester.fd();
  const auto call = SendNumber(requester, 1, absl::Milliseconds(3));

  absl::StatusOr<std::optional<Sample>> reply = std::optional<Sample>();
  while (reply.ok() && !reply->has_value()) {
    EXPECT_TRUE(IsReadable(descriptor, -1));
    reply = requester.TryReceive(*call);
  }

  EXPECT_TRUE(absl::IsDeadlineExceeded(reply.status()));
}

TEST_F(DescriptorOfCalls, OfAReplierIsReadableWhileARequestWaits) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  const auto descriptor = replier.fd();
  ASSERT_TRUE(descriptor.ok()) << descriptor.status();
  EXPECT_FALSE(IsReadable(*descriptor, 0));

  const auto call = SendNumber(requester, 1, kLong);

  EXPECT_TRUE(IsReadable(*descriptor, -1));
  {
    auto request = replier.TryTake();
    ASSERT_TRUE(request.ok() && request->has_value());
    EXPECT_TRUE(ReplyNumber(**request, 2).ok());
  }
  EXPECT_FALSE((*replier.TryTake()).has_value());
  EXPECT_FALSE(IsReadable(*descriptor, 0));
  EXPECT_EQ(ValueOf(requester.Receive(*call)), 2u);
}

TEST_F(DescriptorOfCalls, LeaveNoFilesBehind) {
  {
    Replier replier = OpenReplier(SumsSpec());
    Requester requester = OpenRequester(SumsSpec());
    ASSERT_TRUE(replier.fd().ok() && requester.fd().ok());
  }
  EXPECT_TRUE(Files().empty());
}

}  // namespace
}  // namespace shmcomm::test
