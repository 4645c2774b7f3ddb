// SPDX-License-Identifier: Apache-2.0
// Pushpull channels: each job to one puller, done when it is acknowledged, given to another only when its puller dies.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "shmcomm/publisher.h"
#include "shmcomm/puller.h"
#include "shmcomm/pusher.h"
#include "shmcomm/typed.h"
#include "support/forked_child.h"
#include "support/hand_laid.h"
#include "support/start.h"
#include "support/temporary_root.h"
#include "support/watchdog.h"

namespace shmcomm {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::uint64_t kRing = 16;
const absl::Duration kForever = absl::InfiniteDuration();
const absl::Duration kNoWait = absl::ZeroDuration();

class PushPullTest : public ::testing::Test {
 protected:
  static ChannelSpec Spec() {
    ChannelSpec spec;
    spec.name = "test/jobs";
    spec.declared_at = "test.channel:1";
    spec.pattern = Pattern::kPushPull;
    spec.qos.capacity = kRing;
    spec.qos.max_size = sizeof(std::uint64_t);
    spec.message = {"test.Number", 7, true, sizeof(std::uint64_t), nullptr, 0};
    return spec;
  }
  static ChannelSpec FailingSpec() {
    ChannelSpec spec = Spec();
    spec.qos.on_full = OnFull::kFail;
    return spec;
  }
  static ChannelSpec SpecWithAttempts(std::uint32_t max_attempts) {
    ChannelSpec spec = Spec();
    spec.qos.max_attempts = max_attempts;
    return spec;
  }
  static absl::Status Push(Pusher& pusher, std::uint64_t value, absl::Duration timeout = absl::InfiniteDuration()) {
    return pusher.PushCopy(&value, sizeof(value), Codec::kStruct, timeout);
  }
  static std::uint64_t Value(const Job& job) {
    std::uint64_t value = 0;
    std::memcpy(&value, job.data(), sizeof(value));
    return value;
  }
  /// The values that can be taken now, each acknowledged.
  static std::vector<std::uint64_t> Drain(Puller& puller) {
    std::vector<std::uint64_t> values;
    for (auto job = puller.TryTake(); job.ok() && job->has_value(); job = puller.TryTake()) values.push_back(Value(**job));
    return values;
  }
  /// A puller in a process of its own that takes one job and keeps it.
  static std::unique_ptr<test::StayingChild> ChildWithAJob(const ChannelSpec& spec) {
    return std::make_unique<test::StayingChild>([spec](const auto& stay) {
      auto puller = Puller::Open(spec);
      if (!puller.ok()) return;
      const auto job = puller->Take(kForever);
      if (job.ok()) stay();
    });
  }

  PushPullTest() { setenv("SHMCOMM_ROOT", root_.path().c_str(), 1); }
  ~PushPullTest() override { unsetenv("SHMCOMM_ROOT"); }

