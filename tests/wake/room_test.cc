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

TEST(RoomBell, IsArmedBeforeThePublisherLooks) {
  test::HandLaid laid;
  std::uint32_t armed_at_look = 0;

  const bool has_changed = RoomBell(laid.line(1)).SleepUnless(
      [&] {
        armed_at_look = laid.line(1).arm.load();
        return true;
      },
      kLong);

  EXPECT_TRUE(has_changed);
  EXPECT_EQ(armed_at_look, 1u);
}

TEST(RoomBell, DoesNotSleepThroughARingBetweenLookAndSleep) {
  const test::Watchdog watchdog("RoomBell");
  test::HandLaid laid;
  RoomBell bell(laid.line(1));

  const bool was_woken = bell.SleepUnless(
      [&] {
        bell.RingIfArmed();
        return false;
      },
      kLong);

  EXPECT_TRUE(was_woken);
}

TEST(RoomBell, SaysSoWhenNobodyRang) {
  const test::Watchdog watchdog("RoomBell");
  test::HandLaid laid;

  EXPECT_FALSE(RoomBell(laid.line(1)).SleepUnless([] { return false; }, 1));
}

}  // namespace
}  // namespace shmcomm::wake
