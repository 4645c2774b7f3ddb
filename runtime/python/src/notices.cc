// SPDX-License-Identifier: Apache-2.0
#include "notices.h"

#include <cstdint>
#include <memory>
#include <string>

#include "end_log.h"
#include "endpoint.h"
#include "shmcomm/log.h"

namespace shmcomm::python {

struct Notice {
  LogLevel level;
  std::string text;
  std::int64_t process;
  Notice* earlier;
};

std::atomic<Notice*> waiting_notices{nullptr};

namespace {

/// The runtime speaks in the middle of a call, often without the GIL, and must not be called from there, as a handler of the log
/// could. So this only keeps the notice, without a lock: a thread may be here while another forks or the interpreter ends.
void Keep(LogLevel level, absl::string_view text) {
  auto* notice = new Notice{level, std::string(text), ProcessNumber(), waiting_notices.load(std::memory_order_relaxed)};
  while (!waiting_notices.compare_exchange_weak(notice->earlier, notice, std::memory_order_release, std::memory_order_relaxed)) {
  }
}

/// All that wait, the oldest first.
Notice* TakeAll() {
  Notice* left = waiting_notices.exchange(nullptr, std::memory_order_acquire);
  Notice* reversed = nullptr;
  while (left != nullptr) {
    Notice* const earlier = left->earlier;
    left->earlier = reversed;
    reversed = left;
    left = earlier;
  }
  return reversed;
}

}  // namespace

void TellWaitingNotices() {
  for (Notice* next = TakeAll(); next != nullptr;) {
    const std::unique_ptr<Notice> notice(next);
    next = notice->earlier;
    // What was said before a fork is for the parent to tell.
    if (notice->process == ProcessNumber()) LogNotice(static_cast<int>(notice->level), notice->text);
  }
}

bool AddNotices(PyObject*) {
  SetLogSink(&Keep);
  SetDebugMode(false);  // Python's own classes tell what they send and receive
  return true;
}

}  // namespace shmcomm::python