  test::TemporaryRoot root_;
  test::Watchdog watchdog_{"a pushpull channel's test"};
};

TEST_F(PushPullTest, EachJobGoesToOnePuller) {
  auto pusher = *Pusher::Open(Spec());
  auto one = *Puller::Open(Spec());
  auto other = *Puller::Open(Spec());
  for (std::uint64_t i = 0; i < 3; ++i) ASSERT_TRUE(Push(pusher, i).ok());

  const Job first = *one.Take(kNoWait);
  const Job second = *other.Take(kNoWait);
  const Job third = *one.Take(kNoWait);

  EXPECT_THAT(std::vector({Value(first), Value(second), Value(third)}), ElementsAre(0, 1, 2));
  EXPECT_EQ(other.TryTake()->has_value(), false);
}

TEST_F(PushPullTest, AJobTellsWhereItComesFrom) {
  auto pusher = *Pusher::Open(Spec());
  auto puller = *Puller::Open(Spec());
  ASSERT_TRUE(Push(pusher, 5).ok());

  const Job job = *puller.Take(kNoWait);

  EXPECT_EQ(job.size(), sizeof(std::uint64_t));
  EXPECT_EQ(job.codec(), Codec::kStruct);
  EXPECT_EQ(test::IndexOf(job.sequence()), 0u);
  EXPECT_EQ(job.pusher(), 1u);
  EXPECT_EQ(job.attempt(), 0u);
  EXPECT_GT(job.publish_ns(), 0);
}

TEST_F(PushPullTest, JobsPushedBeforeAPullerOpenedAreThere) {
  auto pusher = *Pusher::Open(Spec());
  ASSERT_TRUE(Push(pusher, 1).ok());

  auto puller = *Puller::Open(Spec());

  EXPECT_THAT(Drain(puller), ElementsAre(1));
}

TEST_F(PushPullTest, JobsOfSeveralPushersAllArrive) {
  auto one = *Pusher::Open(Spec());
  auto other = *Pusher::Open(Spec());
  auto puller = *Puller::Open(Spec());
  for (std::uint64_t i = 0; i < 4; ++i) ASSERT_TRUE(Push(i % 2 == 0 ? one : other, i).ok());

  EXPECT_THAT(Drain(puller), ElementsAre(0, 1, 2, 3));
}

TEST_F(PushPullTest, JobsOfAPusherThatLeftStayUntilTheyAreDone) {
  auto puller = *Puller::Open(Spec());
  {
    auto pusher = *Pusher::Open(Spec());
    ASSERT_TRUE(Push(pusher, 9).ok());
  }
  auto next = *Pusher::Open(Spec());
  ASSERT_TRUE(Push(next, 10).ok());

  EXPECT_THAT(Drain(puller), ElementsAre(9, 10));
}

TEST_F(PushPullTest, AFullRingRefusesWhereOnFullIsFail) {
  auto pusher = *Pusher::Open(FailingSpec());
  auto puller = *Puller::Open(FailingSpec());
  for (std::uint64_t i = 0; i < kRing; ++i) ASSERT_TRUE(Push(pusher, i).ok());

  const absl::Status untaken = Push(pusher, 99);
  const Job oldest = *puller.Take(kNoWait);
  const absl::Status taken = Push(pusher, 99);

  EXPECT_EQ(untaken.code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(untaken.message()),
              HasSubstr("test/jobs: ring full, 16 of 16 not free: the oldest job is not over; pusher pid " + std::to_string(getpid())));
  EXPECT_THAT(std::string(untaken.message()), HasSubstr("no puller has taken it\n  options: more pullers, a larger capacity"));
  EXPECT_EQ(taken.code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(taken.message()), HasSubstr("sent it, puller pid " + std::to_string(getpid())));
  EXPECT_THAT(std::string(taken.message()), HasSubstr("has it\n  options: end that job (or that puller), a larger capacity"));
}

TEST_F(PushPullTest, NothingIsLostAroundARefusedPush) {
  auto pusher = *Pusher::Open(FailingSpec());
  auto puller = *Puller::Open(FailingSpec());
  for (std::uint64_t i = 0; i < kRing; ++i) ASSERT_TRUE(Push(pusher, i).ok());
  ASSERT_FALSE(Push(pusher, 99).ok());

  for (std::uint64_t i = 0; i < 3 * kRing; ++i) {
    EXPECT_EQ(Value(*puller.Take(kNoWait)), i);
    ASSERT_TRUE(Push(pusher, kRing + i).ok());
  }
}

TEST_F(PushPullTest, APushGivesUpAfterItsTimeout) {
  auto pusher = *Pusher::Open(Spec());
  for (std::uint64_t i = 0; i < kRing; ++i) ASSERT_TRUE(Push(pusher, i).ok());

  const absl::Status full = Push(pusher, 99, absl::Milliseconds(30));

  EXPECT_EQ(full.code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(full.message()), HasSubstr("not free after "));
}

TEST_F(PushPullTest, ABlockedPushGoesOnWhenTheOldestJobIsDone) {
  auto pusher = *Pusher::Open(Spec());
  auto puller = *Puller::Open(Spec());
  for (std::uint64_t i = 0; i < kRing; ++i) ASSERT_TRUE(Push(pusher, i).ok());
  absl::Status pushed = absl::UnknownError("");
  std::thread blocked([&] { pushed = Push(pusher, kRing); });

  const Job oldest = *puller.Take(kNoWait);
  while (Drain(puller).empty()) std::this_thread::yield();
  { const Job done = std::move(const_cast<Job&>(oldest)); }
  blocked.join();

  EXPECT_TRUE(pushed.ok()) << pushed;
  EXPECT_THAT(Drain(puller), ElementsAre(kRing));
}

TEST_F(PushPullTest, WaitForRoomAnswersWhenAJobIsDone) {
  auto pusher = *Pusher::Open(Spec());
  auto puller = *Puller::Open(Spec());
  for (std::uint64_t i = 0; i < kRing; ++i) ASSERT_TRUE(Push(pusher, i).ok());
  ASSERT_FALSE(*pusher.WaitForRoom(kNoWait));

  std::thread worker([&] { puller.Take(kForever).IgnoreError(); });

  EXPECT_TRUE(*pusher.WaitForRoom(kForever));
  worker.join();
}

TEST_F(PushPullTest, AJobIsDoneWhenItIsLetGoThoughLaterOnesWereDoneBefore) {
  auto pusher = *Pusher::Open(FailingSpec());
  auto puller = *Puller::Open(FailingSpec());
  for (std::uint64_t i = 0; i < kRing; ++i) ASSERT_TRUE(Push(pusher, i).ok());
  std::optional<Job> oldest = *puller.TryTake();
  ASSERT_EQ(Drain(puller).size(), kRing - 1);
  ASSERT_FALSE(Push(pusher, 99).ok());

  oldest.reset();

  for (std::uint64_t i = 0; i < kRing; ++i) EXPECT_TRUE(Push(pusher, i).ok());
}

TEST_F(PushPullTest, AckSaysThatTheJobIsDoneOnce) {
  auto pusher = *Pusher::Open(Spec());
  auto puller = *Puller::Open(Spec());
  ASSERT_TRUE(Push(pusher, 1).ok());
  Job job = *puller.Take(kNoWait);

  EXPECT_TRUE(job.Ack().ok());
  EXPECT_EQ(job.Ack().code(), StatusCode::kFailedPrecondition);
}

TEST_F(PushPullTest, AJobGivenBackGoesToAWaitingOneWithItsAttemptRaised) {
  auto pusher = Pusher::Open(Spec());
  auto puller = Puller::Open(Spec());
  auto other = Puller::Open(Spec());
  ASSERT_TRUE(Push(*pusher, 5).ok());
  auto job = puller->Take(kNoWait);
  std::uint32_t attempt = 0;
  std::thread waiting([&] { attempt = other->Take(kForever)->attempt(); });

  EXPECT_TRUE(job->GiveBack().ok());

  waiting.join();
  EXPECT_EQ(attempt, 1u);
  EXPECT_EQ(job->Ack().code(), StatusCode::kFailedPrecondition);
}

TEST_F(PushPullTest, AJobGivenBackByAllIsADeadLetterAndMakesRoom) {
  auto pusher = Pusher::Open(SpecWithAttempts(2));
  auto puller = Puller::Open(SpecWithAttempts(2));
  for (std::uint64_t i = 0; i < kRing; ++i) ASSERT_TRUE(Push(*pusher, i).ok());
  std::thread blocked([&] { EXPECT_TRUE(Push(*pusher, kRing).ok()); });

  EXPECT_TRUE(puller->Take(kNoWait)->GiveBack().ok());
  EXPECT_TRUE(puller->Take(kNoWait)->Ack().ok());
  auto again = puller->Take(kForever);
  while (again.ok() && Value(*again) != 0) again = puller->Take(kForever);
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->GiveBack().ok());

