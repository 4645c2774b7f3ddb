// SPDX-License-Identifier: Apache-2.0
// The n-th allocation of an operation fails, for n = 1, 2, 3 … until it succeeds: kResourceExhausted, nothing leaked, and
// the same operation works when it is tried again.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "faults/failing_allocations.h"
#include "support/resources.h"
#include "support/test_channels.h"

namespace shmcomm::faults {

class EachMayFailTest : public test::EndpointTest {
 protected:
  /// `attempt` with its n-th allocation refused, n = 1, 2, 3 …; `undo` after each that succeeded at once or again.
  void EachMayFail(const std::function<absl::Status()>& attempt, const std::function<void()>& undo) {
    ASSERT_TRUE(attempt().ok());  // whatever is made once in a process is made
    undo();
    const test::Resources before = test::CountResources(root_.path());
    for (std::uint64_t n = 1;; ++n) {
      SCOPED_TRACE("allocation " + std::to_string(n));
      FailAllocation(n);
      const absl::Status status = attempt();
      const bool has_failed = StopFailing();
      if (!status.ok()) {
        ASSERT_TRUE(absl::IsResourceExhausted(status)) << status;
        ASSERT_EQ(test::CountResources(root_.path()), before);
        const absl::Status again = attempt();
        ASSERT_TRUE(again.ok()) << again;
      }
      undo();
      ASSERT_EQ(test::CountResources(root_.path()), before);
      if (has_failed) continue;
      std::printf("failing_allocation %llu\n", static_cast<unsigned long long>(n - 1));
      return;
    }
  }

  template <class End, class Options>
  static absl::Status OpenInto(std::optional<End>& end, const ChannelSpec& spec, const Options& options) {
    auto opened = End::Open(spec, options);
    if (opened.ok()) end.emplace(*std::move(opened));
    return opened.status();
  }
};

}  // namespace shmcomm::faults
