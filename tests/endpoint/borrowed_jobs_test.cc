// SPDX-License-Identifier: Apache-2.0
// Jobs in hand: copies for who trusts nobody, hands that are full, jobs whose pushers come and go, and those given up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "shmcomm/log.h"
#include "support/all_patterns.h"
#include "support/channel_memory.h"
#include "support/start.h"

namespace shmcomm::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const absl::Duration kNoWait = absl::ZeroDuration();
const absl::Duration kForever = absl::InfiniteDuration();

class BorrowedJob : public AllPatternsTest {
 protected:
  ~BorrowedJob() override { SetLogSink(nullptr); }
  static Job TakeFrom(Puller& puller) {
    auto job = puller.Take(kNoWait);
    EXPECT_TRUE(job.ok()) << job.status();
    return *std::move(job);
  }
};

TEST_F(BorrowedJob, OfAnUntrustedPusherIsReadInACopy) {
  PullerOptions options = PullerHere();
  options.verify = Verify::kUntrusted;
  Pusher pusher = OpenPusher(JobsSpec());
  auto puller = *Puller::Open(JobsSpec(), options);
  const ChannelMemory memory(Directory("test%2Fjobs"));
  const ring::Sequence at = memory.head();
  ASSERT_TRUE(PushNumber(pusher, 7, kNoWait).ok());

  const Job job = TakeFrom(puller);
  const SlotsMemory slots(Directory("test%2Fjobs"), 1, NthGeneration(1));
  auto* in_slot = reinterpret_cast<std::uint8_t*>(&slots.HeaderOf(memory.entry(at))) - job.size();
  *in_slot = 99;

  EXPECT_EQ(NumberIn(job.data()), 7u);
}

TEST_F(BorrowedJob, ThatFillsTheHandsIsNoErrorWhileNothingElseLiesThere) {
  ChannelSpec spec = JobsSpec();
  spec.qos.max_borrowed = 1;
  Pusher pusher = OpenPusher(spec);
  Puller puller = OpenPuller(spec);
  ASSERT_TRUE(PushNumber(pusher, 7, kNoWait).ok());
  std::optional<Job> job = TakeFrom(puller);

  const auto nothing = puller.TryTake();
  ASSERT_TRUE(PushNumber(pusher, 8, kNoWait).ok());
  const absl::Status refused = puller.Take(kNoWait).status();
  job.reset();

  ASSERT_TRUE(nothing.ok()) << nothing.status();
  EXPECT_FALSE(nothing->has_value());
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("you hold 1 of 1 jobs"));
  EXPECT_EQ(NumberIn(TakeFrom(puller).data()), 8u);
}

TEST_F(BorrowedJob, MayBeATableBuiltInALoan) {
  ChannelSpec spec = BytesSpec(256);
  spec.pattern = Pattern::kPushPull;
  Pusher pusher = OpenPusher(spec);
  Puller puller = OpenPuller(spec);
  Loan loan = *pusher.Loan();
  loan.builder().Finish(CreateImageOf(loan.builder(), 9, 3));

  ASSERT_TRUE(pusher.Push(std::move(loan), kNoWait).ok());

  const Job job = TakeFrom(puller);
  EXPECT_EQ(job.codec(), Codec::kFlatBuffer);
  EXPECT_EQ(flatbuffers::GetRoot<Image>(job.data())->data()->size(), 9u);
}

TEST_F(BorrowedJob, ThatNobodyEndsInItsAttemptsIsToldToTheLog) {
  std::vector<std::string> told;
  SetLogSink([&](LogLevel level, absl::string_view text) {
    EXPECT_EQ(level, LogLevel::kWarning);
    told.emplace_back(text);
  });
  ChannelSpec spec = JobsSpec();
  spec.qos.max_attempts = 1;
  Pusher pusher = OpenPusher(spec);
  Puller puller = OpenPuller(spec);
  for (std::uint64_t value = 0; value < 3; ++value) ASSERT_TRUE(PushNumber(pusher, value, kNoWait).ok());
  ASSERT_TRUE(TakeFrom(puller).GiveBack().ok());
  Job second = TakeFrom(puller);   // which looks, and tells
  Job third = TakeFrom(puller);
  ASSERT_TRUE(second.GiveBack().ok());
  ASSERT_TRUE(third.GiveBack().ok());
  EXPECT_FALSE(*puller.Wait(kNoWait));

  EXPECT_THAT(told, ElementsAre("test/jobs: 1 job was given up after the last attempt",
                                "test/jobs: 2 jobs were given up after the last attempt"));
  EXPECT_EQ(puller.stats().dead_letters, 3u);
}

TEST_F(BorrowedJob, IsGotByWhoWaitsBesideOneThatIsWatchedAndDoesNotCome) {
  for (const absl::Duration spin : {absl::ZeroDuration(), kForever}) {
    PullerOptions options = PullerHere();
    options.spin = spin;
    Pusher pusher = OpenPusher(JobsSpec());
    Puller watched = OpenPuller(JobsSpec());
    auto puller = *Puller::Open(JobsSpec(), options);
    ASSERT_TRUE(watched.fd().ok());   // it stands in the queue from here on
    EXPECT_FALSE(*puller.Wait(kNoWait));
    ASSERT_TRUE(PushNumber(pusher, 7, kNoWait).ok());

    const auto job = puller.Take(kForever);

    ASSERT_TRUE(job.ok()) << job.status();
    EXPECT_EQ(NumberIn(job->data()), 7u);
  }
}

}  // namespace
}  // namespace shmcomm::test
