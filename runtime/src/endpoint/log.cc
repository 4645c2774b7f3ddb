// SPDX-License-Identifier: Apache-2.0
#include "endpoint/log.h"

#include <memory>
#include <mutex>
#include <utility>

#include "base/atomic.h"
#include "platform/os.h"

namespace shmcomm {
namespace endpoint {
namespace {

base::Atomic<std::uint32_t> is_logging{0};

struct Sink {
  std::mutex mutex;
  std::shared_ptr<const LogSink> sink;
};

Sink& TheSink() {
  // Never destroyed: endpoints may be closed during exit.
  static Sink* the_sink = [] {
    auto* made = new Sink;
    platform::HoldDuringFork(&made->mutex);
    return made;
  }();
  return *the_sink;
}

void Set(LogSink sink) {
  Sink& the_sink = TheSink();
  const std::lock_guard<std::mutex> lock(the_sink.mutex);
  is_logging.store(sink ? 1 : 0, std::memory_order_relaxed);  // the mutex orders what is called
  the_sink.sink = std::make_shared<const LogSink>(std::move(sink));
}

}  // namespace

bool IsLogging() { return is_logging.load(std::memory_order_relaxed) != 0; }

void Log(LogLevel level, absl::string_view message) {
  std::shared_ptr<const LogSink> sink;
  {
    const std::lock_guard<std::mutex> lock(TheSink().mutex);
    sink = TheSink().sink;
  }
  if (sink != nullptr && *sink) (*sink)(level, message);  // outside the lock: it may set another sink
}

}  // namespace endpoint

void SetLogSink(LogSink sink) { endpoint::Set(std::move(sink)); }

}  // namespace shmcomm
