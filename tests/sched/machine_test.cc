// SPDX-License-Identifier: Apache-2.0
// The checker's scheduler, kernel, race detector and explorer.
#include <gtest/gtest.h>

#include "sched/litmus.h"

namespace shmcomm::sched {
namespace {

Litmus PassPlainData(std::memory_order store, std::memory_order load) {
  return Litmus({[=](Litmus& t) {
                   base::StorePlain(t.data, 7u);
                   t.x.store(1, store);
                 },
                 [=](Litmus& t) {
                   if (t.x.load(load) == 1) t.r[0] = base::LoadPlain(t.data);
                 }});
}

TEST(RaceDetector, AcceptsDataHandedOverByReleaseAndAcquire) {
  Litmus test = PassPlainData(kRelease, kAcquire);

  const Report report = test.ExploreAll();

  EXPECT_FALSE(report.is_violated) << report.what << '\n' << report.trace;
  EXPECT_TRUE(test.Reaches(7, 0));
}

TEST(RaceDetector, ReportsDataHandedOverRelaxed) {
  for (const auto& [store, load] : {std::pair{kRelaxed, kAcquire}, {kRelease, kRelaxed}}) {
    const Report report = PassPlainData(store, load).ExploreAll();
    EXPECT_TRUE(report.is_violated);
    EXPECT_NE(report.what.find("data race"), std::string::npos) << report.what;
  }
}

TEST(RaceDetector, TakesNoOrderFromFencesAlone) {
  Litmus test({[](Litmus& t) {
                 base::StorePlain(t.data, 7u);
                 base::FenceSeqCst();
               },
               [](Litmus& t) {
                 base::FenceSeqCst();
                 t.r[0] = base::LoadPlain(t.data);
               }});

  EXPECT_TRUE(test.ExploreAll().is_violated);
}

TEST(RaceDetector, ReportsAWriteAfterAnUnorderedRead) {
  Litmus test({[](Litmus& t) {
                 t.r[0] = base::LoadPlain(t.data);
                 t.x.store(1, kRelaxed);
               },
               [](Litmus& t) {
                 if (t.x.load(kAcquire) == 1) base::StorePlain(t.data, 7u);
               }});

  EXPECT_TRUE(test.ExploreAll().is_violated);
}

// Two threads that enter a section when the other has not asked for it.
Litmus Dekker(bool with_fences) {
  const auto enter = [with_fences](Word Litmus::*mine, Word Litmus::*other) {
    return [=](Litmus& t) {
      (t.*mine).store(1, kRelease);
      if (with_fences) base::FenceSeqCst();
      if ((t.*other).load(kAcquire) != 0) return;
      t.r[0] = base::LoadPlain(t.data);
      base::StorePlain(t.data, t.r[0] + 1);
    };
  };
  return Litmus({enter(&Litmus::x, &Litmus::y), enter(&Litmus::y, &Litmus::x)});
}

TEST(Explorer, FindsTheTwoInsideABrokenDekker) {
  const Report report = Dekker(false).ExploreAll();

  EXPECT_TRUE(report.is_violated);
  EXPECT_LT(report.executions, 300u);
}

TEST(Explorer, FindsNobodyTogetherInAFencedDekker) {
  const Report report = Dekker(true).ExploreAll();

  EXPECT_FALSE(report.is_violated) << report.what << '\n' << report.trace;
  EXPECT_TRUE(report.is_exhausted);
}

TEST(Explorer, ReplaysAViolationFromItsRecipe) {
  Litmus test = Dekker(false);
  const Report found = test.ExploreAll();

  const Report again = Replay(test, Plan{}, found.recipe);

  EXPECT_TRUE(again.is_violated);
  EXPECT_EQ(again.what, found.what);
  EXPECT_EQ(again.trace, found.trace);
}

TEST(Explorer, VisitsEveryInterleaving) {
  const auto append = [](std::uint32_t digit) {
    return [digit](Litmus& t) {
      for (int i = 0; i < 2; ++i) {
        std::uint32_t seen = t.x.load(kRelaxed);
        while (!t.x.compare_exchange_strong(seen, seen * 10 + digit, kAcqRel, kRelaxed)) base::Pause();
      }
      t.r[0] = t.x.load(kRelaxed);
    };
  };
  Litmus test({append(1), append(2)});

  test.ExploreAll(6);

  std::set<std::uint32_t> orders;
  for (const Litmus::Outcome& outcome : test.outcomes) {
    if (outcome[0] > 1000) orders.insert(outcome[0]);
  }
  EXPECT_EQ(orders, (std::set<std::uint32_t>{1122, 1212, 1221, 2112, 2121, 2211}));
}

TEST(Explorer, ReportsThreadsThatRunForEver) {
  Litmus test({[](Litmus& t) {
    while (t.x.load(kAcquire) == 0) base::Pause();
  }});

  const Report report = test.ExploreAll();

  EXPECT_TRUE(report.is_violated);
  EXPECT_NE(report.what.find("no progress"), std::string::npos) << report.what;
}

// The sleeper looks for y, the other sets it and wakes; r[0] tells that the sleeper has seen it.
class Sleeping : public Litmus {
 public:
  Sleeping(bool sleeper_fences, bool waker_fences)
      : Litmus({[=](Litmus& t) {
                  const std::uint32_t word = t.x.load(kAcquire);
                  t.z.store(1, kRelaxed);
                  if (sleeper_fences) base::FenceSeqCst();
                  if (t.y.load(kAcquire) == 0) t.machine->FutexWait(&t.x, word, 1);
                },
                [=](Litmus& t) {
                  t.y.store(1, kRelease);
                  if (waker_fences) base::FenceSeqCst();
                  if (t.z.load(kRelaxed) == 0) return;
                  t.x.fetch_add(1, kRelease);
                  t.machine->FutexWake(&t.x, 99);
                }}) {}
  void Rest(Machine& on) override {
    on.Check(on.StateOf(0) != ThreadState::kAsleep || y.load(kRelaxed) == 0, "asleep beside what it waits for");
  }
};

TEST(Futex, NeverLosesAWakeBetweenTwoFences) {
  const Report report = Sleeping(true, true).ExploreAll();

  EXPECT_FALSE(report.is_violated) << report.what << '\n' << report.trace;
  EXPECT_TRUE(report.is_exhausted);
}

TEST(Futex, ShowsALostWakeAsASleeperAtRest) {
  EXPECT_TRUE(Sleeping(false, true).ExploreAll().is_violated);
  EXPECT_TRUE(Sleeping(true, false).ExploreAll().is_violated);
}

Litmus Asymmetric(bool with_barrier) {
  return Litmus({[](Litmus& t) {
                   t.machine->RegisterForBarrier();
                   t.x.store(1, kRelease);
                   base::CompilerBarrier();
                   t.r[0] = t.y.load(kRelaxed);
                 },
                 [=](Litmus& t) {
                   t.y.store(1, kRelaxed);
                   if (with_barrier) t.machine->BarrierAll();
                   t.r[1] = t.x.load(kAcquire);
                 }});
}

TEST(Barrier, IsTheOtherSidesFence) {
  Litmus test = Asymmetric(true);

  ASSERT_TRUE(test.ExploreAll().is_exhausted);

  EXPECT_FALSE(test.Reaches(0, 0));
  EXPECT_EQ(test.outcomes.size(), 3u);
}

TEST(Barrier, IsMissedWhereItIsLeftOut) {
  Litmus test = Asymmetric(false);

  ASSERT_TRUE(test.ExploreAll().is_exhausted);

  EXPECT_TRUE(test.Reaches(0, 0));
}

// A thread writes under a lock and may be killed anywhere; another one takes the lock when it can.
class Inheriting : public Litmus {
 public:
  Inheriting() : Litmus({}) {}
  void Start(Machine& on) override {
    Litmus::Start(on);
    on.SpawnMortal("owner", [this] {
      if (!machine->TryLock(1, 0)) return;
      base::StorePlain(data, 1u);
      x.store(1, kRelaxed);
      base::StorePlain(data, 2u);
      x.store(2, kRelaxed);
      machine->Unlock(1, 0);
    });
    on.Spawn("heir", [this] {
      if (!machine->TryLock(2, 0)) return;
      r[0] = base::LoadPlain(data);
      r[1] = x.load(kRelaxed);
      r[2] = machine->kills();
    });
  }
};

TEST(Lock, IsFreeAndHandsOverItsMemoryWhenItsHolderIsKilled) {
  Inheriting test;
  Plan plan;
  plan.bounds.kills = 1;
  const Report report = Explore(test, plan);

  EXPECT_FALSE(report.is_violated) << report.what << '\n' << report.trace;
  EXPECT_TRUE(test.Reaches(2, 2, 0));
  EXPECT_TRUE(test.Reaches(2, 2, 1));
  EXPECT_TRUE(test.Reaches(2, 1, 1));
  EXPECT_TRUE(test.Reaches(1, 0, 1));
  EXPECT_FALSE(test.Reaches(1, 0, 0)) << "a living holder keeps its lock";
}

}  // namespace
}  // namespace shmcomm::sched
