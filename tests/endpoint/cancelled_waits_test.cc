// SPDX-License-Identifier: Apache-2.0
// Cancelling from another thread ends every kind of wait, those of a message and those of room, asleep or looking.
#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "support/all_patterns.h"

namespace shmcomm::test {
namespace {

const absl::Duration kForever = absl::InfiniteDuration();

/// What `wait` answers when another thread cancels `endpoint`, as it waits or just before.
template <class Endpoint>
absl::Status EndedBy(Endpoint& endpoint, const std::function<absl::Status()>& wait) {
  std::thread canceller([&] { endpoint.Cancel(); });
  absl::Status ended = wait();
  canceller.join();
  return ended;
}

class CancelledWait : public AllPatternsTest {
 protected:
  template <class Taker>
  static void ExpectCancelled(Taker& taker) {
    EXPECT_TRUE(absl::IsCancelled(EndedBy(taker, [&] { return taker.Wait(kForever).status(); })));
    EXPECT_TRUE(absl::IsCancelled(taker.Wait(absl::ZeroDuration()).status())) << "it stays so";
    EXPECT_TRUE(absl::IsCancelled(taker.Take(kForever).status()));
  }
};

TEST_F(CancelledWait, OfASubscriber) {
  for (const absl::Duration spin : {absl::ZeroDuration(), kForever}) {
    auto subscriber = Subscriber::Open(NumbersSpec(), SubscriberHere(spin));
    ASSERT_TRUE(subscriber.ok()) << subscriber.status();
    ExpectCancelled(*subscriber);
  }
}

TEST_F(CancelledWait, OfAPuller) {
  for (const absl::Duration spin : {absl::ZeroDuration(), kForever}) {
    PullerOptions options = PullerHere();
    options.spin = spin;
    auto puller = Puller::Open(JobsSpec(), options);
    ASSERT_TRUE(puller.ok()) << puller.status();
    ExpectCancelled(*puller);
  }
}

TEST_F(CancelledWait, OfAReplier) {
  Replier replier = OpenReplier(SumsSpec());

  ExpectCancelled(replier);
}

TEST_F(CancelledWait, OfAPublisherForRoom) {
  ChannelSpec spec = NumbersSpec();
  spec.qos.reliability = Reliability::kReliable;
  spec.qos.capacity = 1;
  Publisher publisher = OpenPublisher(spec);
  Subscriber subscriber = OpenSubscriber(spec);
  ASSERT_TRUE(Send(publisher, 1).ok());

  EXPECT_TRUE(absl::IsCancelled(EndedBy(publisher, [&] { return publisher.WaitForRoom(kForever).status(); })));

  EXPECT_EQ(TakeValues(subscriber), Range(1, 2));
}

TEST_F(CancelledWait, IsNotNeededWhereAMessageComesAfterMissedDeadlines) {
  ChannelSpec spec = NumbersSpec();
  spec.qos.deadline_ns = 500'000;
  Publisher publisher = OpenPublisher(spec);
  Subscriber subscriber = OpenSubscriber(spec);
  ASSERT_TRUE(Send(publisher, 1).ok());
  ASSERT_EQ(TakeValues(subscriber), Range(1, 2));
  std::thread sender([&] {
    while (publisher.stats().deadlines_missed < 3) std::this_thread::yield();
    EXPECT_TRUE(Send(publisher, 2).ok());
  });

  const auto sample = subscriber.Take(kForever);
  sender.join();

  ASSERT_TRUE(sample.ok()) << sample.status();
  EXPECT_EQ(test::ValueOf(*sample), 2u);
  EXPECT_GE(subscriber.stats().deadlines_missed, 1u);
}

}  // namespace
}  // namespace shmcomm::test
