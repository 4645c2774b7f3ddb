// SPDX-License-Identifier: Apache-2.0
// Looking for room before sleeping for it.
#include "endpoint/room_soon.h"

#include <gtest/gtest.h>

#include "support/watchdog.h"

namespace shmcomm::endpoint {
namespace {

constexpr std::int64_t kLong = 60'000'000'000;

TEST(RoomSoon, ComesWhenThereIsRoomAtALaterLook) {
  RoomSoon soon;
  int looks = 0;

  EXPECT_TRUE(soon.Comes([&] { return ++looks == 3; }, kLong));
  EXPECT_EQ(looks, 3);
}

TEST(RoomSoon, IsNotLookedForByWhoeverDoesNotWait) {
  RoomSoon soon;

  EXPECT_FALSE(soon.Comes([] { return true; }, 0));
}

TEST(RoomSoon, IsLookedForOnceEvenInTheShortestTime) {
  RoomSoon soon;

  EXPECT_TRUE(soon.Comes([] { return true; }, 1));
}

TEST(RoomSoon, IsGivenUpWhereNoneComes) {
  const test::Watchdog watchdog("RoomSoon");
  RoomSoon soon;

  EXPECT_FALSE(soon.Comes([] { return false; }, kLong));
}

TEST(RoomSoon, IsLookedForAgainAfterLookingInVain) {
  RoomSoon soon;
  for (int i = 0; i < 20; ++i) soon.Comes([] { return false; }, kLong);

  EXPECT_TRUE(soon.Comes([] { return true; }, kLong));
}

}  // namespace
}  // namespace shmcomm::endpoint
