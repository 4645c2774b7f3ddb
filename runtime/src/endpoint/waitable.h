// SPDX-License-Identifier: Apache-2.0
// What waiting for many endpoints, watching a descriptor and cancelling ask of an endpoint. Every core that can be waited
// for derives from Waitable; WaitSet, fd(), Cancel() and closing during a wait are then the same for all of them.
//
// To plug in another kind of endpoint:
//   - its core derives from Waitable and lies behind a Door (endpoint/door.h), which its handle shares with wait sets as a
//     member `std::shared_ptr<endpoint::Door> door_`; the handle says `friend class WaitSet`
//   - its own waits end with Cancelled(name()) once is_cancelled(); they look at it where they look for messages
//   - fd() is `polled_.Open(*this)`, and a take that finds nothing looks again if `polled_.Rearm(*this)` (endpoint/polled.h)
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/atomic.h"
#include "platform/kept_descriptor.h"
#include "platform/os.h"
#include "wake/bell.h"
#include "wake/wake_file.h"

namespace shmcomm::registry {
struct ReaderSeat;
}

namespace shmcomm::endpoint {

/// A core that may wait and whose wait another thread can end.
class Cancellable {
 public:
  Cancellable() = default;
  Cancellable(const Cancellable&) = delete;
  Cancellable& operator=(const Cancellable&) = delete;
  virtual ~Cancellable() = default;

  virtual const std::string& name() const = 0;       ///< the channel's
  virtual bool IsThisProcess() const = 0;            ///< false in a forked child

  /// From now on waits of this endpoint end with kCancelled; one that sleeps wakes up. Any thread, signal handlers too.
  virtual void Cancel() {
    is_cancelled_.store(1, std::memory_order_seq_cst);  // seq_cst: before the wake, which is a system call
    Rouse();
  }
  bool is_cancelled() const { return is_cancelled_.load(std::memory_order_acquire) != 0; }

  /// Wakes its sleeper without changing a word: one missed so looks again within its bounded sleep.
  virtual void Rouse() = 0;

 private:
  base::Atomic<std::uint32_t> is_cancelled_{0};
};

class Waitable : public Cancellable {
 public:
  // One wait, in this order (I8, H19): read bell(); Arm; one fence for all that are armed (wake::ArmAll); IsReady; sleep;
  // Disarm; and where nothing is ready then, AfterVainSleep.

  /// The word to sleep on.
  virtual const base::Atomic<std::uint32_t>& bell() const = 0;
  /// Announces a sleeper, without a fence. A puller sets its idle bit, with either ear.
  virtual void Arm(wake::Ear ear) = 0;
  /// Where its ringers may leave their fence out: what asks them for it (wake/fencing.h). Null where they always fence.
  virtual wake::FenceRequest* fences() { return nullptr; }
  /// True when a take would say anything but "nothing": a message, an error, an answer. Sees what was published before the
  /// fence; takes nothing.
  virtual bool IsReady() = 0;
  /// The sleep is over, or there was none. A puller clears its idle bit, and passes on a wake it will not use.
  virtual void Disarm() {}
  /// The longest sleep without AfterVainSleep.
  virtual std::int64_t longest_sleep_ns() const { return wake::kMaxSleepNs; }
  /// Looks after the dead and after our own lock. An error ends the wait with it.
  virtual absl::Status AfterVainSleep() = 0;

  /// The reading end of this endpoint's wake file, made at the first call and open as long as the endpoint.
  virtual absl::StatusOr<const platform::KeptDescriptor*> WakeFile() = 0;

  void Rouse() override {
    platform::FutexWakeAll(const_cast<base::Atomic<std::uint32_t>&>(bell()));  // only its address is used
    const platform::KeptDescriptor* file = rousable_file_.load(std::memory_order_acquire);
    if (file != nullptr) platform::WriteByte(*file);
  }

 protected:
  /// WakeFile of an endpoint that has a line of its own. It makes one only while `seat` holds its lock: without descriptors the
  /// number of the channel's directory may be another one's.
  absl::StatusOr<const platform::KeptDescriptor*> WakeFileOf(const wake::WakeFileTable& files, const registry::ReaderSeat& seat);
  /// Whoever watches the wake file is to be reached as well.
  void RouseThrough(const platform::KeptDescriptor* file) { rousable_file_.store(file, std::memory_order_release); }

 private:
  platform::KeptDescriptor wake_file_;
  base::Atomic<const platform::KeptDescriptor*> rousable_file_{nullptr};
};

}  // namespace shmcomm::endpoint
