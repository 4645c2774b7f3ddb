// SPDX-License-Identifier: Apache-2.0
// Endpoints that come and go, and messages without end, leave memory, descriptors, mappings and files as they were.
// SHMCOMM_SCALE multiplies how many.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <optional>

#include "faults/scaled.h"
#include "support/all_patterns.h"
#include "support/resources.h"

namespace shmcomm::faults {
namespace {

constexpr std::size_t kNoiseKilobytes = 512;   // what the allocator keeps for itself

class Leaks : public test::AllPatternsTest {
 protected:
  /// Nothing has grown by `count` times `cycle`, once it has settled.
  template <class Cycle>
  void ExpectFlat(std::uint64_t count, Cycle&& cycle) {
    Repeat(std::min<std::uint64_t>(count / 2, 50'000), cycle);
    const test::Resources resources = test::CountResources(root_.path());
    const std::size_t files = CountFiles();
    const std::size_t kilobytes = test::PrivateKilobytes();
    Repeat(count, cycle);
    EXPECT_EQ(test::CountResources(root_.path()), resources);
    EXPECT_EQ(CountFiles(), files);
    const std::size_t now = test::PrivateKilobytes();
#if !defined(__SANITIZE_ADDRESS__)  // which keeps what is freed
    EXPECT_LE(now, kilobytes + kNoiseKilobytes);
#endif
    std::printf("leaks %s count %llu kilobytes %zu to %zu\n", Name(), static_cast<unsigned long long>(count), kilobytes, now);
  }
  template <class Cycle>
  void Repeat(std::uint64_t count, Cycle&& cycle) {
    for (std::uint64_t i = 0; i < count; ++i) {
      if (i % 4096 == 0) watchdog_.GetsOn();
      cycle();
    }
  }
  /// One job from end to end.
  static void Work(Pusher& pusher, Puller& puller, std::uint64_t value) {
    ASSERT_TRUE(test::PushNumber(pusher, value, absl::ZeroDuration()).ok());
    auto job = puller.Take(absl::ZeroDuration());
    ASSERT_TRUE(job.ok()) << job.status();
    ASSERT_EQ(test::NumberIn(job->data()), value);
    ASSERT_TRUE(job->Ack().ok());
  }
  /// One call from end to end.
  static void Ask(Requester& requester, Replier& replier, std::uint64_t value) {
    const auto call = test::SendNumber(requester, value, kLong);
    ASSERT_TRUE(call.ok()) << call.status();
    AnswerNext(replier);
    ASSERT_EQ(ValueOf(requester.Receive(*call)), value + 1);
  }
  static const char* Name() { return ::testing::UnitTest::GetInstance()->current_test_info()->name(); }
  std::size_t CountFiles() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root_.path())) {
      static_cast<void>(entry);
      ++count;
    }
    return count;
  }
};

TEST_F(Leaks, NotByOpeningAndClosingAlone) {
  ExpectFlat(Scaled(1'000), [this] {
    Subscriber subscriber = OpenSubscriber(test::NumbersSpec());
    Publisher publisher = OpenPublisher(test::NumbersSpec());
    ASSERT_TRUE(test::Send(publisher, 1).ok());
    ASSERT_EQ(test::TakeValues(subscriber), std::vector<std::uint64_t>{1});
  });
  EXPECT_EQ(CountFiles(), 0u);
}

TEST_F(Leaks, NotByOthersThatComeAndGoInAChannelThatStays) {
  Subscriber stays = OpenSubscriber(test::NumbersSpec());
  Publisher goes_on = OpenPublisher(test::NumbersSpec());

  ExpectFlat(Scaled(1'000), [&] {
    Publisher publisher = OpenPublisher(test::NumbersSpec());
    Subscriber subscriber = OpenSubscriber(test::NumbersSpec());
    ASSERT_TRUE(test::Send(publisher, 1).ok());
    ASSERT_TRUE(test::Send(goes_on, 2).ok());
    ASSERT_EQ(test::TakeValues(stays), (std::vector<std::uint64_t>{1, 2}));
  });
}

TEST_F(Leaks, NotByMessages) {
  Publisher publisher = OpenPublisher(test::BytesSpec(64 << 10));
  Subscriber subscriber = OpenSubscriber(test::BytesSpec(64 << 10));
  SubscriberOptions copying = SubscriberHere();
  copying.verify = Verify::kUntrusted;
  auto untrusted = Subscriber::Open(test::BytesSpec(64 << 10), copying);
  ASSERT_TRUE(untrusted.ok());
  const std::vector<std::uint8_t> content(64 << 10, 7);

  std::uint64_t count = 0;
  ExpectFlat(Scaled(100'000), [&] {
    ASSERT_TRUE(publisher.PublishCopy(content.data(), ++count % 999, Codec::kBytes).ok());
    ASSERT_TRUE(subscriber.Take(absl::ZeroDuration()).ok());
    ASSERT_TRUE(untrusted->Take(absl::ZeroDuration()).ok());
  });
}

TEST_F(Leaks, NotByPushersAndPullersThatComeAndGo) {
  ExpectFlat(Scaled(200), [this] {
    Puller puller = OpenPuller(test::JobsSpec());
    Pusher pusher = OpenPusher(test::JobsSpec());
    Work(pusher, puller, 1);
    ASSERT_TRUE(test::PushNumber(pusher, 2, absl::ZeroDuration()).ok());
    const auto held = puller.TryTake();  // it lasts longer than its puller
    ASSERT_TRUE(held.ok() && held->has_value());
    puller.Close();
  });
  EXPECT_EQ(CountFiles(), 0u);
}

TEST_F(Leaks, NotByJobs) {
  Pusher pusher = OpenPusher(test::JobsSpec());
  Puller puller = OpenPuller(test::JobsSpec());

  std::uint64_t count = 0;
  ExpectFlat(Scaled(50'000), [&] { Work(pusher, puller, ++count); });
}

TEST_F(Leaks, NotByRequestersAndRepliersThatComeAndGo) {
  ExpectFlat(Scaled(200), [this] {
    Replier replier = OpenReplier(test::SumsSpec());
    Requester requester = OpenRequester(test::SumsSpec());
    Ask(requester, replier, 1);
    const auto call = test::SendNumber(requester, 2, kLong);
    const auto dropped = replier.TryTake();  // answered by being let go, when its replier has left
    ASSERT_TRUE(call.ok() && dropped.ok() && dropped->has_value());
    replier.Close();
  });
  EXPECT_EQ(CountFiles(), 0u);
}

TEST_F(Leaks, NotByRequestersThatComeAndGoAtAReplierThatStays) {
  Replier stays = OpenReplier(test::SumsSpec());
  ExpectFlat(Scaled(200), [&] {
    Requester requester = OpenRequester(test::SumsSpec());
    Ask(requester, stays, 1);
  });
}

TEST_F(Leaks, NotByCalls) {
  Replier replier = OpenReplier(test::SumsSpec());
  Requester requester = OpenRequester(test::SumsSpec());

  std::uint64_t count = 0;
  ExpectFlat(Scaled(20'000), [&] { Ask(requester, replier, ++count); });
}

}  // namespace
}  // namespace shmcomm::faults
