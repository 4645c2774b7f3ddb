// SPDX-License-Identifier: Apache-2.0
// As nonsense_test.cc, for jobs: what cannot be read is given up once and for all, and what the ring's owners can still be
// told of is told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <thread>

#include "support/all_patterns.h"
#include "support/channel_memory.h"
#include "support/start.h"

namespace shmcomm::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const absl::Duration kNoWait = absl::ZeroDuration();
constexpr char kJobs[] = "test%2Fjobs";

class NonsenseJob : public AllPatternsTest {
 protected:
  static ChannelSpec FailingSpec() {
    ChannelSpec spec = JobsSpec();
    spec.qos.on_full = OnFull::kFail;
    return spec;
  }
  std::string DataFile() const { return Directory(kJobs) + "/" + registry::DataFileName(1, NthGeneration(1)); }
  SlotsMemory Slots() const { return {Directory(kJobs), 1, NthGeneration(1)}; }
  /// Pushes 7, of which something is to be made, and 8.
  void PushTwo() {
    ASSERT_TRUE(PushNumber(pusher_, 7, kNoWait).ok());
    ASSERT_TRUE(PushNumber(pusher_, 8, kNoWait).ok());
  }
  void FillTheRing() {
    for (std::uint32_t i = 0; i < memory_.ring.size; ++i) ASSERT_TRUE(PushNumber(pusher_, i, kNoWait).ok());
  }
  /// The first take says `what` and is counted, and the job is no other puller's.
  void ExpectGivenUp(const std::string& what) {
    const absl::Status taken = puller_.TryTake().status();
    EXPECT_TRUE(absl::IsDataLoss(taken)) << taken;
    EXPECT_THAT(std::string(taken.message()), HasSubstr(what));
    EXPECT_EQ(puller_.stats().corrupt, 1u);
    EXPECT_EQ(puller_.stats().dead_letters, 1u);
  }
  void ExpectNextIsEight() {
    auto job = puller_.TryTake();
    ASSERT_TRUE(job.ok() && job->has_value()) << job.status();
    EXPECT_EQ(NumberIn((*job)->data()), 8u);
  }

  Pusher pusher_ = OpenPusher(FailingSpec());
  Puller puller_ = OpenPuller(FailingSpec());
  ChannelMemory memory_{Directory(kJobs)};
  const ring::Sequence first_ = memory_.head();
};

TEST_F(NonsenseJob, OfAnImpossiblePusherIsGivenUp) {
  PushTwo();
  memory_.LayEntry(first_, 9, 0);

  ExpectGivenUp("an entry of the ring names an impossible pusher; given up, take again");
  ExpectNextIsEight();
}

TEST_F(NonsenseJob, OfAPusherThatNeverWasIsGivenUp) {
  PushTwo();
  memory_.LayEntry(first_, 5, 0);
  memory_.ring.publishers[5].generation.store(0);

  ExpectGivenUp("of pusher 5 does not make sense in shared memory; given up, take again");
  ExpectNextIsEight();
}

TEST_F(NonsenseJob, OfALengthBeyondTheSlotIsGivenUp) {
  PushTwo();
  Slots().HeaderOf(memory_.entry(first_)).message_bytes = std::numeric_limits<std::uint32_t>::max();

  ExpectGivenUp("of pusher 1 does not make sense in shared memory");
  ExpectNextIsEight();
}

TEST_F(NonsenseJob, OfAFileThatIsNoneIsGivenUp) {
  PushTwo();
  Slots().header().magic = 1;

  ExpectGivenUp("of pusher 1 does not make sense in shared memory");
}

TEST_F(NonsenseJob, OfAHintOfTheNextSlotIsNotFollowed) {
  PushTwo();
  Slots().HeaderOf(memory_.entry(first_)).next_slot = 60000;

  auto job = puller_.TryTake();

  ASSERT_TRUE(job.ok() && job->has_value()) << job.status();
  EXPECT_EQ(NumberIn((*job)->data()), 7u);
  job->reset();
  ExpectNextIsEight();
}

