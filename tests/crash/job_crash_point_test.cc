// SPDX-License-Identifier: Apache-2.0
// SIGKILL at every crash point of a puller's, a pusher's and a cleaner's life. After each death every job has been done by
// somebody, once: by the dead, if it had said so, or else by a survivor with the attempt raised if the dead had it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "crash/dying_child.h"
#include "shmcomm/puller.h"
#include "shmcomm/pusher.h"
#include "support/forked_child.h"
#include "support/temporary_root.h"
#include "support/watchdog.h"

namespace shmcomm {
namespace {

constexpr std::uint64_t kJobs = 6;      // a life

/// What a child got done, in memory shared with its parent.
struct Done {
  std::uint64_t taken;        // jobs
  std::uint64_t acknowledged;
};

class JobCrashPoints : public ::testing::Test {
 protected:
  JobCrashPoints() {
    void* page = mmap(nullptr, sizeof(Done), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    done_ = static_cast<Done*>(page);
  }
  ~JobCrashPoints() override { munmap(done_, sizeof(Done)); }

  static ChannelSpec Spec() {
    ChannelSpec spec;
    spec.name = "crash/jobs";
    spec.declared_at = "crash.channel:1";
    spec.pattern = Pattern::kPushPull;
    spec.qos.max_size = sizeof(std::uint64_t);
    spec.qos.max_subscribers = 3;
    spec.qos.max_publishers = 2;
    spec.message = {"crash.Number", 7, true, sizeof(std::uint64_t), nullptr, 0};
    return spec;
  }
  absl::StatusOr<Pusher> OpenPusher() const {
    PusherOptions options;
    options.root = root_.path();
    return Pusher::Open(Spec(), options);
  }
  absl::StatusOr<Puller> OpenPuller() const {
    PullerOptions options;
    options.root = root_.path();
    options.spin = absl::ZeroDuration();
    return Puller::Open(Spec(), options);
  }
  static absl::Status Push(Pusher& pusher, std::uint64_t value) {
    return pusher.PushCopy(&value, sizeof(value), Codec::kStruct, absl::ZeroDuration());
  }
  static void PushJobs(Pusher& pusher) {
    for (std::uint64_t i = 0; i < kJobs; ++i) ASSERT_TRUE(Push(pusher, i).ok());
  }

  /// Takes three jobs, says of two that they are done, and goes to sleep in the end.
  bool LiveAsPuller() {
    auto puller = OpenPuller();
    if (!puller.ok()) return false;
    std::optional<Job> kept;
    for (int i = 0; i < 3; ++i) {
      auto job = puller->Take(absl::ZeroDuration());
      if (!job.ok()) return false;
      ++done_->taken;
      if (i == 1) {
        kept.emplace(*std::move(job));
        continue;
      }
      if (!job->Ack().ok()) return false;
      ++done_->acknowledged;
    }
    kept.reset();
    ++done_->acknowledged;
    for (auto job = puller->TryTake(); job.ok() && job->has_value(); job = puller->TryTake()) {
      ++done_->taken;
      job->reset();
      ++done_->acknowledged;
    }
    return absl::IsDeadlineExceeded(puller->Take(absl::Milliseconds(1)).status());
  }
  bool LiveAsPusher() {
    auto pusher = OpenPusher();
    if (!pusher.ok()) return false;
    for (std::uint64_t i = 0; i < kJobs; ++i) {
      if (!Push(*pusher, i).ok()) return false;
      ++done_->taken;
    }
    return true;
  }
  bool LiveAsCleaner() { return OpenPuller().ok(); }

  /// Values and attempts of all that can be taken, each acknowledged.
  static std::multimap<std::uint64_t, std::uint32_t> Drain(Puller& puller) {
    std::multimap<std::uint64_t, std::uint32_t> jobs;
    for (auto job = puller.TryTake(); job.ok() && job->has_value(); job = puller.TryTake()) {
      std::uint64_t value = 0;
      std::memcpy(&value, (*job)->data(), sizeof(value));
      jobs.emplace(value, (*job)->attempt());
    }
    return jobs;
  }
  std::vector<std::string> FilesLeft() const {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root_.path())) files.push_back(entry.path());
    return files;
  }
  std::string Place(std::uint64_t n) const { return "died at " + child_.last() + ", point " + std::to_string(n); }

