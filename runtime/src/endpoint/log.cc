// SPDX-License-Identifier: Apache-2.0
#include "endpoint/log.h"

#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/atomic.h"
#include "platform/os.h"

namespace shmcomm {
namespace endpoint {
namespace {

base::Atomic<std::uint32_t> is_logging{0};

const char* NameOf(LogLevel level) {
  constexpr const char* kNames[] = {"DEBUG", "INFO", "WARNING", "ERROR"};
  return kNames[static_cast<std::uint8_t>(level)];
}

/// A line as Python's debug mode writes it.
void WriteToStandardError(absl::TimeZone zone, LogLevel level, absl::string_view message) {
  const std::string time = absl::FormatTime("%Y-%m-%d %H:%M:%E3S", absl::Now(), zone);
  const std::string line = absl::StrCat(time, " shmcomm[", platform::ProcessId(), "] ", NameOf(level), " ", message, "\n");
  std::fwrite(line.data(), 1, line.size(), stderr);  // one call, so that lines of several threads do not mix
}

/// Looks the time zone up once and not for each line: it takes a lock, on which a child forked meanwhile would wait for ever.
LogSink StandardError() {
  return [zone = absl::LocalTimeZone()](LogLevel level, absl::string_view message) { WriteToStandardError(zone, level, message); };
}

class Hub {
 public:
  Hub() {
    const std::string wanted = platform::Environment("SHMCOMM_DEBUG");
    is_debug_mode_ = !wanted.empty() && wanted != "0";
    Choose();
    platform::HoldDuringFork(&mutex_);  // last: a constructor that finds no memory leaves nothing behind
  }

  void SetSink(LogSink sink) {
    // Outlives the lock: what the last sink held may have something to say when it goes.
    auto other = std::make_shared<const LogSink>(std::move(sink));
    const std::lock_guard<std::mutex> lock(mutex_);
    is_chosen_ = true;
    sink_.swap(other);
    Choose();
  }

  void SetDebugMode(bool is_on) {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_debug_mode_ = is_on;
    Choose();
  }

  bool IsDebugMode() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return is_debug_mode_;
  }

  std::shared_ptr<const LogSink> sink() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return sink_;
  }

 private:
  void Choose() {
    if (!is_chosen_) sink_ = std::make_shared<const LogSink>(is_debug_mode_ ? StandardError() : LogSink());
    is_logging.store(*sink_ ? 1 : 0, std::memory_order_relaxed);  // the mutex orders what is called
  }

  std::mutex mutex_;
  bool is_debug_mode_ = false;
  bool is_chosen_ = false;  // by the program
  std::shared_ptr<const LogSink> sink_;
};

Hub& TheHub() {
  static Hub* const hub = new Hub;  // never destroyed: endpoints may be closed during exit
  return *hub;
}

}  // namespace

bool IsLogging() { return is_logging.load(std::memory_order_relaxed) != 0; }

void Log(LogLevel level, absl::string_view message) {
  const std::shared_ptr<const LogSink> sink = TheHub().sink();
  if (*sink) (*sink)(level, message);  // outside the lock: it may set another sink
}

bool IsDebugMode() { return TheHub().IsDebugMode(); }

}  // namespace endpoint

void SetLogSink(LogSink sink) { endpoint::TheHub().SetSink(std::move(sink)); }

void SetDebugMode(bool is_on) { endpoint::TheHub().SetDebugMode(is_on); }

}  // namespace shmcomm
