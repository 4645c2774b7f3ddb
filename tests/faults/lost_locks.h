// SPDX-License-Identifier: Apache-2.0
// Processes of which one has all its descriptors closed behind the library's back, and the messages that the others check.
#pragma once

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "support/all_patterns.h"
#include "support/forked_child.h"
#include "support/hand_laid.h"

namespace shmcomm::faults {

inline constexpr std::uint64_t kOfEach = 5000;   // messages of a publisher while the locks are gone
inline constexpr std::uint64_t kAfterwards = 1000;  // and after the one that lost them has been told
inline constexpr std::uint64_t kAllJobs = 10'000;
inline constexpr absl::Duration kMoment = absl::Milliseconds(1);

/// A message that proves itself.
struct Checked {
  std::uint64_t source = 0;
  std::uint64_t count = 0;   // the source's messages, from 1
  std::array<std::uint64_t, 62> rest = {};

  Checked() = default;
  Checked(std::uint64_t of, std::uint64_t nth) : source(of), count(nth) {
    for (std::size_t i = 0; i < rest.size(); ++i) rest.at(i) = Word(i);
  }
  bool IsWhole() const {
    for (std::size_t i = 0; i < rest.size(); ++i) {
      if (rest.at(i) != Word(i)) return false;
    }
    return true;
  }
  static Checked In(const std::uint8_t* data) {
    Checked message;
    std::memcpy(&message, data, sizeof(message));
    return message;
  }

 private:
  std::uint64_t Word(std::size_t i) const { return (source * 1'000'003 + count) * 6'364'136'223'846'793'005u + i; }
};

/// What the processes of a test share; all zeroes at first.
struct Meeting {
  static constexpr std::uint32_t kSources = 5;

  std::atomic<std::uint32_t> ready;             // processes that have opened
  std::atomic<bool> go;
  std::atomic<bool> are_closed;                 // the victim's descriptors
  std::atomic<bool> has_newcomer;
  std::atomic<bool> had_enough;                 // the victim has gone on for long enough without its locks
  std::atomic<bool> has_noticed;                // it was told
  std::atomic<std::uint32_t> paused;            // publishers that have sent all that they send while the locks are gone
  std::atomic<bool> is_newcomer_alone;          // with its line
  std::atomic<std::uint64_t> sent[kSources];    // of a source that is done: its messages
  std::atomic<std::uint32_t> done;              // sources
  std::atomic<std::uint64_t> ended;             // jobs
  std::atomic<std::uint32_t> endings[kAllJobs];    // of each
  std::atomic<std::uint64_t> wrongs;
  char first_wrong[256];

  /// Counts something that must not happen; the first is kept in words.
  void Wrong(const std::string& what) {
    if (wrongs.fetch_add(1) == 0) std::snprintf(first_wrong, sizeof(first_wrong), "%s", what.c_str());
  }
  void Wrong(const char* where, const absl::Status& status) { Wrong(std::string(where) + ": " + status.ToString()); }
};

/// What one subscriber gets from its first message on: each whole, in its source's order, and nothing missing untold.
class Account {
 public:
  explicit Account(Meeting& meeting) : meeting_(&meeting) {}

  void Enter(const Sample& sample) {
    const Checked message = Checked::In(sample.data());
    if (sample.size() != sizeof(Checked) || !message.IsWhole() || message.source >= Meeting::kSources) {
      return meeting_->Wrong("message " + std::to_string(sample.sequence()) + " is torn");
    }
    if (next_ != 0 && sample.sequence() != next_ + sample.lost()) meeting_->Wrong("a message is missing untold");
    next_ = sample.sequence() + 1;
    lost_ += sample.lost();
    std::uint64_t& last = last_.at(message.source);
    if (message.count <= last) meeting_->Wrong("source " + std::to_string(message.source) + " is out of order");
    last = message.count;
    ++of_.at(message.source);
  }
  std::uint64_t of(std::uint32_t source) const { return of_.at(source); }
  std::uint64_t lost() const { return lost_; }

 private:
  Meeting* meeting_;
  std::uint64_t next_ = 0;
  std::uint64_t lost_ = 0;
  std::array<std::uint64_t, Meeting::kSources> last_ = {};
  std::array<std::uint64_t, Meeting::kSources> of_ = {};
};

class LostLocks : public test::AllPatternsTest {
 protected:
  ~LostLocks() override {
    for (const pid_t pid : processes_) {
      kill(pid, SIGKILL);
      waitpid(pid, nullptr, 0);
    }
  }

  /// A process that does `live` and ends.
  void Start(const std::function<void()>& live) {
    const pid_t pid = test::ForkBound();
    if (pid == 0) {
      live();
      _exit(0);
    }
    processes_.push_back(pid);
  }
  void AwaitAll() {
    for (const pid_t pid : std::exchange(processes_, {})) {
      int status = 0;
      waitpid(pid, &status, 0);
      EXPECT_EQ(status, 0);
    }
    EXPECT_EQ(meeting_->wrongs.load(), 0u) << meeting_->first_wrong;
  }
  template <class Condition>
  static void Await(Condition&& condition) {
    while (!condition()) sched_yield();
  }
  void AwaitReady(std::uint32_t processes) {
    Await([&] { return meeting_->ready == processes; });
    meeting_->go = true;
  }
  void BeReady() {
    ++meeting_->ready;
    Await([this] { return meeting_->go.load(); });
  }
  /// What a daemon does to itself, and nobody tells the library.
  void CloseAllDescriptors() {
    if (syscall(SYS_close_range, 3, ~0U, 0) != 0) meeting_->Wrong("close_range fails");
    meeting_->are_closed = true;
  }

 private:
  test::SharedPages pages_{sizeof(Meeting)};
  std::vector<pid_t> processes_;

 protected:
  Meeting* const meeting_ = new (pages_.data()) Meeting{};
};

}  // namespace shmcomm::faults
