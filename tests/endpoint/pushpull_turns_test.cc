// SPDX-License-Identifier: Apache-2.0
// Pullers that wait: woken one for a job, in turn. SHMCOMM_TURN_JOBS sets how many jobs are shared (2,000).
#include <gtest/gtest.h>
#include <poll.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "channel/channel.h"
#include "shmcomm/puller.h"
#include "shmcomm/pusher.h"
#include "shmcomm/wait_set.h"
#include "support/start.h"
#include "support/temporary_root.h"
#include "support/watchdog.h"

namespace shmcomm {
namespace {

constexpr std::uint32_t kPullers = 4;

std::uint64_t JobsToShare() {
  const char* text = std::getenv("SHMCOMM_TURN_JOBS");
  return text == nullptr ? 2'000 : std::strtoull(text, nullptr, 10);
}

class PullersInTurn : public ::testing::Test {
 protected:
  static ChannelSpec Spec() {
    ChannelSpec spec;
    spec.name = "test/turns";
    spec.declared_at = "test.channel:1";
    spec.pattern = Pattern::kPushPull;
    spec.qos.max_size = sizeof(std::uint64_t);
    spec.message = {"test.Number", 7, true, sizeof(std::uint64_t), nullptr, 0};
    return spec;
  }
  PullersInTurn() { setenv("SHMCOMM_ROOT", root_.path().c_str(), 1); }
  ~PullersInTurn() override { unsetenv("SHMCOMM_ROOT"); }

  static absl::Status Push(Pusher& pusher, std::uint64_t value) {
    return pusher.PushCopy(&value, sizeof(value), Codec::kStruct);
  }

  test::TemporaryRoot root_;
  test::Watchdog watchdog_{"a test of pullers in turn", std::chrono::seconds(280)};
};

/// Pullers on threads of their own that count what they take, until they are cancelled.
class Crowd {
 public:
  explicit Crowd(const ChannelSpec& spec) {
    pullers_.reserve(kPullers);
    for (std::uint32_t i = 0; i < kPullers; ++i) pullers_.push_back(*Puller::Open(spec));
    for (std::uint32_t i = 0; i < kPullers; ++i) {
      threads_.emplace_back([this, i] {
        while (pullers_[i].Take(absl::InfiniteDuration()).ok()) taken_[i].fetch_add(1);
      });
    }
  }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;
  ~Crowd() {
    for (Puller& puller : pullers_) puller.Cancel();
    for (std::thread& thread : threads_) thread.join();
  }
  std::uint64_t total() const { return taken_[0].load() + taken_[1].load() + taken_[2].load() + taken_[3].load(); }
  /// 25 % each, within 5.
  void ExpectEqualShares(std::uint64_t jobs) const {
    for (const auto& taken : taken_) {
      EXPECT_GE(taken.load(), jobs / 5);
      EXPECT_LE(taken.load(), jobs * 3 / 10);
    }
    std::printf("turns jobs %llu\n", static_cast<unsigned long long>(jobs));
  }

 private:
  std::vector<Puller> pullers_;
  std::array<std::atomic<std::uint64_t>, kPullers> taken_{};
  std::vector<std::thread> threads_;
};

void AwaitAllIdle(const ring::ReadersView& readers) {
  while (__builtin_popcountll(readers.IdleWord(0).load()) != static_cast<int>(kPullers)) std::this_thread::yield();
}

TEST_F(PullersInTurn, EachGetsItsShareAndEachJobWakesOne) {
  auto pusher = *Pusher::Open(Spec());
  const auto channel = *channel::Channel::Open(Spec(), {}, channel::Role::kReader);
  const ring::ReadersView& readers = channel.site().readers;
  const std::uint64_t jobs = JobsToShare();
  std::uint64_t wakes = 0;
  Crowd crowd(Spec());

  for (std::uint64_t i = 0; i < jobs; ++i) {
    AwaitAllIdle(readers);
    ASSERT_TRUE(Push(pusher, i).ok());
  }
  AwaitAllIdle(readers);

  crowd.ExpectEqualShares(jobs);
  for (std::uint32_t line = 0; line < readers.count; ++line) wakes += readers.lines[line].bell.load() - test::FirstWord();
  EXPECT_EQ(wakes, jobs);
}

TEST_F(PullersInTurn, EachGetsItsShareOfJobsThatComeBackToBack) {
  auto pusher = *Pusher::Open(Spec());
  const auto channel = *channel::Channel::Open(Spec(), {}, channel::Role::kReader);
  const std::uint64_t jobs = JobsToShare();
  Crowd crowd(Spec());
  AwaitAllIdle(channel.site().readers);

  // The next as soon as one is taken: whoever took that one is awake, the others wait.
  for (std::uint64_t i = 0; i < jobs; ++i) {
    while (crowd.total() != i) std::this_thread::yield();
    ASSERT_TRUE(Push(pusher, i).ok());
  }
  while (crowd.total() != jobs) std::this_thread::yield();

  crowd.ExpectEqualShares(jobs);
}

TEST_F(PullersInTurn, NoJobWaitsForAPullerThatDoesNotCome) {
  auto pusher = *Pusher::Open(Spec());
  auto absent = *Puller::Open(Spec());
  auto present = *Puller::Open(Spec());

  for (std::uint64_t i = 0; i < 100; ++i) {
    ASSERT_TRUE(absent.fd().ok());
    ASSERT_FALSE(absent.TryTake()->has_value());   // stands in the queue
    ASSERT_TRUE(Push(pusher, i).ok());             // and is called

    const auto job = present.Take(absl::InfiniteDuration());

    ASSERT_TRUE(job.ok()) << job.status();
    EXPECT_EQ(test::IndexOf(job->sequence()), i);
  }
}

TEST_F(PullersInTurn, NoJobIsLeftLyingWhenManyComeAtOnce) {
  auto pusher = *Pusher::Open(Spec());
  Crowd crowd(Spec());

  for (std::uint64_t i = 0; i < 20'000; ++i) ASSERT_TRUE(Push(pusher, i).ok());
  while (crowd.total() != 20'000) std::this_thread::yield();

  EXPECT_EQ(pusher.stats().sent, 20'000u);
}

TEST_F(PullersInTurn, ADescriptorBecomesReadableForAJob) {
  auto pusher = *Pusher::Open(Spec());
  auto puller = *Puller::Open(Spec());
  const int fd = *puller.fd();
  for (std::uint64_t i = 0; i < 100; ++i) {
    while (puller.TryTake()->has_value()) {
    }
    ASSERT_TRUE(Push(pusher, i).ok());

    pollfd watched{fd, POLLIN, 0};
    ASSERT_EQ(poll(&watched, 1, -1), 1);
    const auto job = puller.TryTake();

    ASSERT_TRUE(job.ok() && job->has_value());
  }
}

TEST_F(PullersInTurn, AWaitSetNamesThePullerThatHasAJob) {
  auto pusher = *Pusher::Open(Spec());
  auto puller = *Puller::Open(Spec());
  WaitSet set;
  const auto key = *set.Add(puller);
  ASSERT_TRUE(set.Wait(absl::ZeroDuration())->empty());
  std::thread later([&] { ASSERT_TRUE(Push(pusher, 1).ok()); });

  const auto ready = set.Wait(absl::InfiniteDuration());
  later.join();

  ASSERT_TRUE(ready.ok()) << ready.status();
  EXPECT_TRUE(ready->Has(key));
  EXPECT_TRUE(puller.TryTake()->has_value());
}

}  // namespace
}  // namespace shmcomm
