// SPDX-License-Identifier: Apache-2.0
// How long a name is taken after deaths: from the SIGKILL to the first open by a newcomer that succeeds. All participants are
// killed at once, and the newcomer has the same schema or another; or one is killed, whose place the newcomer needs. The
// newcomer tries again at once. Nobody removes anything by hand. The kernel's own teardown is part of it.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

#include "support/channels.h"

namespace shmcomm::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kSubscribers = 3;

ChannelSpec Named(std::uint64_t fingerprint) {
  ChannelSpec spec = LineChannel("bench/reopen", 2, kSubscribers);
  spec.message.fingerprint = fingerprint;
  return spec;
}

/// A process that runs `open` and then lives until it is killed.
pid_t Start(const std::function<void(const std::function<void()>& stay)>& open) {
  int ready[2];
  if (pipe(ready) != 0) std::abort();
  const pid_t child = fork();
  if (child == 0) {
    open([&] {
      if (write(ready[1], "r", 1) != 1) std::_Exit(1);
      for (;;) pause();
    });
    std::_Exit(1);
  }
  char byte;
  if (read(ready[0], &byte, 1) != 1) std::abort();
  close(ready[0]);
  close(ready[1]);
  return child;
}

pid_t StartSubscriber(const ChannelSpec& spec) {
  return Start([&](const auto& stay) {
    const Subscriber subscriber = Require(Subscriber::Open(spec));
    stay();
  });
}

pid_t StartPublisher(const ChannelSpec& spec) {
  return Start([&](const auto& stay) {
    Publisher publisher = Require(Publisher::Open(spec));
    const Line line{};
    Require(publisher.PublishCopy(&line, sizeof(line), Codec::kStruct));
    stay();
  });
}

/// Milliseconds until a newcomer of `spec` is in the channel, from the moment at which the signals are sent.
double TimeReopen(const std::vector<pid_t>& victims, const ChannelSpec& spec) {
  const Clock::time_point killed = Clock::now();
  for (const pid_t victim : victims) kill(victim, SIGKILL);
  while (!Subscriber::Open(spec).ok()) {
  }
  const double ms = std::chrono::duration<double, std::milli>(Clock::now() - killed).count();
  for (const pid_t victim : victims) waitpid(victim, nullptr, 0);
  return ms;
}

double AfterAll(const ChannelSpec& newcomers) {
  std::vector<pid_t> all{StartPublisher(Named(1))};
  while (all.size() <= kSubscribers) all.push_back(StartSubscriber(Named(1)));
  return TimeReopen(all, newcomers);
}

double AfterOne() {
  const pid_t publisher = StartPublisher(Named(1));
  std::vector<pid_t> subscribers;
  while (subscribers.size() < kSubscribers) subscribers.push_back(StartSubscriber(Named(1)));
  const double ms = TimeReopen({subscribers.back()}, Named(1));
  subscribers.back() = publisher;
  for (const pid_t survivor : subscribers) kill(survivor, SIGKILL);
  for (const pid_t survivor : subscribers) waitpid(survivor, nullptr, 0);
  return ms;
}

void Report(const char* what, int deaths, const std::function<double()>& time) {
  std::vector<double> ms;
  for (int i = 0; i < deaths; ++i) ms.push_back(time());
  std::sort(ms.begin(), ms.end());
  std::printf("reopened after %s, ms: p50 %.1f, p99 %.1f, max %.1f (%d deaths)\n", what, ms[ms.size() / 2], ms[ms.size() * 99 / 100],
              ms.back(), deaths);
}

}  // namespace
}  // namespace shmcomm::bench

int main(int argc, char** argv) {
  using namespace shmcomm::bench;
  const int deaths = std::max(1, argc > 1 ? std::atoi(argv[1]) : 200);
  Report("the death of all, by the same schema", deaths, [] { return AfterAll(Named(1)); });
  Report("the death of all, by another schema", deaths, [] { return AfterAll(Named(2)); });
  Report("one death, in its place", deaths, AfterOne);
  Require(shmcomm::Subscriber::Open(Named(1)).status());  // removes what the last ones left
  return 0;
}
