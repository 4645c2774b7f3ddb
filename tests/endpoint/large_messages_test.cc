// SPDX-License-Identifier: Apache-2.0
// Which messages are worth an early retract, by times given by hand.
#include "endpoint/large_messages.h"

#include <gtest/gtest.h>

namespace shmcomm::endpoint {
namespace {

constexpr std::size_t kLarge = segment::kLargeBytes;
constexpr std::int64_t kNow = 1'000'000;

/// Whether a message retracts early that follows a large one and was published `fill_ns` after its slot was taken.
bool RetractsAfter(std::int64_t fill_ns, std::size_t bytes = kLarge) {
  LargeMessages messages;
  messages.Published(kLarge, kNow - 1);
  messages.Reserved(kNow);
  return messages.Published(bytes, kNow + fill_ns);
}

TEST(EarlyRetract, IsForLargeMessagesThatTookTimeToFill) {
  EXPECT_TRUE(RetractsAfter(kLeastFillNs));
  EXPECT_FALSE(RetractsAfter(kLeastFillNs - 1));
}

TEST(EarlyRetract, IsNotForSmallMessagesHoweverLongTheyTook) { EXPECT_FALSE(RetractsAfter(kLeastFillNs, kLarge - 1)); }

TEST(EarlyRetract, IsForTheFirstLargeMessageOfWhichNoTimeIsKnown) {
  LargeMessages messages;
  EXPECT_FALSE(messages.is_large());
  EXPECT_TRUE(messages.Published(kLarge, kNow));
  EXPECT_TRUE(messages.is_large());
}

TEST(EarlyRetract, ForgetsTheTimeOfTheLastLargeMessageAfterASmallOne) {
  LargeMessages messages;
  messages.Published(kLarge, kNow);
  messages.Reserved(kNow);
  messages.Published(1, kNow);
  EXPECT_FALSE(messages.is_large());
  EXPECT_TRUE(messages.Published(kLarge, kNow + 1));
}

}  // namespace
}  // namespace shmcomm::endpoint
