// SPDX-License-Identifier: Apache-2.0
// Waiting for many endpoints: who is named, in which order, what ends a wait, and that sleepers are woken, with few members
// (their bells) and with many (their wake files).
#include "shmcomm/wait_set.h"

#include <gmock/gmock.h>

#include <string>
#include <thread>
#include <vector>

#include "support/forked_child.h"
#include "support/refused_calls.h"
#include "support/test_channels.h"

namespace shmcomm {
namespace {

using test::NumbersSpec;
using test::Send;
using test::ValueOf;
using ::testing::ElementsAre;

std::vector<WaitSet::Key> Keys(const absl::StatusOr<WaitSet::Ready>& ready) {
  EXPECT_TRUE(ready.ok()) << ready.status();
  return ready.ok() ? std::vector<WaitSet::Key>(ready->begin(), ready->end()) : std::vector<WaitSet::Key>{};
}

/// Channels of one publisher and of several in turn, so that a set holds sleepers of both kinds.
class WaitSetTest : public test::EndpointTest, public ::testing::WithParamInterface<std::size_t> {
 protected:
  ChannelSpec SpecOf(std::size_t index) {
    names_.resize(GetParam());
    names_[index] = "test/many/" + std::to_string(index);
    ChannelSpec spec = NumbersSpec(index % 2 == 0 ? 1 : 4);
    spec.name = names_[index].c_str();
    return spec;
  }
  void OpenAll() {
    for (std::size_t i = 0; i < GetParam(); ++i) {
      publishers_.push_back(OpenPublisher(SpecOf(i)));
      subscribers_.push_back(OpenSubscriber(SpecOf(i)));
    }
    for (Subscriber& subscriber : subscribers_) keys_.push_back(*set_.Add(subscriber));
  }

