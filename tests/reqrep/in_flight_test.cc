// SPDX-License-Identifier: Apache-2.0
// What a requester keeps of its calls: replies it came for out of turn, those it has no hands left for, places that are taken.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "support/channel_memory.h"
#include "support/forked_child.h"
#include "support/reqrep_channels.h"
#include "support/start.h"

namespace shmcomm::test {
namespace {

using ::testing::HasSubstr;

ChannelSpec SpecWith(std::uint32_t max_in_flight) {
  ChannelSpec spec = SumsSpec();
  spec.qos.max_in_flight = max_in_flight;
  return spec;
}

class InFlight : public ReqRepTest {
 protected:
  static CallId Answered(Requester& requester, Replier& replier, std::uint64_t value) {
    const CallId call = *SendNumber(requester, value, kLong);
    AnswerNext(replier);
    return call;
  }
};

TEST_F(InFlight, ManyRepliesAreKeptThatNobodyHasReceived) {
  Replier replier = OpenReplier(SpecWith(12));
  Requester requester = OpenRequester(SpecWith(12));
  std::vector<CallId> calls;
  for (std::uint64_t i = 0; i < 12; ++i) {
    calls.push_back(Answered(requester, replier, i));
    EXPECT_TRUE(*requester.WaitForReply(calls.back(), kLong));
  }

  for (std::uint64_t i = 0; i < 12; ++i) EXPECT_EQ(ValueOf(requester.Receive(calls[i])), i + 1);
}

TEST_F(InFlight, AReplyStaysWhileItsRequesterHasItsHandsFull) {
  ChannelSpec spec = SpecWith(8);
  spec.qos.max_borrowed = 2;
  Replier replier = OpenReplier(spec);
  Requester requester = OpenRequester(spec);
  std::vector<Sample> held;
  for (std::uint64_t i = 0; i < 2; ++i) held.push_back(*requester.Receive(Answered(requester, replier, i)));
  const CallId call = Answered(requester, replier, 5);

  const absl::Status refused[] = {requester.WaitForReply(call, kLong).status(), requester.TryReceive(call).status(),
                                  requester.Receive(call).status()};
  held.pop_back();

  for (const absl::Status& status : refused) {
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("you hold 2 of 2 borrowed messages"));
  }
  EXPECT_EQ(ValueOf(requester.Receive(call)), 6u);
}

TEST_F(InFlight, ACallWhoseReplyWaitsHoldsItsPlace) {
  Replier replier = OpenReplier(SpecWith(2));
  Requester requester = OpenRequester(SpecWith(2));
  const CallId first = Answered(requester, replier, 1);
  ASSERT_TRUE(*requester.WaitForReply(first, kLong));
  const CallId second = *SendNumber(requester, 2, kLong);

  EXPECT_TRUE(absl::IsResourceExhausted(SendNumber(requester, 3, kLong).status()));

  EXPECT_EQ(ValueOf(requester.Receive(first)), 2u);
  AnswerNext(replier);
  EXPECT_EQ(ValueOf(requester.Receive(second)), 3u);
}

TEST_F(InFlight, TheOldestSettledCallIsNamedWhereverItsPlaceIs) {
  Replier replier = OpenReplier(SpecWith(2));
  Requester requester = OpenRequester(SpecWith(2));
  const CallId first = Answered(requester, replier, 1);
  const CallId second = Answered(requester, replier, 2);
  EXPECT_EQ(ValueOf(requester.Receive(first)), 2u);
  const CallId third = Answered(requester, replier, 3);   // in the place of the first

  EXPECT_EQ(*requester.WaitForAnyReply(kLong), second);

  EXPECT_EQ(ValueOf(requester.Receive(second)), 3u);
  EXPECT_EQ(*requester.WaitForAnyReply(kLong), third);
}

TEST_F(InFlight, ARequestMayBeATableBuiltInALoanOrRawBytes) {
  ChannelSpec spec = BytesSpec(256);
  spec.pattern = Pattern::kReqRep;
  spec.qos.max_reply_size = 256;
  Replier replier = OpenReplier(spec);
  Requester requester = OpenRequester(spec);
  Loan table = *requester.Loan();
  table.builder().Finish(CreateImageOf(table.builder(), 9, 3));
  ASSERT_TRUE(requester.Send(std::move(table), kLong).ok());
  Loan raw = *requester.Loan();
  *raw.Raw(1).value() = 7;
  ASSERT_TRUE(requester.SendRaw(std::move(raw), Codec::kBytes, kLong).ok());

  const auto first = replier.Take(kLong);
  const auto second = replier.Take(kLong);

  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(flatbuffers::GetRoot<Image>(first->data())->data()->size(), 9u);
  EXPECT_EQ(second->size(), 1u);
  EXPECT_EQ(second->data()[0], 7);
}

TEST_F(InFlight, ADeadReplierIsNoReplierToWaitFor) {
  Requester requester = OpenRequester(SumsSpec());
  StayingChild replier([this](const auto& stay) {
    const Replier own = OpenReplier(SumsSpec());
    stay();
  });
  ASSERT_TRUE(replier.is_there());
  EXPECT_TRUE(*requester.WaitForReplier(absl::ZeroDuration()));

  replier.Kill();

  EXPECT_FALSE(*requester.WaitForReplier(absl::ZeroDuration()));
}

TEST_F(InFlight, ACallWhoseAnswerCouldNotBePublishedIsNamedToWhoSleepsForAny) {
  Replier replier = OpenReplier(SumsSpec());
  Requester requester = OpenRequester(SumsSpec());
  EXPECT_EQ(ValueOf(requester.Receive(Answered(requester, replier, 1))), 2u);
  const CallId call = *SendNumber(requester, 2, kLong);
  auto request = replier.Take(kLong);
  const ChannelMemory replies(absl::StrCat(Directory("test%2Fsums"), "/reply.1.", NthGeneration(1)));
  absl::StatusOr<std::optional<CallId>> settled;
  std::thread waiter([&] { settled = requester.WaitForAnyReply(kLong); });
  while (replies.readers.wake->armed.load() == 0) usleep(100);

  replies.ring.head().store(replies.head() + 5 * replies.ring.size);
  const absl::Status answered = ReplyNumber(*request, 3);
  waiter.join();

  EXPECT_TRUE(absl::IsDataLoss(answered)) << answered;
  ASSERT_TRUE(settled.ok()) << settled.status();
  EXPECT_EQ(*settled, call);
  const absl::Status received = requester.Receive(call).status();
  EXPECT_THAT(std::string(received.message()), HasSubstr("the reply was lost"));
}

}  // namespace
}  // namespace shmcomm::test
