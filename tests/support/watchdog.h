// SPDX-License-Identifier: Apache-2.0
// Ends a test that hangs, with a word about which and where, instead of leaving it to whoever runs the tests.
#pragma once

#include <signal.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace shmcomm::test {

/// Aborts the process unless destroyed in time, or told anew that it gets on. The time says "for ever", it is no
/// expectation of speed.
class Watchdog {
 public:
  explicit Watchdog(std::string what, std::chrono::seconds patience = std::chrono::seconds(120))
      : what_(std::move(what)), patience_(patience), thread_([this] { Watch(); }) {
    // A child forked while the thread still starts would inherit whatever locks starting takes, and wait for them for ever.
    std::unique_lock<std::mutex> lock(mutex_);
    over_.wait(lock, [this] { return is_watching_; });
  }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      is_over_ = true;
    }
    over_.notify_one();
    thread_.join();
  }

  /// A long test is not stuck: its time begins anew.
  void GetsOn() {
    const std::lock_guard<std::mutex> lock(mutex_);
    end_ = Clock::now() + patience_;
  }

 private:
  using Clock = std::chrono::steady_clock;

  void Watch() {
    // A signal is for the test's own thread: handled on this one, its handler would run beside the same handler there.
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    std::unique_lock<std::mutex> lock(mutex_);
    end_ = Clock::now() + patience_;
    is_watching_ = true;
    over_.notify_one();
    while (Clock::now() < end_) {
      const Clock::time_point end = end_;  // which may move while we wait
      if (over_.wait_until(lock, end, [this] { return is_over_; })) return;
    }
    std::fprintf(stderr, "watchdog: %s hangs\n", what_.c_str());
    std::abort();
  }

  std::string what_;
  std::chrono::seconds patience_;
  Clock::time_point end_;
  std::mutex mutex_;
  std::condition_variable over_;
  bool is_watching_ = false;
  bool is_over_ = false;
  std::thread thread_;
};

}  // namespace shmcomm::test