  blocked.join();
  EXPECT_EQ(pusher->stats().dead_letters, 1u);
}

TEST_F(PushPullTest, JobsMayBeAcknowledgedOnAnotherThread) {
  auto pusher = *Pusher::Open(Spec());
  auto puller = *Puller::Open(Spec());

  for (std::uint64_t i = 0; i < 100; ++i) {
    ASSERT_TRUE(Push(pusher, i).ok());
    std::thread([job = *puller.Take(kForever)]() mutable { EXPECT_TRUE(job.Ack().ok()); }).join();
  }
}

TEST_F(PushPullTest, AJobOutlivesItsPuller) {
  auto pusher = *Pusher::Open(Spec());
  std::optional<Puller> puller = *Puller::Open(Spec());
  ASSERT_TRUE(Push(pusher, 42).ok());
  std::optional<Job> job = *puller->Take(kNoWait);

  puller.reset();
  auto other = *Puller::Open(Spec());

  EXPECT_EQ(Value(*job), 42u);
  EXPECT_TRUE(Drain(other).empty());
  EXPECT_TRUE(job->Ack().ok());
}

TEST_F(PushPullTest, NoMoreThanMaxBorrowedJobsAreHeld) {
  auto pusher = *Pusher::Open(Spec());
  auto puller = *Puller::Open(Spec());
  for (std::uint64_t i = 0; i < 5; ++i) ASSERT_TRUE(Push(pusher, i).ok());
  std::vector<Job> held;
  for (int i = 0; i < 4; ++i) held.push_back(*puller.Take(kNoWait));

  const absl::Status refused = puller.TryTake().status();
  held.clear();

  EXPECT_EQ(refused.code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("you hold 4 of 4 jobs"));
  EXPECT_THAT(Drain(puller), ElementsAre(4));
}

