// SPDX-License-Identifier: Apache-2.0
// Pushers and pullers of one process, a thread each, at full speed: every job is done once, and read whole.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#include "shmcomm/puller.h"
#include "shmcomm/pusher.h"
#include "support/temporary_root.h"
#include "support/watchdog.h"

namespace shmcomm {
namespace {

constexpr std::uint64_t kWords = 32;
constexpr std::uint64_t kPushers = 2, kPullers = 3;
constexpr std::uint64_t kJobs = 4000;  // of each pusher
using Words = std::uint64_t[kWords];

class JobsInOneProcess : public ::testing::Test {
 protected:
  static ChannelSpec Spec() {
    ChannelSpec spec;
    spec.name = "stress/jobs";
    spec.pattern = Pattern::kPushPull;
    spec.qos.max_size = sizeof(Words);
    return spec;
  }
  template <class Options>
  Options Here() const {
    Options options;
    options.root = root_.path();
    return options;
  }
  void PushAll(std::uint64_t source) {
    auto pusher = Pusher::Open(Spec(), Here<PusherOptions>());
    ASSERT_TRUE(pusher.ok()) << pusher.status();
    for (std::uint64_t count = 0; count < kJobs; ++count) {
      Words words;
      for (std::uint64_t& word : words) word = source * kJobs + count;
      const absl::Status status = pusher->PushCopy(words, sizeof(words), Codec::kBytes);
      ASSERT_TRUE(status.ok()) << status;
    }
  }
  /// Every hundredth job is given back at its first attempt; half of the others are acknowledged, half only let go.
  void Work(Puller& puller) {
    for (;;) {
      absl::StatusOr<Job> job = puller.Take(absl::InfiniteDuration());
      if (absl::IsCancelled(job.status())) return;
      ASSERT_TRUE(job.ok()) << job.status();
      ASSERT_EQ(job->size(), sizeof(Words));
      const auto* words = reinterpret_cast<const std::uint64_t*>(job->data());
      const std::uint64_t value = words[0];
      for (std::uint64_t i = 1; i < kWords; ++i) ASSERT_EQ(words[i], value);
      ASSERT_LT(value, done_.size());
      if (value % 100 == 0 && job->attempt() == 0) {
        ASSERT_TRUE(job->GiveBack().ok());
        continue;
      }
      done_[value].fetch_add(1, std::memory_order_relaxed);
      left_.fetch_sub(1, std::memory_order_relaxed);
      if (value % 2 == 0) {
        ASSERT_TRUE(job->Ack().ok());
      }
    }
  }

  test::TemporaryRoot root_;
  test::Watchdog watchdog_{"the stress of jobs"};
  std::vector<std::atomic<int>> done_ = std::vector<std::atomic<int>>(kPushers * kJobs);
  std::atomic<std::uint64_t> left_{kPushers * kJobs};
};

TEST_F(JobsInOneProcess, AreReadWholeAndDoneOnceEach) {
  std::vector<Puller> pullers;
  for (std::uint64_t i = 0; i < kPullers; ++i) {
    auto puller = Puller::Open(Spec(), Here<PullerOptions>());
    ASSERT_TRUE(puller.ok()) << puller.status();
    pullers.push_back(*std::move(puller));
  }
  std::vector<std::thread> workers, pushers;
  for (Puller& puller : pullers) workers.emplace_back([this, &puller] { Work(puller); });
  for (std::uint64_t source = 0; source < kPushers; ++source) pushers.emplace_back([this, source] { PushAll(source); });

  for (std::thread& pusher : pushers) pusher.join();
  while (left_.load(std::memory_order_relaxed) > 0 && !HasFatalFailure()) std::this_thread::yield();
  for (Puller& puller : pullers) puller.Cancel();
  for (std::thread& worker : workers) worker.join();

  for (std::size_t job = 0; job < done_.size(); ++job) ASSERT_EQ(done_[job].load(), 1) << job;
}

}  // namespace
}  // namespace shmcomm
