// SPDX-License-Identifier: Apache-2.0
// What the log is told of a message that a subscriber took, on a channel with a schema or without.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "end_log.h"
#include "shmcomm/subscriber.h"

namespace shmcomm::python {

/// Shared, because a handler of the log may close the subscriber while one of them speaks.
struct SubscriberWarnings {
  Warning nearly_full;
  Warning lost;
};

/// All is looked at first and told when the subscriber is not needed any more.
class TakenLog {
 public:
  /// `type` says what was taken, for debug mode.
  TakenLog(const Subscriber& subscriber, const std::shared_ptr<SubscriberWarnings>& warnings, const char* type,
           const shmcomm::Sample& sample)
      : size_(sample.size()), lost_(sample.lost()) {
    // How far behind a subscriber is costs a look at a line that publishers write: once in so many messages.
    constexpr std::uint64_t kMessagesPerLook = 16;
    const bool looks = sample.sequence() % kMessagesPerLook == 0;
    if (!looks && lost_ == 0 && !is_debugging) return;
    name_ = subscriber.channel();
    if (is_debugging) type_ = type;
    warnings_ = warnings;
    if (lost_ > 0) lost_in_all_ = subscriber.stats().lost;
    if (looks) backlog_ = subscriber.backlog();
  }

  /// Loss and a nearly full ring are told of a message that cannot be decoded, too.
  void Tell(bool is_decoded = true) const {
    if (warnings_ == nullptr) return;
    if (is_decoded && is_debugging) LogMessage("received", name_, type_.c_str(), size_);
    if (lost_ > 0) warnings_->lost.Log("lost", name_, lost_, lost_in_all_);
    const bool is_nearly_full = backlog_.limit > 0 && backlog_.unread * 10 >= backlog_.limit * 9;
    if (is_nearly_full) warnings_->nearly_full.Log("nearly_full", name_, backlog_.unread, backlog_.limit);
  }

 private:
  std::uint64_t size_;
  std::uint64_t lost_;
  std::uint64_t lost_in_all_ = 0;
  Backlog backlog_;
  std::string name_;
  std::string type_;
  std::shared_ptr<SubscriberWarnings> warnings_;  // null: there is nothing to tell
};

}  // namespace shmcomm::python
