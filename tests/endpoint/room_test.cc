// SPDX-License-Identifier: Apache-2.0
// How long a publisher has been held up by one reader: of its own absences only a step counts.
#include "endpoint/room.h"

#include <gtest/gtest.h>

#include "platform/os.h"
#include "support/hand_laid.h"
#include "wake/room.h"

namespace shmcomm::endpoint {
namespace {

constexpr std::uint32_t kLine = 1;
constexpr std::int64_t kStepNs = wake::kMaxRoomSleepNs;

/// One reader that gates and does not move, and a publisher that finds it in its way and does not wait.
class RoomTest : public ::testing::Test {
 protected:
  RoomTest() {
    laid_.LayReader(kLine);
    site_.ring = laid_.ring();
    site_.readers = laid_.readers();
    site_.is_reliable = true;
  }

  ring::ReaderState state() const { return laid_.cursor(kLine).state(); }
  void Try(Room& room) { room.WaitFor({kLine, laid_.cursor(kLine), laid_.head()}, 0); }

  /// As the publisher sees it that is stopped, or has nothing to publish, until the clock has gone on by so much.
  static void BeAbsentFor(std::int64_t duration_ns) {
    const std::int64_t until_ns = platform::NowNs() + duration_ns;
    while (platform::NowNs() < until_ns) {
    }
  }

  test::HandLaid laid_;
  registry::Site site_;   // without a directory: there is nobody whose death could be looked for
};

TEST_F(RoomTest, DoesNotDemoteAReaderForAnAbsenceOfThePublisherItself) {
  Room room(site_, 2 * kStepNs);
  Try(room);

  BeAbsentFor(4 * kStepNs);
  Try(room);

  EXPECT_EQ(state(), ring::ReaderState::kActive);
}

TEST_F(RoomTest, DemotesAReaderThatItHasTriedForLongEnough) {
  Room room(site_, 2 * kStepNs);
  Try(room);

  for (int i = 0; i < 2; ++i) {
    BeAbsentFor(kStepNs);
    Try(room);
  }

  EXPECT_EQ(state(), ring::ReaderState::kDemoted);
}

}  // namespace
}  // namespace shmcomm::endpoint
