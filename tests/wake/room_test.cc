// SPDX-License-Identifier: Apache-2.0
#include "wake/room.h"

#include <gtest/gtest.h>

#include "support/hand_laid.h"
#include "support/watchdog.h"

namespace shmcomm::wake {
namespace {

constexpr std::int64_t kLong = 60'000'000'000;

TEST(RoomBell, IsNotTouchedWhenNoPublisherWaits) {
  test::HandLaid laid;

  RoomBell(laid.line(1)).RingIfArmed();

  EXPECT_EQ(laid.line(1).bell.load(), 0u);
}

TEST(RoomBell, RingsOnceForAnArming) {
  test::HandLaid laid;
  laid.line(1).arm.store(1);
  RoomBell bell(laid.line(1));

  bell.RingIfArmed();
  bell.RingIfArmed();

  EXPECT_EQ(laid.line(1).bell.load(), 1u);
  EXPECT_EQ(laid.line(1).arm.load(), 0u);
}

TEST(RoomBell, RingsAlwaysWithoutAskingTheArming) {
  test::HandLaid laid;

  RoomBell(laid.line(1)).RingAlways();

  EXPECT_EQ(laid.line(1).bell.load(), 1u);
}

TEST(RoomBell, IsArmedBeforeThePublisherLooksAndDoesNotSleepWhereThatFindsRoom) {
  const test::Watchdog watchdog("RoomBell");
  test::HandLaid laid;
  std::uint32_t armed_at_look = 0;

  RoomBell(laid.line(1)).SleepUnless(
      [&] {
        armed_at_look = laid.line(1).arm.load();
        return true;
      },
      kLong);

  EXPECT_EQ(armed_at_look, 1u);
}

TEST(RoomBell, DoesNotSleepThroughARingBetweenLookAndSleep) {
  const test::Watchdog watchdog("RoomBell");
  test::HandLaid laid;
  RoomBell bell(laid.line(1));
  std::uint32_t looks = 0;

  // Each sleep that a lost ring would cost ends after kMaxRoomSleepNs: ten thousand of them run into the watchdog.
  for (; looks < 10'000; ++looks) {
    bell.SleepUnless(
        [&] {
          bell.RingIfArmed();
          return false;
        },
        kLong);
  }

  EXPECT_EQ(laid.line(1).bell.load(), looks);
}

TEST(RoomBell, StopsSleepingAtItsTimeout) {
  const test::Watchdog watchdog("RoomBell");
  test::HandLaid laid;

  RoomBell(laid.line(1)).SleepUnless([] { return false; }, 1);

  EXPECT_EQ(laid.line(1).arm.load(), 1u);
}

}  // namespace
}  // namespace shmcomm::wake
