// SPDX-License-Identifier: Apache-2.0
// The checker's memory against the outcomes that C++20 allows and forbids: each allowed one is reached, no forbidden one
// ever is.
#include <gtest/gtest.h>

#include "sched/litmus.h"

namespace shmcomm::sched {
namespace {

Litmus::Body StoreThenLoad(Word Litmus::*mine, Word Litmus::*other, int result, std::memory_order store,
                           std::memory_order load, bool with_fence) {
  return [=](Litmus& t) {
    (t.*mine).store(1, store);
    if (with_fence) base::FenceSeqCst();
    t.r[result] = (t.*other).load(load);
  };
}

Litmus StoreBuffering(std::memory_order store, std::memory_order load, bool with_fence) {
  return Litmus({StoreThenLoad(&Litmus::x, &Litmus::y, 0, store, load, with_fence),
                 StoreThenLoad(&Litmus::y, &Litmus::x, 1, store, load, with_fence)});
}

TEST(StoreBuffering, ReachesBothOldWithReleaseAndAcquire) {
  Litmus test = StoreBuffering(kRelease, kAcquire, false);

  ASSERT_TRUE(test.ExploreAll().is_exhausted);

  EXPECT_TRUE(test.Reaches(0, 0));
  EXPECT_TRUE(test.Reaches(0, 1));
  EXPECT_TRUE(test.Reaches(1, 0));
  EXPECT_TRUE(test.Reaches(1, 1));
}

TEST(StoreBuffering, NeverReachesBothOldWithFences) {
  Litmus test = StoreBuffering(kRelaxed, kRelaxed, true);

  ASSERT_TRUE(test.ExploreAll().is_exhausted);

  EXPECT_FALSE(test.Reaches(0, 0));
  EXPECT_EQ(test.outcomes.size(), 3u);
}

TEST(StoreBuffering, NeverReachesBothOldWithSeqCstAccesses) {
  Litmus test = StoreBuffering(kSeqCst, kSeqCst, false);

  ASSERT_TRUE(test.ExploreAll().is_exhausted);

  EXPECT_FALSE(test.Reaches(0, 0));
  EXPECT_EQ(test.outcomes.size(), 3u);
}

TEST(StoreBuffering, ReachesBothOldWhenOneFenceIsOnlyASeqCstUpdate) {
  Litmus test({[](Litmus& t) {
                 t.x.exchange(1, kSeqCst);
                 t.r[0] = t.y.load(kAcquire);
               },
               StoreThenLoad(&Litmus::y, &Litmus::x, 1, kRelaxed, kRelaxed, true)});

  ASSERT_TRUE(test.ExploreAll().is_exhausted);

  EXPECT_TRUE(test.Reaches(0, 0));
}

Litmus MessagePassing(std::memory_order store, std::memory_order load, bool with_fences) {
  return Litmus({[=](Litmus& t) {
                   t.x.store(1, kRelaxed);
                   if (with_fences) base::FenceSeqCst();
                   t.y.store(1, store);
                 },
                 [=](Litmus& t) {
                   t.r[0] = t.y.load(load);
                   if (with_fences) base::FenceSeqCst();
                   t.r[1] = t.x.load(kRelaxed);
                 }});
}

TEST(MessagePassing, ReachesFlagWithoutDataWhenRelaxed) {
  for (const auto& [store, load] : {std::pair{kRelaxed, kRelaxed}, {kRelease, kRelaxed}, {kRelaxed, kAcquire}}) {
    Litmus test = MessagePassing(store, load, false);
    ASSERT_TRUE(test.ExploreAll().is_exhausted);
    EXPECT_TRUE(test.Reaches(1, 0));
  }
}

TEST(MessagePassing, NeverReachesFlagWithoutDataWithReleaseAndAcquire) {
  Litmus test = MessagePassing(kRelease, kAcquire, false);

  ASSERT_TRUE(test.ExploreAll().is_exhausted);

  EXPECT_FALSE(test.Reaches(1, 0));
  EXPECT_EQ(test.outcomes.size(), 3u);
}

TEST(MessagePassing, NeverReachesFlagWithoutDataWithFences) {
  Litmus test = MessagePassing(kRelaxed, kRelaxed, true);

  ASSERT_TRUE(test.ExploreAll().is_exhausted);

  EXPECT_FALSE(test.Reaches(1, 0));
  EXPECT_TRUE(test.Reaches(1, 1));
}

TEST(Coherence, NeverReadsBackwards) {
  Litmus test({[](Litmus& t) {
                 t.x.store(1, kRelaxed);
                 t.x.store(2, kRelaxed);
               },
               [](Litmus& t) {
                 t.r[0] = t.x.load(kRelaxed);
                 t.r[1] = t.x.load(kRelaxed);
               }});

  ASSERT_TRUE(test.ExploreAll().is_exhausted);

  for (const Litmus::Outcome& outcome : test.outcomes) EXPECT_LE(outcome[0], outcome[1]);
  EXPECT_EQ(test.outcomes.size(), 6u);
}

TEST(Coherence, ReadsItsOwnStoreOrANewerOne) {
  Litmus test({[](Litmus& t) {
                 t.x.store(1, kRelaxed);
                 t.r[0] = t.x.load(kRelaxed);
               },
               [](Litmus& t) { t.x.store(2, kRelaxed); }});

  ASSERT_TRUE(test.ExploreAll().is_exhausted);

  EXPECT_FALSE(test.Reaches(0, 0));
  EXPECT_TRUE(test.Reaches(1, 0));
  EXPECT_TRUE(test.Reaches(2, 0));
}

TEST(ReleaseSequence, IsContinuedByAnUpdateOfAnotherThread) {
  Litmus test({[](Litmus& t) {
                 t.x.store(1, kRelaxed);
                 t.y.store(1, kRelease);
               },
               [](Litmus& t) { t.y.fetch_add(1, kRelaxed); },
               [](Litmus& t) {
                 t.r[0] = t.y.load(kAcquire);
                 t.r[1] = t.x.load(kRelaxed);
               }});

  ASSERT_TRUE(test.ExploreAll().is_exhausted);

  EXPECT_TRUE(test.Reaches(2, 1));
  EXPECT_FALSE(test.Reaches(2, 0));
}

TEST(ReleaseSequence, IsNotContinuedByARelaxedStoreOfTheSameThread) {
  Litmus test({[](Litmus& t) {
                 t.x.store(1, kRelaxed);
                 t.y.store(1, kRelease);
                 t.y.store(2, kRelaxed);
               },
               [](Litmus& t) {
                 t.r[0] = t.y.load(kAcquire);
                 t.r[1] = t.x.load(kRelaxed);
               }});

  ASSERT_TRUE(test.ExploreAll().is_exhausted);

  EXPECT_TRUE(test.Reaches(2, 0));
  EXPECT_FALSE(test.Reaches(1, 0));
}

Litmus IndependentReads(bool with_fences) {
  const auto reader = [with_fences](Word Litmus::*first, Word Litmus::*second, int result) {
    return [=](Litmus& t) {
      t.r[result] = (t.*first).load(kAcquire);
      if (with_fences) base::FenceSeqCst();
      t.r[result + 1] = (t.*second).load(kAcquire);
    };
  };
  return Litmus({[](Litmus& t) { t.x.store(1, kRelease); }, [](Litmus& t) { t.y.store(1, kRelease); },
                 reader(&Litmus::x, &Litmus::y, 0), reader(&Litmus::y, &Litmus::x, 2)});
}

TEST(IndependentReads, DisagreeOnTheOrderOfStoresWithoutFences) {
  Litmus test = IndependentReads(false);

  ASSERT_TRUE(test.ExploreAll(3).is_exhausted);

  EXPECT_TRUE(test.Reaches(1, 0, 1, 0));
}

TEST(IndependentReads, AgreeOnTheOrderOfStoresWithFences) {
  Litmus test = IndependentReads(true);

  ASSERT_TRUE(test.ExploreAll(3).is_exhausted);

  EXPECT_FALSE(test.Reaches(1, 0, 1, 0));
  EXPECT_TRUE(test.Reaches(1, 1, 1, 0));
}

// What a fence has seen reaches a third thread through a release store, as causality demands.
TEST(Fences, AreCumulative) {
  Litmus test({[](Litmus& t) {
                 t.x.store(1, kRelaxed);
                 base::FenceSeqCst();
                 t.r[0] = t.y.load(kRelaxed);
               },
               [](Litmus& t) {
                 t.y.store(1, kRelaxed);
                 base::FenceSeqCst();
                 t.z.store(1, kRelease);
               },
               [](Litmus& t) {
                 t.r[1] = t.z.load(kAcquire);
                 t.r[2] = t.x.load(kRelaxed);
               }});

  ASSERT_TRUE(test.ExploreAll(3).is_exhausted);

  EXPECT_FALSE(test.Reaches(0, 1, 0));
  EXPECT_TRUE(test.Reaches(0, 1, 1));
  EXPECT_TRUE(test.Reaches(1, 1, 0));
}

TEST(CompareExchange, ReadsTheNewestWhenItFails) {
  Litmus test({[](Litmus& t) { t.x.store(2, kRelaxed); },
               [](Litmus& t) {
                 std::uint32_t expected = 1;
                 t.x.compare_exchange_strong(expected, 3, kAcqRel, kRelaxed);
                 t.r[0] = expected;
                 t.r[1] = t.x.load(kRelaxed);
               }});

  ASSERT_TRUE(test.ExploreAll().is_exhausted);

  EXPECT_TRUE(test.Reaches(0, 0));
  EXPECT_TRUE(test.Reaches(0, 2));
  EXPECT_TRUE(test.Reaches(2, 2));
  EXPECT_FALSE(test.Reaches(2, 0));
}

}  // namespace
}  // namespace shmcomm::sched
