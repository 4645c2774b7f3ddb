// SPDX-License-Identifier: Apache-2.0
// Senders that come and go on one number while a taker stays: what it holds of those who left stays as it is, and what it has
// mapped of them goes once it holds nothing.
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <utility>

#include "support/all_patterns.h"
#include "support/resources.h"

namespace shmcomm::test {
namespace {

const absl::Duration kNoWait = absl::ZeroDuration();
constexpr std::size_t kSuccessors = 5;

class Successors : public AllPatternsTest {
 protected:
  std::size_t Mappings() const { return CountResources(root_.path()).mappings; }
  /// `hold` keeps something in hand, `let_go` gives it back; `come_and_go` opens a sender, lets its message be taken, closes it.
  template <class Hold, class ComeAndGo, class LetGo>
  void ExpectMappedWhileHeld(Hold hold, ComeAndGo come_and_go, LetGo let_go) {
    come_and_go();
    hold();
    const std::size_t at_first = Mappings();
    for (std::size_t i = 0; i < kSuccessors; ++i) come_and_go();
    const std::size_t while_held = Mappings();
    EXPECT_GE(while_held, at_first + kSuccessors - 1) << "whoever holds one may hold any";

    let_go();
    come_and_go();

    EXPECT_LE(Mappings() + kSuccessors - 1, while_held);
  }
};

TEST_F(Successors, OfAPublisherAreForgottenOnceNoSampleIsHeld) {
  Publisher stays = OpenPublisher(NumbersSpec());
  Subscriber subscriber = OpenSubscriber(NumbersSpec());
  std::optional<Sample> held;

  ExpectMappedWhileHeld(
      [&] {
        ASSERT_TRUE(Send(stays, 7).ok());
        held = *subscriber.TryTake();
      },
      [&] {
        // Whoever named it in the ring keeps the number from being given out: its messages are overwritten first.
        Publisher publisher = OpenPublisher(NumbersSpec());
        ASSERT_TRUE(Send(publisher, 8).ok());
        ASSERT_EQ(TakeValues(subscriber), Range(8, 9));
        for (int i = 0; i < 20; ++i) ASSERT_TRUE(Send(stays, 9).ok());
        while ((*subscriber.TryTake()).has_value()) {}
      },
      [&] {
        EXPECT_EQ(test::ValueOf(*held), 7u);
        held.reset();
      });
}

TEST_F(Successors, OfAPusherAreForgottenOnceNoJobIsHeld) {
  Pusher stays = OpenPusher(JobsSpec());
  Puller puller = OpenPuller(JobsSpec());
  std::optional<Job> held;

  ExpectMappedWhileHeld(
      [&] {
        ASSERT_TRUE(PushNumber(stays, 7, kNoWait).ok());
        held = *puller.TryTake();
      },
      [&] {
        Pusher pusher = OpenPusher(JobsSpec());
        ASSERT_TRUE(PushNumber(pusher, 8, kNoWait).ok());
        ASSERT_TRUE((*puller.TryTake()).has_value());
      },
      [&] {
        EXPECT_EQ(NumberIn(held->data()), 7u);
        held.reset();
      });
}

TEST_F(Successors, OfARequesterAreForgottenOnceNoRequestIsOpen) {
  Requester stays = OpenRequester(SumsSpec());
  Replier replier = OpenReplier(SumsSpec());
  std::optional<Request> held;
  CallId call{};
  const auto serve_all = [&] {
    for (auto request = replier.TryTake(); request.ok() && request->has_value(); request = replier.TryTake()) {
      ASSERT_TRUE(ReplyNumber(**request, 8).ok());
    }
  };

  ExpectMappedWhileHeld(
      [&] {
        const CallId before = *SendNumber(stays, 6, kLong);   // for which its replies are mapped
        serve_all();
        EXPECT_EQ(ReqRepTest::ValueOf(stays.Receive(before)), 8u);
        call = *SendNumber(stays, 7, kLong);
        held = *replier.TryTake();
      },
      [&] {
        Requester requester = OpenRequester(SumsSpec());
        const CallId own = *SendNumber(requester, 7, kLong);
        serve_all();
        EXPECT_EQ(ReqRepTest::ValueOf(requester.Receive(own)), 8u);
      },
      [&] {
        ASSERT_TRUE(ReplyNumber(*held, 9).ok());
        EXPECT_EQ(ReqRepTest::ValueOf(stays.Receive(call)), 9u);
        held.reset();
      });
}

}  // namespace
}  // namespace shmcomm::test
