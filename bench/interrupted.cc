// SPDX-License-Identifier: Apache-2.0
// How long a wait without end goes on after SIGINT, whose handler cancels it: of a subscriber, a puller and a replier that
// have gone to sleep.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "shmcomm/puller.h"
#include "shmcomm/replier.h"
#include "support/channels.h"

namespace shmcomm::bench {
namespace {

std::int64_t MonotonicNs() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

template <class Endpoint>
Endpoint* waiting = nullptr;

template <class Endpoint>
void CancelInHandler(int) {
  waiting<Endpoint>->Cancel();
}

/// Opens, says so, waits, and says when its wait was over. One wait a process: who is cancelled stays so.
template <class Endpoint>
void WaitUntilInterrupted(const ChannelSpec& spec, int out) {
  auto endpoint = Require(Endpoint::Open(spec));
  waiting<Endpoint> = &endpoint;
  signal(SIGINT, &CancelInHandler<Endpoint>);
  if (write(out, "r", 1) != 1) std::abort();
  if (!absl::IsCancelled(endpoint.Take(absl::InfiniteDuration()).status())) std::abort();
  const std::int64_t over_ns = MonotonicNs();
  if (write(out, &over_ns, sizeof(over_ns)) != sizeof(over_ns)) std::abort();
}

void AwaitSleepOf(pid_t pid) {
  for (std::string text; text.find(") S ") == std::string::npos;) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::getline(file, text);
  }
}

template <class Endpoint>
double InterruptedMs(const ChannelSpec& spec) {
  int said[2];
  if (pipe(said) != 0) std::abort();
  const pid_t child = fork();
  if (child == 0) {
    WaitUntilInterrupted<Endpoint>(spec, said[1]);
    std::_Exit(0);
  }
  char ready;
  if (read(said[0], &ready, 1) != 1) std::abort();
  AwaitSleepOf(child);
  const std::int64_t sent_ns = MonotonicNs();
  kill(child, SIGINT);
  std::int64_t over_ns = 0;
  if (read(said[0], &over_ns, sizeof(over_ns)) != sizeof(over_ns)) std::abort();
  waitpid(child, nullptr, 0);
  close(said[0]);
  close(said[1]);
  return static_cast<double>(over_ns - sent_ns) * 1e-6;
}

template <class Endpoint>
void Measure(const char* who, Pattern pattern, int rounds) {
  ChannelSpec spec = LineChannel("bench/interrupted", 1);
  spec.pattern = pattern;
  std::vector<double> ms;
  for (int i = 0; i < rounds; ++i) ms.push_back(InterruptedMs<Endpoint>(spec));
  std::sort(ms.begin(), ms.end());
  std::printf("interrupted_wait ms of a %s in C++: p50 %.2f, p99 %.2f, max %.2f (%d waits)\n", who, ms[ms.size() / 2],
              ms[ms.size() * 99 / 100], ms.back(), rounds);
}

}  // namespace
}  // namespace shmcomm::bench

int main(int argc, char** argv) {
  using namespace shmcomm;
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 100;
  bench::Measure<Subscriber>("subscriber", Pattern::kPubSub, rounds);
  bench::Measure<Puller>("puller", Pattern::kPushPull, rounds);
  bench::Measure<Replier>("replier", Pattern::kReqRep, rounds);
  return 0;
}
