// SPDX-License-Identifier: Apache-2.0
#include "base/atomic.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <thread>

#include "support/watchdog.h"

namespace shmcomm::base {
namespace {

// Both threads meet before every round, without a sleep; whoever is early gives its processor away.
class Rounds {
 public:
  void Meet(std::uint32_t round) {
    arrived_.fetch_add(1, std::memory_order_acq_rel);
    while (arrived_.load(std::memory_order_acquire) < 2 * (round + 1)) {
      Pause();
      if (++looks_ % 64 == 0) std::this_thread::yield();
    }
  }

 private:
  Atomic<std::uint32_t> arrived_{0};
  static thread_local std::uint32_t looks_;
};
thread_local std::uint32_t Rounds::looks_ = 0;

TEST(FenceSeqCst, LetsOneOfTwoThreadsSeeTheOthersStore) {
  const test::Watchdog watchdog("FenceSeqCst");
  constexpr std::uint32_t kRounds = 20000;
  Atomic<std::uint32_t> stored[2] = {};
  std::uint32_t seen[2] = {};
  std::uint32_t both_missed = 0;
  Rounds before, after;
  const auto run = [&](int me) {
    for (std::uint32_t round = 0; round < kRounds; ++round) {
      before.Meet(round);
      stored[me].store(round + 1, std::memory_order_relaxed);
      FenceSeqCst();
      seen[me] = stored[1 - me].load(std::memory_order_relaxed);
      after.Meet(round);
      if (me == 0 && seen[0] == round && seen[1] == round) ++both_missed;
    }
  };

  std::thread other(run, 1);
  run(0);
  other.join();

  EXPECT_EQ(both_missed, 0u);
}

TEST(PlainAccess, ReadsBackWhatWasStored) {
  std::uint64_t word = 0;

  StorePlain(word, std::uint64_t{0x0123456789ABCDEF});

  EXPECT_EQ(LoadPlain(word), 0x0123456789ABCDEFu);
}

TEST(Hints, ChangeNothing) {
  std::uint64_t word = 7;

  PrefetchForRead(&word);
  Pause();
  CompilerBarrier();

  EXPECT_EQ(word, 7u);
}

}  // namespace
}  // namespace shmcomm::base
