// SPDX-License-Identifier: Apache-2.0
// What all C++ participants of the soak share: the log, messages that prove themselves, and obeying the nemesis.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "soak.shm.h"

namespace shmcomm::soak_test {

inline volatile std::sig_atomic_t is_over = 0;
inline volatile std::sig_atomic_t must_exec = 0;
inline volatile std::sig_atomic_t must_fork = 0;

/// Nobody is struck before it can note the blow: the signals are blocked from exec to here.
inline void SetSignals(int how) {
  sigset_t all;
  sigemptyset(&all);
  for (const int signal : {SIGTERM, SIGUSR1, SIGUSR2}) sigaddset(&all, signal);
  sigprocmask(how, &all, nullptr);
}

inline void Note(int signal) {
  (signal == SIGUSR1 ? must_exec : signal == SIGUSR2 ? must_fork : is_over) = 1;
}

struct Participant {
  std::uint32_t source;
  std::uint64_t generation;
  int log;
  char** arguments;
  std::mt19937_64 random;
  std::uint64_t count = 0;   // of the last message that was given out
};

/// One line of the log, six numbers: kind, sequence, lost, source, generation, count.
using Line = std::array<std::uint64_t, 6>;
enum Kind : std::uint64_t {
  kOpened = 0, kTaken = 1, kTorn = 2, kError = 3,
  kPushed = 4,   // a job is given out; kTaken has its attempt in the place of lost
  kDone = 5,     // and acknowledged
  kCalling = 6, kAnswered = 7, kUnanswered = 8,   // a call, and its end; lost is 1 where it may have been executed
  kRefused = 9,  // for want of memory, in a call between two times of the monotonic clock, in the places of sequence and lost
  kAtRest = 10,  // nothing is open: how many descriptors and mappings of the root there are
};

inline void Write(const Participant& self, const Line& line) {
  if (write(self.log, line.data(), sizeof(line)) != sizeof(line)) std::abort();
}

inline void WriteOwn(const Participant& self, Kind kind, std::uint64_t first = 0, std::uint64_t second = 0) {
  Write(self, {kind, first, second, self.source, self.generation, self.count});
}

inline std::uint64_t SumOf(std::uint32_t source, std::uint64_t generation, std::uint64_t count,
                           const flatbuffers::Vector<std::uint64_t>& content) {
  std::uint64_t sum = source + generation * 1009 + count * 9176;
  for (const std::uint64_t word : content) sum = sum * 31 + word;
  return sum;
}

inline bool IsWhole(const soak::Beat& beat) {
  return beat.checksum() == SumOf(beat.source(), beat.generation(), beat.count(), *beat.content());
}

inline Line LineOf(Kind kind, std::uint64_t sequence, std::uint64_t attempt, const soak::Beat& beat) {
  return {IsWhole(beat) ? kind : kTorn, sequence, attempt, beat.source(), beat.generation(), beat.count()};
}

inline flatbuffers::Offset<soak::Beat> Build(flatbuffers::FlatBufferBuilder& builder, const Participant& self,
                                             std::uint64_t count) {
  std::vector<std::uint64_t> words(self.generation % 7 + count % 100);
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = count * 1000 + i;
  std::uint64_t sum = self.source + self.generation * 1009 + count * 9176;
  for (const std::uint64_t word : words) sum = sum * 31 + word;
  return soak::CreateBeat(builder, self.source, self.generation, count, builder.CreateVector(words), sum);
}

inline std::uint64_t MonotonicNs() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

/// A reliable ring, or one of jobs, stays full while a reader is stopped. Everything else that is exhausted is memory.
inline bool IsRingFull(const absl::Status& status) {
  return absl::IsResourceExhausted(status) && absl::StrContains(status.message(), "ring full");
}

/// What went wrong in a call that began at `begun_ns`.
inline void Complain(const Participant& self, const absl::Status& status, std::uint64_t begun_ns) {
  if (absl::IsResourceExhausted(status) && !IsRingFull(status)) return WriteOwn(self, kRefused, begun_ns, MonotonicNs());
  std::fprintf(stderr, "source %u: %s\n", self.source, status.ToString().c_str());
  WriteOwn(self, kError, static_cast<std::uint64_t>(status.code()));
}

inline void WriteAtRest(const Participant& self) {
  std::uint64_t descriptors = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    static_cast<void>(entry);
    ++descriptors;
  }
  std::uint64_t mappings = 0;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) mappings += absl::StrContains(line, std::getenv("SHMCOMM_ROOT")) ? 1 : 0;
  WriteOwn(self, kAtRest, descriptors, mappings);
}

/// A child of ours is nobody: its endpoint refuses, and our death is seen though it lives on for a while.
template <class Use>
void Fork(Use&& use) {
  must_fork = 0;
  if (fork() == 0) {
    const bool refused = use().code() == absl::StatusCode::kFailedPrecondition;
    absl::SleepFor(absl::Milliseconds(50));
    _exit(refused ? 0 : 1);
  }
}

inline void Obey(const Participant& self) {
  int status = 0;
  while (waitpid(-1, &status, WNOHANG) > 0) {
    if (status != 0) WriteOwn(self, kError, 100);
  }
  if (must_exec == 0) return;
  SetSignals(SIG_BLOCK);
  if (is_over == 0) execv("/proc/self/exe", self.arguments);
  SetSignals(SIG_UNBLOCK);  // told to end as well: a program that begins anew would not know
}

/// Until it is told to end: opens an end, takes turns with it for a while, closes it. `misuse` is what a forked child
/// tries with it.
template <class Open, class Turn, class Misuse>
void Live(Participant& self, Open&& open, Turn&& turn, Misuse&& misuse) {
  WriteAtRest(self);
  while (is_over == 0) {
    const std::uint64_t begun_ns = MonotonicNs();
    {
      auto end = open();
      if (!end.ok()) {
        Complain(self, end.status(), begun_ns);
        continue;
      }
      WriteOwn(self, kOpened);
      const absl::Time until = absl::Now() + absl::Milliseconds(100 + static_cast<std::int64_t>(self.random() % 2000));
      while (absl::Now() < until && is_over == 0) {
        turn(*end);
        if (must_fork != 0) Fork([&] { return misuse(*end); });
        Obey(self);
      }
    }
    WriteAtRest(self);
  }
}

}  // namespace shmcomm::soak_test