TEST_F(PushPullTest, AKilledPullersJobGoesToAWaitingOneWithItsAttemptRaised) {
  auto pusher = *Pusher::Open(Spec());
  ASSERT_TRUE(Push(pusher, 5).ok());
  const auto child = ChildWithAJob(Spec());
  ASSERT_TRUE(child->is_there());
  auto puller = *Puller::Open(Spec());
  ASSERT_FALSE(puller.TryTake()->has_value());  // never twice while its owner lives

  child->Kill();
  const Job job = *puller.Take(kForever);

  EXPECT_EQ(Value(job), 5u);
  EXPECT_EQ(job.attempt(), 1u);
}

TEST_F(PushPullTest, AKilledPullersJobGoesToOneThatOnlyWaitsForMoments) {
  auto pusher = Pusher::Open(Spec());
  ASSERT_TRUE(Push(*pusher, 7).ok());
  const auto child = ChildWithAJob(Spec());
  ASSERT_TRUE(child->is_there());
  auto puller = Puller::Open(Spec());
  child->Kill();

  auto job = puller->Take(absl::Milliseconds(1));
  while (absl::IsDeadlineExceeded(job.status())) job = puller->Take(absl::Milliseconds(1));

  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(job->attempt(), 1u);
}

TEST_F(PushPullTest, AStoppedPullerKeepsItsJob) {
  auto pusher = *Pusher::Open(Spec());
  ASSERT_TRUE(Push(pusher, 5).ok());
  const auto child = ChildWithAJob(Spec());
  ASSERT_TRUE(child->is_there());

  auto puller = *Puller::Open(Spec());

  // Long enough for several looks after the dead.
  EXPECT_EQ(puller.Take(absl::Milliseconds(250)).status().code(), StatusCode::kDeadlineExceeded);
}

/// A process that takes a job, closes every descriptor it has, as a daemon does, and acknowledges the job once another has it.
int AckAfterAllWasClosed(const ChannelSpec& spec, std::atomic<int>& stage) {
  auto puller = Puller::Open(spec);
  auto job = puller->Take(absl::InfiniteDuration());
  if (!job.ok()) return 1;
  for (int descriptor = 3; descriptor < 256; ++descriptor) close(descriptor);
  stage = 1;
  while (stage != 2) usleep(100);
  return absl::IsAborted(job->Ack()) ? 0 : 2;
}

TEST_F(PushPullTest, AnAckAfterTheProcessWasTakenForDeadIsRefused) {
  auto pusher = *Pusher::Open(Spec());
  ASSERT_TRUE(Push(pusher, 5).ok());
  const test::SharedPages page(sizeof(std::atomic<int>));
  auto* stage = new (page.data()) std::atomic<int>(0);
  int ended = -1;
  std::thread other([&] { ended = test::ExitStatusOf([&] { return AckAfterAllWasClosed(Spec(), *stage); }); });
  while (*stage != 1) usleep(100);

  auto puller = *Puller::Open(Spec());
  auto job = puller.Take(absl::InfiniteDuration());
  ASSERT_TRUE(job.ok()) << job.status();
  *stage = 2;
  other.join();

  EXPECT_EQ(ended, 0);
  EXPECT_EQ(job->attempt(), 1u);
  EXPECT_TRUE(job->Ack().ok()) << "it is still this one's";
}

