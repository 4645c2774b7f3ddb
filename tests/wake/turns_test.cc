// SPDX-License-Identifier: Apache-2.0
#include "wake/turns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "support/hand_laid.h"
#include "support/watchdog.h"

namespace shmcomm::wake {
namespace {

using test::HandLaid;
using testing::ElementsAre;

constexpr std::int64_t kLong = 60'000'000'000;

HandLaid WithLines(std::uint32_t lines) {
  test::LaidSizes sizes;
  sizes.lines = lines;
  return HandLaid(sizes);
}

std::uint32_t Rings(const HandLaid& laid, std::uint32_t line) { return laid.line(line).bell.load(); }

TEST(TurnRinger, TouchesNothingWhenNobodySleeps) {
  HandLaid laid;

  TurnRinger(laid.turns()).RingOne();

  EXPECT_FALSE(TurnRinger(laid.turns()).IsAnyIdle());
  for (std::uint32_t line = 0; line < 4; ++line) EXPECT_EQ(Rings(laid, line), 0u);
}

TEST(TurnRinger, WakesOneAndTakesItsBit) {
  HandLaid laid;
  laid.LayIdle(1);
  laid.LayIdle(2);

  TurnRinger(laid.turns()).RingOne();

  EXPECT_EQ(Rings(laid, 1) + Rings(laid, 2), 1u);
  EXPECT_FALSE(laid.IsIdle(1) && laid.IsIdle(2));
  EXPECT_TRUE(laid.IsIdle(1) || laid.IsIdle(2));
}

TEST(TurnRinger, WakesSleepersInTurnWhereverTheirLinesAre) {
  HandLaid laid = WithLines(200);
  const std::vector<std::uint32_t> sleepers = {3, 63, 64, 199};
  TurnRinger ringer(laid.turns());

  for (int job = 0; job < 400; ++job) {
    for (const std::uint32_t line : sleepers) laid.LayIdle(line);
    ringer.RingOne();
  }

  for (const std::uint32_t line : sleepers) EXPECT_EQ(Rings(laid, line), 100u) << line;
}

TEST(TurnRinger, KeepsTheTurnFromOneRingerToTheNext) {
  HandLaid laid;

  for (int job = 0; job < 8; ++job) {
    for (std::uint32_t line = 0; line < 4; ++line) laid.LayIdle(line);
    TurnRinger(laid.turns()).RingOne();
  }

  for (std::uint32_t line = 0; line < 4; ++line) EXPECT_EQ(Rings(laid, line), 2u);
}

TEST(TurnRinger, StaysInsideTheFileWhateverTheTurnAndTheBitmapSay) {
  HandLaid laid = WithLines(3);
  laid.readers().wake->turn.store(0xFFFFFFFF);
  laid.readers().IdleWord(0).store(~std::uint64_t{7});

  TurnRinger(laid.turns()).RingOne();

  for (std::uint32_t line = 0; line < 3; ++line) EXPECT_EQ(Rings(laid, line), 0u);
}

TEST(TurnSleeper, SetsItsBitBeforeItLooksAndTakesItBackWhereThatFindsSomething) {
  HandLaid laid;
  bool was_idle_at_look = false;

  const bool is_there = TurnSleeper(laid.turns(), 2).SleepUnless(
      [&] {
        was_idle_at_look = laid.IsIdle(2);
        return true;
      },
      kLong);

  EXPECT_TRUE(is_there);
  EXPECT_TRUE(was_idle_at_look);
  EXPECT_FALSE(laid.IsIdle(2));
}

TEST(TurnSleeper, DoesNotSleepThroughAWakeBetweenLookAndSleep) {
  const test::Watchdog watchdog("TurnSleeper");
  HandLaid laid;
  TurnSleeper sleeper(laid.turns(), 1);
  TurnRinger ringer(laid.turns());

  // Each sleep that a lost wake would cost ends after kMaxSleepNs: ten thousand of them run into the watchdog.
  for (int job = 0; job < 10'000; ++job) {
    sleeper.SleepUnless(
        [&] {
          ringer.RingOne();
          return false;
        },
        kLong);
  }

  EXPECT_EQ(Rings(laid, 1), 10'000u);
}

TEST(TurnSleeper, TakesItsBitBackAfterASleepInVain) {
  const test::Watchdog watchdog("TurnSleeper");
  HandLaid laid;

  const bool is_there = TurnSleeper(laid.turns(), 1).SleepUnless([] { return false; }, 1);

  EXPECT_FALSE(is_there);
  EXPECT_FALSE(laid.IsIdle(1));
}

TEST(TurnRinger, MarksWhomItWakesAsCalled) {
  HandLaid laid = WithLines(200);
  laid.LayIdle(130);

  TurnRinger(laid.turns()).RingOne();

  EXPECT_TRUE(laid.IsCalled(130));
  EXPECT_EQ(TurnSleeper(laid.turns(), 3).CalledBeforeUs(), 1u);
  EXPECT_EQ(TurnSleeper(laid.turns(), 130).CalledBeforeUs(), 0u);
}

TEST(TurnSleeper, IsNotCalledAnyMoreOnceItHasLookedOrStandsInTheQueueAgain) {
  HandLaid laid;
  TurnSleeper sleeper(laid.turns(), 1);

  laid.LayCalled(1);
  sleeper.HaveCome();
  EXPECT_FALSE(laid.IsCalled(1));

  laid.LayCalled(1);
  sleeper.SleepUnless([] { return true; }, kLong);
  EXPECT_FALSE(laid.IsCalled(1));
}

TEST(TurnSleeper, EndsTheTurnsOfAllOthers) {
  HandLaid laid = WithLines(200);
  for (const std::uint32_t line : {0u, 1u, 70u, 199u}) laid.LayCalled(line);

  TurnSleeper(laid.turns(), 70).EndTurnsOfOthers();

  EXPECT_TRUE(laid.IsCalled(70));
  for (const std::uint32_t line : {0u, 1u, 199u}) EXPECT_FALSE(laid.IsCalled(line)) << line;
}

TEST(TurnSleeper, LeavesTheBitsOfOthersAlone) {
  HandLaid laid;
  laid.LayIdle(0);

  TurnSleeper(laid.turns(), 1).SleepUnless([] { return true; }, kLong);

  EXPECT_TRUE(laid.IsIdle(0));
}

}  // namespace
}  // namespace shmcomm::wake