  test::TemporaryRoot root_;
  test::Watchdog watchdog_{"a pushpull crash test"};
  crash::DyingChild child_;
  Done* done_ = nullptr;
  std::set<std::string> met_;
};

TEST_F(JobCrashPoints, AJobThatAPullerDyingAtAnyHadNotDoneIsDoneOnceBySomebodyElse) {
  auto pusher = OpenPusher();
  auto witness = OpenPuller();
  ASSERT_TRUE(pusher.ok() && witness.ok());
  std::uint64_t n = 1;
  *done_ = Done{};
  ASSERT_NO_FATAL_FAILURE(PushJobs(*pusher));
  for (; child_.Dies(n, [this] { return LiveAsPuller(); }); ++n) {
    SCOPED_TRACE(Place(n));
    met_.insert(child_.last());
    ASSERT_TRUE(OpenPuller().ok());  // cleans up after the dead one

    const auto survived = Drain(*witness);

    // Where it died between the claim's end and its own note of that, one more is done than it could say.
    const std::uint64_t in_doubt = child_.last() == "ring.claim.after_end" ? 1 : 0;
    ASSERT_GE(survived.size() + done_->acknowledged, kJobs - in_doubt);
    ASSERT_LE(survived.size() + done_->acknowledged, kJobs);
    std::uint64_t raised = 0;
    for (auto job = survived.begin(); job != survived.end(); ++job) {
      ASSERT_EQ(survived.count(job->first), 1u);
      raised += job->second;
    }
    ASSERT_LE(raised, 1u + (done_->taken > done_->acknowledged ? done_->taken - done_->acknowledged : 0));
    ASSERT_GE(raised + in_doubt, done_->taken - done_->acknowledged);
    *done_ = Done{};
    ASSERT_NO_FATAL_FAILURE(PushJobs(*pusher));
  }
  EXPECT_THAT(met_, ::testing::IsSupersetOf({"ring.claim.after_join", "ring.claim.after_claim", "ring.claim.after_end",
                                             "wake.turn.after_arm"}));
  EXPECT_EQ(pusher->stats().dead_letters, 0u);
  pusher->Close();
  witness->Close();
  EXPECT_TRUE(FilesLeft().empty());
}

TEST_F(JobCrashPoints, APusherDyingAtAnyLeavesWholeJobsAndAFreePlace) {
  auto witness = OpenPuller();
  ASSERT_TRUE(witness.ok());
  std::uint64_t n = 1;
  *done_ = Done{};
  for (; child_.Dies(n, [this] { return LiveAsPusher(); }); ++n) {
    SCOPED_TRACE(Place(n));
    met_.insert(child_.last());
    auto successor = OpenPusher();
    ASSERT_TRUE(successor.ok()) << successor.status();

    const auto jobs = Drain(*witness);
    ASSERT_TRUE(OpenPusher().ok());  // the dead one's place, now that its jobs are over

    ASSERT_GE(jobs.size(), done_->taken);
    ASSERT_LE(jobs.size(), done_->taken + 1);
    std::uint64_t expected = 0;
    for (const auto& [value, attempt] : jobs) {
      ASSERT_EQ(value, expected++);
      ASSERT_EQ(attempt, 0u);
    }
    ASSERT_TRUE(Push(*successor, 77).ok());
    ASSERT_EQ(Drain(*witness).count(77), 1u);
    *done_ = Done{};
  }
  EXPECT_THAT(met_, ::testing::Contains("ring.commit.after_entry"));
  witness->Close();
  EXPECT_TRUE(FilesLeft().empty());
}

TEST_F(JobCrashPoints, ACleanerDyingAtAnyGivesEachJobBackOnce) {
  auto pusher = OpenPusher();
  auto witness = OpenPuller();
  ASSERT_TRUE(pusher.ok() && witness.ok());
  bool goes_on = true;
  for (std::uint64_t n = 1; goes_on; ++n) {
    for (std::uint64_t i = 0; i < 2; ++i) ASSERT_TRUE(Push(*pusher, i).ok());
    test::StayingChild dead([this](const auto& stay) {
      auto puller = OpenPuller();
      if (!puller.ok()) return;
      const auto one = puller->Take(absl::ZeroDuration());
      const auto other = puller->Take(absl::ZeroDuration());
      if (one.ok() && other.ok()) stay();
    });
    ASSERT_TRUE(dead.is_there());
    dead.Kill();

    goes_on = child_.Dies(n, [this] { return LiveAsCleaner(); });
    SCOPED_TRACE(Place(n));
    met_.insert(child_.last());
    ASSERT_TRUE(OpenPuller().ok());

    const auto jobs = Drain(*witness);
    ASSERT_EQ(jobs.size(), 2u);
    for (const auto& [value, attempt] : jobs) ASSERT_EQ(attempt, 1u);
  }
  EXPECT_THAT(met_, ::testing::IsSupersetOf({"ring.sweep.after_claim", "registry.sweep.before_wake"}));
  pusher->Close();
  witness->Close();
  EXPECT_TRUE(FilesLeft().empty());
}

}  // namespace
}  // namespace shmcomm
