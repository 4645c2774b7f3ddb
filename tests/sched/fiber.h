// SPDX-License-Identifier: Apache-2.0
// A stack that can be left and entered again: a thread of the model. Leaving one for ever is allowed (that is SIGKILL);
// nothing on it is unwound.
#pragma once

#include <cstddef>
#include <memory>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace shmcomm::sched {

class Fiber {
 public:
  using Entry = void (*)(void* argument);

  Fiber();
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Forgets what was on the stack; the next switch to it calls `entry`, which must never return.
  void Prepare(Entry entry, void* argument);
  /// Called on `from`'s stack. Returns when somebody switches back to `from`.
  static void Switch(Fiber& from, Fiber& to);

 private:
  static constexpr std::size_t kStackBytes = 128 * 1024;
  static void Begin();

  std::unique_ptr<std::byte[]> stack_;  // none for the fiber that is the program's own stack
  Entry entry_ = nullptr;
  void* argument_ = nullptr;
  const void* outer_bottom_ = nullptr;  // of the program's own stack, learned at the first switch away from it
  std::size_t outer_bytes_ = 0;
#if defined(__x86_64__)
  void* stack_pointer_ = nullptr;
#else
  ucontext_t context_;
#endif
};

}  // namespace shmcomm::sched