  std::vector<std::string> names_;
  std::vector<Publisher> publishers_;
  std::vector<Subscriber> subscribers_;
  std::vector<WaitSet::Key> keys_;
  WaitSet set_;
};
INSTANTIATE_TEST_SUITE_P(Sizes, WaitSetTest, ::testing::Values(2, 8, 9, 40));

TEST_P(WaitSetTest, NamesNobodyWhenTheTimeHasPassed) {
  OpenAll();

  EXPECT_THAT(Keys(set_.Wait(absl::ZeroDuration())), ElementsAre());
  EXPECT_THAT(Keys(set_.Wait(absl::Milliseconds(3))), ElementsAre());
}

TEST_P(WaitSetTest, NamesWhoHasAMessageAndNobodyElse) {
  OpenAll();
  ASSERT_TRUE(Send(publishers_.back(), 7).ok());

  const auto ready = set_.Wait(absl::InfiniteDuration());

  EXPECT_THAT(Keys(ready), ElementsAre(keys_.back()));
  EXPECT_TRUE(ready->Has(keys_.back()));
  EXPECT_FALSE(ready->Has(keys_.front()));
}

TEST_P(WaitSetTest, NamesAllThatAreReadyAndADifferentOneFirstEachTime) {
  OpenAll();
  for (Publisher& publisher : publishers_) ASSERT_TRUE(Send(publisher, 1).ok());

  std::vector<int> was_first(keys_.size(), 0);
  for (std::size_t round = 0; round < keys_.size(); ++round) {
    const auto ready = Keys(set_.Wait(absl::InfiniteDuration()));
    ASSERT_EQ(ready.size(), keys_.size());
    ++was_first[ready.front()];
  }

  EXPECT_THAT(was_first, ::testing::Each(1));
}

TEST_P(WaitSetTest, NobodyStarvesThoughOnlyTheFirstIsServed) {
  OpenAll();
  std::vector<int> served(keys_.size(), 0);
  for (Publisher& publisher : publishers_) ASSERT_TRUE(Send(publisher, 1).ok());

  for (std::size_t round = 0; round < 4 * keys_.size(); ++round) {
    const auto ready = Keys(set_.Wait(absl::InfiniteDuration()));
    const std::size_t index = ready.front();  // keys count from 0
    ASSERT_TRUE(subscribers_[index].Take(absl::ZeroDuration()).ok());
    ASSERT_TRUE(Send(publishers_[index], 1).ok());  // there is always more
    ++served[index];
  }

  EXPECT_THAT(served, ::testing::Each(4));
}

TEST_P(WaitSetTest, ASleeperIsWokenForEveryMessageOfAnyMember) {
  OpenAll();
  constexpr std::uint64_t kRounds = 300;
  ChannelSpec pong = NumbersSpec();
  Publisher back = OpenPublisher(pong);
  Subscriber answers = OpenSubscriber(pong);
  std::thread taker([&] {
    for (std::uint64_t taken = 0; taken < kRounds;) {
      const auto ready = set_.Wait(absl::InfiniteDuration());
      for (const WaitSet::Key key : *ready) {
        EXPECT_TRUE(Send(back, ValueOf(*subscribers_[key].Take(absl::ZeroDuration()))).ok());
        ++taken;
      }
    }
  });

  for (std::uint64_t i = 0; i < kRounds; ++i) {
    EXPECT_TRUE(Send(publishers_[i * 7 % publishers_.size()], i).ok());
    const auto answer = answers.Take(absl::InfiniteDuration());
    EXPECT_TRUE(answer.ok() && ValueOf(*answer) == i);
  }

  taker.join();
}

TEST_P(WaitSetTest, WakeEndsTheWaitOfAnotherThread) {
  OpenAll();
  std::thread waker([&] { set_.Wake(); });

  EXPECT_THAT(Keys(set_.Wait(absl::InfiniteDuration())), ElementsAre());

  waker.join();
}

TEST_P(WaitSetTest, AWakeBeforeTheWaitEndsThatOneAndNoOther) {
  OpenAll();
  set_.Wake();

  EXPECT_THAT(Keys(set_.Wait(absl::InfiniteDuration())), ElementsAre());
  ASSERT_TRUE(Send(publishers_[0], 1).ok());
  EXPECT_THAT(Keys(set_.Wait(absl::InfiniteDuration())), ElementsAre(keys_[0]));
}

TEST_P(WaitSetTest, AMemberClosedByAnotherThreadEndsTheWait) {
  OpenAll();
  std::thread closer([&] { subscribers_.back().Close(); });

  const absl::Status status = set_.Wait(absl::InfiniteDuration()).status();

  closer.join();
  EXPECT_THAT(status.code(), ::testing::AnyOf(absl::StatusCode::kCancelled,              // closed while it waited
                                              absl::StatusCode::kFailedPrecondition));  // or just before
}

TEST_P(WaitSetTest, ACancelledMemberEndsTheWait) {
  OpenAll();
  std::thread canceller([&] { subscribers_.front().Cancel(); });

  EXPECT_EQ(set_.Wait(absl::InfiniteDuration()).status().code(), absl::StatusCode::kCancelled);

  canceller.join();
}

TEST_P(WaitSetTest, ARemovedMemberIsNotWaitedFor) {
  OpenAll();
  ASSERT_TRUE(Send(publishers_[0], 1).ok());
  set_.Wait(absl::ZeroDuration()).IgnoreError();
  set_.Remove(keys_[0]);
  subscribers_[0].Close();

  EXPECT_THAT(Keys(set_.Wait(absl::Milliseconds(1))), ElementsAre());
  ASSERT_TRUE(Send(publishers_[1], 1).ok());
  EXPECT_THAT(Keys(set_.Wait(absl::InfiniteDuration())), ElementsAre(keys_[1]));
}

TEST_P(WaitSetTest, AMovedMemberStaysAMember) {
  OpenAll();
  Subscriber moved = std::move(subscribers_[1]);
  ASSERT_TRUE(Send(publishers_[1], 3).ok());

  EXPECT_THAT(Keys(set_.Wait(absl::InfiniteDuration())), ElementsAre(keys_[1]));
  EXPECT_EQ(ValueOf(*moved.Take(absl::ZeroDuration())), 3u);
}

TEST_P(WaitSetTest, WakeFilesGoWithTheirOwners) {
  OpenAll();
  set_.Wait(absl::Milliseconds(1)).IgnoreError();

  subscribers_.clear();
  publishers_.clear();

  EXPECT_EQ(Files("test%2Fmany%2F0"), std::set<std::string>{});
}

class WaitSetMembers : public test::EndpointTest {};

TEST_F(WaitSetMembers, OneEndpointIsAMemberOnce) {
  Subscriber subscriber = OpenSubscriber(NumbersSpec());
  WaitSet set;
  ASSERT_TRUE(set.Add(subscriber).ok());

  EXPECT_EQ(set.Add(subscriber).status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(set.size(), 1u);
}

TEST_F(WaitSetMembers, AClosedEndpointIsRefused) {
  Subscriber subscriber = OpenSubscriber(NumbersSpec());
  subscriber.Close();

  EXPECT_EQ(WaitSet().Add(subscriber).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(WaitSetMembers, AMemberClosedBeforeTheWaitIsSaidSo) {
  Subscriber subscriber = OpenSubscriber(NumbersSpec());
  WaitSet set;
  ASSERT_TRUE(set.Add(subscriber).ok());
  subscriber.Close();

  EXPECT_EQ(set.Wait(absl::InfiniteDuration()).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(WaitSetMembers, AForkedChildIsRefused) {
  Subscriber subscriber = OpenSubscriber(NumbersSpec());
  WaitSet set;
  ASSERT_TRUE(set.Add(subscriber).ok());

  const int status = test::ExitStatusOf([&] {
    return set.Wait(absl::ZeroDuration()).status().code() == absl::StatusCode::kFailedPrecondition ? 0 : 1;
  });

  EXPECT_EQ(status, 0);
}

TEST_F(WaitSetMembers, OneThatNeverWasIsRemovedWithoutEffect) {
  Publisher publisher = OpenPublisher(NumbersSpec());
  Subscriber subscriber = OpenSubscriber(NumbersSpec());
  WaitSet set;
  const WaitSet::Key key = *set.Add(subscriber);

  set.Remove(key + 1);

  ASSERT_TRUE(Send(publisher, 1).ok());
  EXPECT_THAT(Keys(set.Wait(absl::ZeroDuration())), ElementsAre(key));
}

TEST_F(WaitSetMembers, OneWithADescriptorOfItsOwnIsWokenThroughBoth) {
  Publisher publisher = OpenPublisher(NumbersSpec());
  std::vector<Subscriber> subscribers;
  for (int i = 0; i < 9; ++i) subscribers.push_back(OpenSubscriber(NumbersSpec()));
  const int descriptor = *subscribers[0].fd();
  WaitSet set;
  for (Subscriber& subscriber : subscribers) ASSERT_TRUE(set.Add(subscriber).ok());
  std::thread sender([&] { EXPECT_TRUE(Send(publisher, 5).ok()); });

  EXPECT_GE(Keys(set.Wait(absl::InfiniteDuration())).size(), 1u);
  sender.join();

  EXPECT_EQ(*subscribers[0].fd(), descriptor);
  EXPECT_EQ(test::TakeValues(subscribers[0]), test::Range(5, 6));
}

TEST_F(WaitSetMembers, TypedEndpointsMayBeMembers) {
  auto publisher = test::CameraPublisher::Open(PublisherHere());
  auto subscriber = test::CameraSubscriber::Open(SubscriberHere());
  WaitSet set;
  const WaitSet::Key camera = *set.Add(*subscriber);
  ASSERT_TRUE(publisher->Publish([](flatbuffers::FlatBufferBuilder& builder) { return test::CreateImageOf(builder, 8); }).ok());

  EXPECT_THAT(Keys(set.Wait(absl::InfiniteDuration())), ElementsAre(camera));
}

TEST_F(WaitSetMembers, AnEmptySetWaitsForTheTimeOrAWake) {
  WaitSet set;

  EXPECT_THAT(Keys(set.Wait(absl::Milliseconds(1))), ElementsAre());
  std::thread waker([&] { set.Wake(); });
  EXPECT_THAT(Keys(set.Wait(absl::InfiniteDuration())), ElementsAre());
  waker.join();
}

#if !defined(__SANITIZE_THREAD__)  // forked beside a watchdog, a child cannot start threads there
/// In a child, where the kernel has no call to sleep on several words.
int WaitWithoutManyWords(const ChannelSpec& spec, const PublisherOptions& there, const SubscriberOptions& here) {
  if (!test::RefuseSleepingOnManyWords()) return 0;  // cannot be shown on this system
  auto subscriber = Subscriber::Open(spec, here);
  auto publisher = Publisher::Open(spec, there);
  if (!subscriber.ok() || !publisher.ok()) return 1;
  WaitSet set;
  if (!set.Add(*subscriber).ok() || !set.Wait(absl::Milliseconds(1))->empty()) return 2;
  std::thread sender([&] { Send(*publisher, 5).IgnoreError(); });
  const bool is_ready = set.Wait(absl::InfiniteDuration())->size() == 1;
  sender.join();
  return is_ready && set.Wait(absl::InfiniteDuration())->size() == 1 ? 0 : 3;
}

TEST_F(WaitSetMembers, SleepThroughDescriptorsWhereTheSystemHasNoCallForManyWords) {
  EXPECT_EQ(test::ExitStatusOf([this] { return WaitWithoutManyWords(NumbersSpec(), PublisherHere(), SubscriberHere()); }), 0);
}
#endif

}  // namespace
}  // namespace shmcomm