TEST_F(PushPullTest, AJobIsGivenUpAfterItsLastAttemptAndCounted) {
  std::uint64_t told_pusher = 0;
  std::uint64_t told_puller = 0;
  PusherOptions pusher_options;
  pusher_options.on_dead_letters = [&](std::uint64_t more) { told_pusher += more; };
  PullerOptions puller_options;
  puller_options.on_dead_letters = [&](std::uint64_t more) { told_puller += more; };
  const ChannelSpec spec = SpecWithAttempts(2);
  auto pusher = *Pusher::Open(spec, pusher_options);
  auto puller = *Puller::Open(spec, puller_options);
  ASSERT_TRUE(Push(pusher, 5).ok());
  ChildWithAJob(spec)->Kill();
  EXPECT_EQ(puller.stats().dead_letters, 0u);
  ChildWithAJob(spec)->Kill();

  const absl::Status nothing = puller.Take(absl::Milliseconds(250)).status();
  ASSERT_TRUE(Push(pusher, 6).ok());

  EXPECT_EQ(nothing.code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(puller.stats().dead_letters, 1u);
  EXPECT_EQ(pusher.stats().dead_letters, 1u);
  EXPECT_EQ(told_puller, 1u);
  EXPECT_EQ(told_pusher, 1u);
  EXPECT_THAT(Drain(puller), ElementsAre(6));
}

TEST_F(PushPullTest, AtMostOnceNeverGivesAJobOutAgain) {
  const ChannelSpec spec = SpecWithAttempts(1);
  auto pusher = *Pusher::Open(spec);
  ASSERT_TRUE(Push(pusher, 5).ok());
  ChildWithAJob(spec)->Kill();
  auto puller = *Puller::Open(spec);

  EXPECT_EQ(puller.Take(absl::Milliseconds(250)).status().code(), StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(Push(pusher, 6).ok());
}

TEST_F(PushPullTest, ABlockedPusherGoesOnWhenThePullerWithTheOldestJobIsKilled) {
  const ChannelSpec spec = SpecWithAttempts(1);
  auto pusher = *Pusher::Open(spec);
  ASSERT_TRUE(Push(pusher, 0).ok());
  const auto child = ChildWithAJob(spec);
  ASSERT_TRUE(child->is_there());
  for (std::uint64_t i = 1; i < kRing; ++i) ASSERT_TRUE(Push(pusher, i).ok());
  absl::Status pushed = absl::UnknownError("");
  std::thread blocked([&] { pushed = Push(pusher, kRing); });

  child->Kill();
  blocked.join();

  EXPECT_TRUE(pushed.ok()) << pushed;
}

TEST_F(PushPullTest, JobsOfAKilledPusherAreStillDone) {
  auto puller = *Puller::Open(Spec());
  test::StayingChild child([](const auto& stay) {
    auto pusher = Pusher::Open(Spec());
    if (pusher.ok() && Push(*pusher, 7).ok()) stay();
  });
  ASSERT_TRUE(child.is_there());
  child.Kill();
  auto next = *Pusher::Open(Spec());  // cleans up after the dead one
  ASSERT_TRUE(Push(next, 8).ok());

  EXPECT_THAT(Drain(puller), ElementsAre(7, 8));
}

TEST_F(PushPullTest, ExpiredJobsAreSkippedAndCounted) {
  ChannelSpec spec = Spec();
  spec.qos.lifespan_ns = 1;
  auto pusher = *Pusher::Open(spec);
  auto puller = *Puller::Open(spec);
  for (std::uint64_t i = 0; i < 3 * kRing; ++i) {
    ASSERT_TRUE(Push(pusher, i).ok());
    EXPECT_FALSE(puller.TryTake()->has_value());
  }

  EXPECT_EQ(puller.stats().expired, 3 * kRing);
}

TEST_F(PushPullTest, CancelEndsATakeInAnotherThread) {
  auto puller = *Puller::Open(Spec());
  absl::Status taken;
  std::thread taker([&] { taken = puller.Take(kForever).status(); });

  puller.Cancel();
  taker.join();

  EXPECT_EQ(taken.code(), StatusCode::kCancelled);
}

TEST_F(PushPullTest, CloseEndsATakeInAnotherThread) {
  auto puller = *Puller::Open(Spec());
  absl::Status taken;
  std::thread taker([&] { taken = puller.Take(kForever).status(); });

  puller.Close();
  taker.join();

  EXPECT_TRUE(taken.code() == StatusCode::kCancelled || taken.code() == StatusCode::kFailedPrecondition) << taken;
}

TEST_F(PushPullTest, CancelEndsABlockedPush) {
  auto pusher = *Pusher::Open(Spec());
  for (std::uint64_t i = 0; i < kRing; ++i) ASSERT_TRUE(Push(pusher, i).ok());
  absl::Status pushed;
  std::thread blocked([&] { pushed = Push(pusher, 99); });

  pusher.Cancel();
  blocked.join();

  EXPECT_EQ(pushed.code(), StatusCode::kCancelled);
}

TEST_F(PushPullTest, TheWrongEndpointIsRefused) {
  const absl::Status publisher = Publisher::Open(Spec()).status();
  ChannelSpec pubsub = Spec();
  pubsub.pattern = Pattern::kPubSub;
  const absl::Status puller = Puller::Open(pubsub).status();

  EXPECT_EQ(publisher.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(publisher.message()),
              HasSubstr("channel 'test/jobs' has pushers and pullers, no publishers and subscribers"));
  EXPECT_EQ(puller.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Subscriber::Open(Spec()).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Pusher::Open(pubsub).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(PushPullTest, ARunningChannelOfAnotherPatternIsADisagreement) {
  auto puller = *Puller::Open(Spec());
  ChannelSpec pubsub = Spec();
  pubsub.pattern = Pattern::kPubSub;

  const absl::Status status = Publisher::Open(pubsub).status();

  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("pattern: pushpull -> pubsub"));
}

TEST_F(PushPullTest, OpenNamesEveryDifferingOption) {
  auto puller = *Puller::Open(Spec());
  ChannelSpec other = SpecWithAttempts(3);
  other.qos.max_subscribers = 5;

  const absl::Status status = Pusher::Open(other).status();

  EXPECT_THAT(std::string(status.message()), HasSubstr("max_attempts: 15 -> 3"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("max_pullers: 16 -> 5"));
}

TEST_F(PushPullTest, ClosedEndpointsSaySo) {
  auto pusher = *Pusher::Open(Spec());
  auto puller = *Puller::Open(Spec());
  pusher.Close();
  puller.Close();

  EXPECT_EQ(Push(pusher, 1).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(puller.TryTake().status().code(), StatusCode::kFailedPrecondition);
  EXPECT_FALSE(pusher.is_open() || puller.is_open());
}

TEST_F(PushPullTest, AForkedChildsCopyIsRefusedAndItsJobStaysTheParents) {
  auto pusher = *Pusher::Open(Spec());
  auto puller = *Puller::Open(Spec());
  ASSERT_TRUE(Push(pusher, 1).ok());
  Job job = *puller.Take(kNoWait);

  const int refused = test::ExitStatusOf([&] {
    const bool take = puller.TryTake().status().code() == StatusCode::kFailedPrecondition;
    return take && job.Ack().code() == StatusCode::kFailedPrecondition ? 0 : 1;
  });

  EXPECT_EQ(refused, 0);
  EXPECT_TRUE(job.Ack().ok());
}

struct NumberChannel {
  using Message = std::uint64_t;
  static const ChannelSpec& Spec() {
    static const ChannelSpec spec = [] {
      ChannelSpec s;
      s.name = "test/typed_jobs";
      s.pattern = Pattern::kPushPull;
      s.qos.max_size = sizeof(std::uint64_t);
      s.message = {"test.Number", 7, true, sizeof(std::uint64_t), nullptr, 0};
      return s;
    }();
    return spec;
  }
};

TEST_F(PushPullTest, TypedEndsGiveAndTakeStructs) {
  auto pusher = *TypedPusher<NumberChannel>::Open();
  auto puller = *TypedPuller<NumberChannel>::Open();
  ASSERT_TRUE(pusher.Push(std::uint64_t{11}).ok());
  ASSERT_TRUE(pusher.Push(std::uint64_t{12}, kNoWait).ok());

  auto first = puller.Take(kNoWait);
  auto second = puller.TryTake();

  EXPECT_EQ(**first, 11u);
  EXPECT_EQ(***second, 12u);
  EXPECT_TRUE(first->Ack().ok());
}

}  // namespace
}  // namespace shmcomm
