// SPDX-License-Identifier: Apache-2.0
// Readers and pullers of the soak that wait in different ways: in a take of their own, in a WaitSet, in one of so many members
// that it needs their wake files, or in poll for their descriptor, which needs one, too.
#pragma once

#include <poll.h>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shmcomm/wait_set.h"
#include "soak.shm.h"

namespace shmcomm::soak_test {

/// A subscriber or puller that waits in the way "take", "set", "crowd" or "descriptor".
template <class End>
class Waiting {
 public:
  using Taken = typename decltype(std::declval<End&>().Take(absl::ZeroDuration()))::value_type;

  static absl::StatusOr<Waiting> Open(const std::string& way) {
    absl::StatusOr<End> end = End::Open();
    if (!end.ok()) return end.status();
    Waiting waiting(*std::move(end), way == "descriptor");
    if (way != "set" && way != "crowd") return waiting;
    waiting.set_.emplace();
    absl::Status status = waiting.set_->Add(waiting.end_).status();
    if (way == "crowd") status.Update(waiting.AddQuietOnes());
    if (!status.ok()) return status;
    return waiting;
  }

  absl::StatusOr<Taken> Take(absl::Duration timeout) {
    if (set_.has_value()) return TakeAfter([&] { return set_->Wait(timeout).status(); });
    if (!has_descriptor_) return end_.Take(timeout);
    // Only an end that has nothing to take arms its descriptor.
    auto taken = TakeAfter([] { return absl::OkStatus(); });
    return absl::IsDeadlineExceeded(taken.status()) ? TakeAfter([&] { return Poll(timeout); }) : std::move(taken);
  }

  auto TryTake() { return end_.TryTake(); }

 private:
  static constexpr std::size_t kQuietOnes = 8;   // with the end itself more than a set waits for on their bells

  Waiting(End end, bool has_descriptor) : end_(std::move(end)), has_descriptor_(has_descriptor) {}

  absl::Status AddQuietOnes() {
    absl::Status status;
    while (status.ok() && quiet_.size() < kQuietOnes) {
      absl::StatusOr<soak::QuietSubscriber> opened = soak::QuietSubscriber::Open();
      if (!opened.ok()) return opened.status();
      quiet_.push_back(*std::move(opened));
      status = set_->Add(quiet_.back()).status();
    }
    return status;
  }

  absl::Status Poll(absl::Duration timeout) {
    const absl::StatusOr<int> descriptor = end_.fd();
    if (!descriptor.ok()) return descriptor.status();
    pollfd watched{*descriptor, POLLIN, 0};
    poll(&watched, 1, static_cast<int>(absl::ToInt64Milliseconds(timeout)));   // or a signal came: the next turn asks again
    return absl::OkStatus();
  }

  /// Another puller may have been faster.
  template <class Wait>
  absl::StatusOr<Taken> TakeAfter(Wait&& wait) {
    if (const absl::Status waited = wait(); !waited.ok()) return waited;
    absl::StatusOr<std::optional<Taken>> taken = end_.TryTake();
    if (!taken.ok()) return taken.status();
    if (!taken->has_value()) return absl::DeadlineExceededError("nothing came");
    return **std::move(taken);
  }

  End end_;
  std::vector<soak::QuietSubscriber> quiet_;
  std::optional<WaitSet> set_;   // before whom it waits for
  bool has_descriptor_;
};

}  // namespace shmcomm::soak_test
