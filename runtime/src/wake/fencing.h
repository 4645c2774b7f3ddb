// SPDX-License-Identifier: Apache-2.0
// Who fences between a sole writer's commit and its look at `armed`. While nobody sleeps, the writer leaves its fence out.
// Who goes to sleep asks for it in the word `fenced`, and one membarrier makes sure that the writer has seen that; from then
// on sleeping takes no membarrier, until the writer has fenced often enough for nobody and withdraws. Protocol:
// runtime/doc/ring_protocol.md, "Ring and wait". Reasons: runtime/doc/decisions/sole_writer.md.
#pragma once

#include <cstdint>

#include "base/atomic.h"
#include "segment/layout.h"

namespace shmcomm::wake {

/// What `fenced` says: a writer fences while any of the three bits is set. The rest counts withdrawals, so that what was
/// asked for before one cannot be granted after it.
struct FenceBits {
  static constexpr std::uint32_t kForEver = 1;  ///< some sleeper has no membarrier
  static constexpr std::uint32_t kAsked = 2;
  static constexpr std::uint32_t kGranted = 4;  ///< the writer is known to have seen that it was asked
  static constexpr std::uint32_t kAny = kForEver | kAsked | kGranted;
  static constexpr std::uint32_t kWithdrawal = 8;
};

/// A sleeper's end.
class FenceRequest {
 public:
  /// `is_asymmetric`: the channel's writer may leave its fence out; if not, this does nothing.
  FenceRequest(layout::WakeLine& line, bool is_asymmetric) : line_(&line), is_asymmetric_(is_asymmetric) {}

  /// Between the fence after arming and the last look. True when the writer may still leave its fence out: the caller issues
  /// a membarrier, then calls Settle, then looks.
  bool IsBarrierNeeded() {
    // E17 armed store, fence, this load -> Ringer::Withdraw: withdrawal, fence, later armed reads. Acquire: a grant comes with all
    // that its membarrier has brought, so the look finds what was committed without a fence.
    if (!is_asymmetric_ || (line_->fenced.load(std::memory_order_acquire) & FenceBits::kGranted) != 0) return false;
    // Relaxed: the membarrier follows.
    asked_ = line_->fenced.fetch_or(FenceBits::kAsked, std::memory_order_relaxed) | FenceBits::kAsked;
    return true;
  }

  /// The membarrier has been issued or refused.
  void Settle(bool is_issued) {
    if (asked_ == 0) return;
    std::uint32_t asked = asked_;
    asked_ = 0;
    if (is_issued) {
      // E17 membarrier, this release -> IsBarrierNeeded. Fails where the writer has withdrawn since: the next sleep asks again.
      line_->fenced.compare_exchange_strong(asked, asked | FenceBits::kGranted, std::memory_order_release,
                                            std::memory_order_relaxed);
    } else {
      line_->fenced.fetch_or(FenceBits::kForEver, std::memory_order_relaxed);
    }
  }

 private:
  layout::WakeLine* line_;
  std::uint32_t asked_ = 0;  // what `fenced` was once we had asked; 0: we have not
  bool is_asymmetric_;
};

}  // namespace shmcomm::wake
