// SPDX-License-Identifier: Apache-2.0
// Which of a publisher's messages are worth an early retract (ring_protocol.md). It costs two scans of the readers before the
// next message and gives that a slot in warm cache: worth it for messages that are large and really written, not for those
// that hardly touch their slot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "segment/plan.h"

namespace shmcomm::endpoint {

/// Nobody fills segment::kLargeBytes in less.
inline constexpr std::int64_t kLeastFillNs = 2'000;

/// One publisher's. Times are nanoseconds of any one clock.
class LargeMessages {
 public:
  /// The last message was large: the next slot's time is wanted.
  bool is_large() const { return is_large_; }

  /// A slot was taken for the next message. To be told where is_large().
  void Reserved(std::int64_t now_ns) { reserved_ns_ = now_ns; }

  /// Whether to retract early now that a message of `bytes` was published. How long the first large one took to fill is not
  /// known: it counts as really written.
  bool Published(std::size_t bytes, std::int64_t now_ns) {
    const bool is_known = std::exchange(is_large_, bytes >= segment::kLargeBytes);
    return is_large_ && (!is_known || now_ns - reserved_ns_ >= kLeastFillNs);
  }

 private:
  bool is_large_ = false;
  std::int64_t reserved_ns_ = 0;
};

}  // namespace shmcomm::endpoint
