// SPDX-License-Identifier: Apache-2.0
// Many processes that create, open, close and remove one channel in the same moment: there is exactly one, and none is
// left. SHMCOMM_SCALE multiplies the rounds.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <optional>
#include <utility>
#include <vector>

#include "faults/scaled.h"
#include "support/hand_laid.h"
#include "support/test_channels.h"

namespace shmcomm::faults {
namespace {

constexpr std::uint32_t kProcesses = 6;

struct Shared {
  std::atomic<std::uint32_t> arrived;
  std::atomic<bool> has_failed;
};

class Storm : public test::EndpointTest {
 protected:
  /// Returns when all have come here as often as this process has; at once when one has failed.
  void Meet() {
    const std::uint32_t all = kProcesses * ++meetings_;
    ++shared_->arrived;
    while (shared_->arrived < all && !shared_->has_failed) sched_yield();
  }
  int Fail(const char* what, const absl::Status& status) const {
    std::fprintf(stderr, "%s: %s\n", what, status.ToString().c_str());
    shared_->has_failed = true;
    return 1;
  }
  /// All subscribe at once, one publishes, all must get the message: they are in one channel.
  int Live(std::uint32_t self, std::uint64_t rounds) {
    for (std::uint64_t round = 0; round < rounds && !shared_->has_failed; ++round) {
      Meet();
      auto subscriber = Subscriber::Open(test::NumbersSpec(), SubscriberHere());
      if (!subscriber.ok()) return Fail("subscribe", subscriber.status());
      Meet();
      std::optional<Publisher> publisher;
      if (round % kProcesses == self) {
        auto opened = Publisher::Open(test::NumbersSpec(), PublisherHere());
        if (!opened.ok()) return Fail("publish", opened.status());
        publisher.emplace(*std::move(opened));
        if (absl::Status sent = test::Send(*publisher, round); !sent.ok()) return Fail("send", sent);
      }
      Meet();
      const auto sample = subscriber->Take(absl::ZeroDuration());
      if (!sample.ok()) return Fail("take", sample.status());
      if (test::ValueOf(*sample) != round) return Fail("another's message", absl::OkStatus());
      Meet();  // then all close at once
    }
    return 0;
  }

  std::uint32_t meetings_ = 0;
  test::SharedPages page_{sizeof(Shared)};
  Shared* shared_ = reinterpret_cast<Shared*>(page_.data());
};

TEST_F(Storm, OfOpensAndClosesMakesOneChannelAndLeavesNone) {
  std::vector<pid_t> children;
  for (std::uint32_t self = 0; self < kProcesses; ++self) {
    children.push_back(fork());
    if (children.back() != 0) continue;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    _exit(Live(self, Scaled(100)));
  }

  for (const pid_t child : children) {
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  EXPECT_TRUE(root_.IsEmpty());
}

}  // namespace
}  // namespace shmcomm::faults
