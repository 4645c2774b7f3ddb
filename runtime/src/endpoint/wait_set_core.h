// SPDX-License-Identifier: Apache-2.0
// The members of a WaitSet and one sleep for all of them: on their bells while they are few, through their wake files and
// one epoll where they are many or the system cannot sleep on several words.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/atomic.h"
#include "endpoint/door.h"
#include "endpoint/waitable.h"
#include "platform/os.h"
#include "shmcomm/wait_set.h"

namespace shmcomm::endpoint {

class WaitSetCore {
 public:
  absl::StatusOr<WaitSet::Key> Add(std::shared_ptr<Door> door);
  void Remove(WaitSet::Key key);
  absl::StatusOr<WaitSet::Ready> Wait(absl::Duration timeout);
  void Wake();
  std::size_t size() const { return members_.size(); }

 private:
  struct Member {
    WaitSet::Key key = 0;
    std::shared_ptr<Door> door;
    const platform::KeptDescriptor* wake_file = nullptr;   // in poll_, once the set sleeps through descriptors
  };
  class Visitors;
  class Disarming;

  absl::StatusOr<bool> FindReady();
  bool TakeWake();
  absl::Status SleepUnlessReady(std::int64_t timeout_ns);
  absl::Status Sleep(std::int64_t timeout_ns);
  bool SleepOnBells(std::int64_t timeout_ns);
  absl::Status SleepOnDescriptors(std::int64_t timeout_ns);
  bool IsAnythingToSay() const;
  absl::Status WatchDescriptors();
  absl::Status MakeEventAndPoll();
  void WatchNobody();
  absl::Status WatchMember(std::size_t index);
  absl::Status AfterVainSleep();
  std::int64_t LongestSleepNs() const;

  std::vector<Member> members_;
  std::vector<Waitable*> inside_;    // the members' cores during a wait, null outside
  std::vector<WaitSet::Key> ready_;
  WaitSet::Key next_key_ = 0;
  std::size_t first_ = 0;            // whose turn it is to be named first
  base::Atomic<std::uint32_t> word_{0};       // changed by Wake
  base::Atomic<std::uint32_t> is_woken_{0};
  base::Atomic<const platform::KeptDescriptor*> event_{nullptr};   // the last of events_; Wake writes there as well
  bool can_sleep_on_bells_ = true;
  std::vector<std::unique_ptr<platform::KeptDescriptor>> events_;   // another one only once the last was closed under us
  platform::KeptDescriptor poll_;
};

}  // namespace shmcomm::endpoint
