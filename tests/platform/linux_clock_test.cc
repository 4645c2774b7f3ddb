// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <ctime>
#include <thread>
#include <vector>

#include "platform/os.h"
#include "support/watchdog.h"

namespace shmcomm::platform {
namespace {

// Half a microsecond is promised; the rest is for a kernel that steers harder than usual.
constexpr std::int64_t kToleranceNs = 5000;

std::int64_t MonotonicNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

/// How far outside of two readings of the real clock NowNs() was at worst, over `span_ns`.
std::int64_t WorstErrorNs(std::int64_t span_ns) {
  std::int64_t worst = 0;
  const std::int64_t start = MonotonicNs();
  for (std::int64_t before = start; before - start < span_ns; before = MonotonicNs()) {
    const std::int64_t now = NowNs();
    const std::int64_t after = MonotonicNs();
    worst = std::max({worst, before - now, now - after});
  }
  return worst;
}

TEST(NowNs, IsTheMonotonicClock) { EXPECT_LE(WorstErrorNs(100'000'000), kToleranceNs); }

// A thread that is stopped between its looks at two clocks must not believe that they belong together.
TEST(NowNs, IsTheMonotonicClockWhileThreadsFightForProcessors) {
  const test::Watchdog watchdog("NowNs");
  const unsigned threads = 4 * std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::int64_t> worst(threads);
  std::vector<std::thread> running;

  for (unsigned i = 0; i < threads; ++i) running.emplace_back([&, i] { worst[i] = WorstErrorNs(2'000'000'000); });
  for (std::thread& thread : running) thread.join();

  EXPECT_LE(*std::max_element(worst.begin(), worst.end()), kToleranceNs);
}

}  // namespace
}  // namespace shmcomm::platform