TEST_F(NonsenseJob, OfAHeadThatFitsNoEntryIsSaidToAPusherThatWaitsForRoom) {
  Pusher patient = OpenPusher(FailingSpec());   // joins on_full: fail; only its own waits for room are patient
  FillTheRing();
  absl::StatusOr<bool> waited = false;
  std::thread waiter([&] { waited = patient.WaitForRoom(absl::InfiniteDuration()); });
  while (memory_.readers.wake->space_armed.load() == 0) usleep(100);
  memory_.AgeEntries(1000);
  const absl::Status pushed = PushNumber(pusher_, 1, kNoWait);
  waiter.join();

  EXPECT_TRUE(absl::IsDataLoss(pushed)) << pushed;
  ASSERT_TRUE(waited.ok()) << waited.status();
  EXPECT_TRUE(*waited) << "the push says what is wrong";
}

TEST_F(NonsenseJob, OfAClaimNobodyCanHaveIsNobodysInTheErrorOfAFullRing) {
  FillTheRing();
  const std::uint64_t lap = memory_.ring.Lap(first_);
  for (const std::uint32_t owner : {0u, 200u}) {
    memory_.readers.ClaimAt(first_).store(ring::ClaimWord::Make(lap, ring::ClaimState::kClaimed, 0, owner).bits);

    const absl::Status pushed = PushNumber(pusher_, 1, kNoWait);

    EXPECT_TRUE(absl::IsResourceExhausted(pushed)) << pushed;
    EXPECT_THAT(std::string(pushed.message()), HasSubstr("no puller has taken it"));
  }
}

TEST_F(NonsenseJob, OfASenderIsNotKnownInTheErrorOfAFullRing) {
  FillTheRing();
  const auto error = [&] { return std::string(PushNumber(pusher_, 1, kNoWait).message()); };
  EXPECT_THAT(error(), AllOf(HasSubstr("pusher pid "), Not(HasSubstr("not known any more"))));

  Slots().header().magic = 1;
  EXPECT_THAT(error(), HasSubstr("a pusher that is not known any more sent it"));
  std::filesystem::remove(DataFile());
  EXPECT_THAT(error(), HasSubstr("a pusher that is not known any more sent it"));
  WriteFile(DataFile(), "short");
  EXPECT_THAT(error(), HasSubstr("a pusher that is not known any more sent it"));
}

TEST_F(NonsenseJob, OfLongAgoIsOlderThanAnyLifespan) {
  ChannelSpec spec = JobsSpec();
  spec.name = "test/aging";
  spec.qos.lifespan_ns = std::numeric_limits<std::int64_t>::max();
  Pusher pusher = OpenPusher(spec);
  Puller puller = OpenPuller(spec);
  ASSERT_TRUE(PushNumber(pusher, 7, kNoWait).ok());
  const SlotsMemory slots(Directory("test%2Faging"), 1, NthGeneration(1));
  const ChannelMemory memory(Directory("test%2Faging"));
  slots.HeaderOf(memory.entry(memory.head() - 1)).publish_ns = std::numeric_limits<std::int64_t>::min();

  EXPECT_FALSE((*puller.TryTake()).has_value());
  EXPECT_EQ(puller.stats().expired, 1u);
}

class NonsenseOfJobs : public NonsenseJob {
 protected:
  static ChannelSpec BlockingSpec() {
    ChannelSpec spec = JobsSpec();
    spec.name = "test/blocking";
    return spec;
  }
};

TEST_F(NonsenseOfJobs, IsSaidToAPushThatWaits) {
  Pusher pusher = OpenPusher(BlockingSpec());
  const ChannelMemory memory(Directory("test%2Fblocking"));
  for (std::uint32_t i = 0; i < memory.ring.size; ++i) ASSERT_TRUE(PushNumber(pusher, i, kNoWait).ok());
  absl::Status pushed;
  std::thread waiter([&] { pushed = PushNumber(pusher, 1, absl::InfiniteDuration()); });
  while (memory.readers.wake->space_armed.load() == 0) usleep(100);

  memory.AgeEntries(1000);
  waiter.join();

  EXPECT_TRUE(absl::IsDataLoss(pushed)) << pushed;
}

}  // namespace
}  // namespace shmcomm::test
