// SPDX-License-Identifier: Apache-2.0
// Pushers and pullers killed at random moments: a book in shared memory accounts for every job. SHMCOMM_KILLS sets how many
// die (300), SHMCOMM_SEED repeats a run's choices.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>

#include "base/atomic.h"
#include "crash/killing.h"
#include "shmcomm/puller.h"
#include "shmcomm/pusher.h"

namespace shmcomm::crash {
namespace {

constexpr std::uint64_t kMostJobs = 1 << 24;  // some 470 a kill; what is not used is not backed

enum JobState : std::uint8_t { kUnused, kOnItsWay, kPushed };   // the pusher of one on its way was perhaps killed

struct JobEntry {
  std::atomic<std::uint8_t> state;
  std::atomic<std::uint8_t> is_done;        // set after Ack
  std::atomic<std::uint16_t> runs;
  std::atomic<std::uint32_t> owner;         // the life that has it, or had it last
  std::atomic<std::uint32_t> finisher;      // the life that was about to acknowledge it
};

struct JobBook : KillingShared {
  std::atomic<std::uint64_t> next;
  std::atomic<std::uint64_t> done;
  JobEntry jobs[kMostJobs];
};

ChannelSpec Spec() {
  ChannelSpec spec;
  spec.name = "kill/jobs";
  spec.declared_at = "kill.channel:1";
  spec.pattern = Pattern::kPushPull;
  spec.qos.max_size = sizeof(std::uint64_t);
  spec.qos.max_publishers = 8;
  spec.qos.max_subscribers = 8;
  spec.qos.max_attempts = 15;
  spec.message = {"kill.Job", 7, true, sizeof(std::uint64_t), nullptr, 0};
  return spec;
}

class KillJobs : public KillingTest<JobBook> {
 protected:
  void PushUntilStopped() const {
    auto pusher = Pusher::Open(Spec(), Here<PusherOptions>());
    if (!pusher.ok()) return shared_->Wrong(pusher.status().ToString());
    while (!shared_->stop) {
      const std::uint64_t number = shared_->next.fetch_add(1);
      if (number >= kMostJobs) return;
      shared_->jobs[number].state = kOnItsWay;
      const absl::Status pushed = pusher->PushCopy(&number, sizeof(number), Codec::kStruct, absl::InfiniteDuration());
      if (!pushed.ok()) return shared_->Wrong(pushed.ToString());
      shared_->jobs[number].state = kPushed;
    }
  }

  void PullUntilAllIsDone(std::uint32_t life) const {
    auto puller = Puller::Open(Spec(), Here<PullerOptions>());
    if (!puller.ok()) return shared_->Wrong(puller.status().ToString());
    while (!shared_->stop || IsAnyJobLeft()) {
      absl::StatusOr<Job> job = puller->Take(absl::Milliseconds(20));
      if (job.ok()) {
        Do(*job, life);
      } else if (!absl::IsDeadlineExceeded(job.status())) {
        return shared_->Wrong(job.status().ToString());
      }
    }
  }

  void Do(Job& job, std::uint32_t life) const {
    std::uint64_t number = 0;
    std::memcpy(&number, job.data(), sizeof(number));
    if (job.size() != sizeof(number) || number >= kMostJobs) return shared_->Wrong("a job that nobody pushed");
    JobEntry& entry = shared_->jobs[number];
    const std::string name = "job " + std::to_string(number);
    const std::uint32_t before = entry.owner.exchange(life);
    if (before != 0 && !shared_->is_killed[before]) shared_->Wrong(name + " was given to two that live");
    if (entry.runs.fetch_add(1) > job.attempt()) shared_->Wrong(name + " was run more often than its attempt says");
    if (entry.is_done != 0) shared_->Wrong(name + " was done before");
    for (int i = 0; i < 200; ++i) base::Pause();
    entry.finisher = life;
    if (const absl::Status done = job.Ack(); !done.ok()) return shared_->Wrong(done.ToString());
    entry.is_done = 1;
    shared_->done.fetch_add(1);
  }

  /// Pushed, and neither done nor in the hands of one that was killed while it acknowledged it.
  bool IsAnyJobLeft() const {
    const std::uint64_t end = std::min(shared_->next.load(), kMostJobs);
    for (std::uint64_t number = 0; number < end; ++number) {
      const JobEntry& entry = shared_->jobs[number];
      if (entry.state == kPushed && entry.is_done == 0 && !shared_->is_killed[entry.finisher]) return true;
    }
    return false;
  }
};

TEST_F(KillJobs, EveryJobIsDoneOnceOrGivenOnAfterADeath) {
  std::optional<Pusher> witness = *Pusher::Open(Spec(), Here<PusherOptions>());   // counts what is given up
  for (int i = 0; i < 6; ++i) {
    const bool is_victim = i % 3 != 0;
    Start(is_victim, [this](std::uint32_t) { PushUntilStopped(); });
    Start(is_victim, [this](std::uint32_t life) { PullUntilAllIsDone(life); });
  }

  KillAndReplace(FromEnvironment("SHMCOMM_KILLS", 300));
  StopAll();

  EXPECT_FALSE(IsAnyJobLeft());
  EXPECT_GT(shared_->done, 0u);
  EXPECT_EQ(witness->stats().dead_letters, 0u);
  std::printf("%llu pushed, %llu done\n", static_cast<unsigned long long>(shared_->next.load()),
              static_cast<unsigned long long>(shared_->done.load()));
  witness.reset();
  EXPECT_EQ(FilesLeft(), std::vector<std::string>{});
}

}  // namespace
}  // namespace shmcomm::crash
