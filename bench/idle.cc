// SPDX-License-Identifier: Apache-2.0
// What waiting costs while nothing comes: the processor time of a WaitSet of 1, 8 and 100 subscribers of as many channels
// over some seconds, beside a thread that sleeps all the time. And how long a dead subscriber delays a publisher of a
// reliable channel, from the moment at which the kernel has let go of its lock.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "shmcomm/wait_set.h"
#include "support/channels.h"

namespace shmcomm::bench {
namespace {

double ProcessorMs() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto ms = [](const timeval& time) { return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) * 1e-3; };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

void Report(const char* what, int seconds, const std::function<void()>& wait) {
  const double before = ProcessorMs();
  wait();
  const double used = ProcessorMs() - before;
  std::printf("  %-40s %8.3f ms of processor in %d s   (%.4f %%)\n", what, used, seconds, used / (seconds * 10.0));
}

void MeasureIdle(int seconds) {
  std::printf("waiting while nothing comes\n");
  Report("a sleep", seconds, [=] { absl::SleepFor(absl::Seconds(seconds)); });
  for (const std::size_t members : {1u, 8u, 100u}) {
    std::vector<std::string> names;
    std::vector<Subscriber> subscribers;
    WaitSet set;
    for (std::size_t i = 0; i < members; ++i) names.push_back("bench/idle/" + std::to_string(i));
    for (const std::string& name : names) subscribers.push_back(Require(Subscriber::Open(LineChannel(name.c_str(), 1))));
    for (Subscriber& subscriber : subscribers) Require(set.Add(subscriber).status());
    Require(set.Wait(absl::Milliseconds(1)).status());  // what is made once
    const std::string what = "WaitSet of " + std::to_string(members);
    Report(what.c_str(), seconds, [&] { Require(set.Wait(absl::Seconds(seconds)).status()); });
  }
}

using Clock = std::chrono::steady_clock;

/// Milliseconds from the death of the only subscriber, as its parent sees it in a pipe that closes with it, to the end of a
/// publish that waited for it.
double DelayByADeath() {
  ChannelSpec spec = LineChannel("bench/death", 1);
  spec.qos.reliability = Reliability::kReliable;
  int alive[2];
  if (pipe2(alive, O_CLOEXEC) != 0) std::abort();
  const pid_t child = fork();
  if (child == 0) {
    close(alive[0]);
    auto subscriber = Require(Subscriber::Open(spec));
    if (write(alive[1], "r", 1) != 1) std::_Exit(1);
    for (;;) pause();
  }
  close(alive[1]);
  char byte;
  if (read(alive[0], &byte, 1) != 1) std::abort();
  auto publisher = Require(Publisher::Open(spec));
  const Line line{};
  for (std::uint32_t i = 0; i < spec.qos.capacity; ++i) Require(publisher.PublishCopy(&line, sizeof(line), Codec::kStruct));
  Clock::time_point went_on;
  std::thread blocked([&] {
    Require(publisher.PublishCopy(&line, sizeof(line), Codec::kStruct));
    went_on = Clock::now();
  });
  usleep(static_cast<useconds_t>(std::rand() % 20'000));
  kill(child, SIGKILL);
  if (read(alive[0], &byte, 1) != 0) std::abort();  // the kernel closes its files in the order of their numbers
  const Clock::time_point died = Clock::now();
  blocked.join();
  waitpid(child, nullptr, 0);
  close(alive[0]);
  return std::chrono::duration<double, std::milli>(went_on - died).count();
}

void MeasureDeath(int rounds) {
  std::vector<double> ms;
  for (int i = 0; i < rounds; ++i) ms.push_back(DelayByADeath());
  std::sort(ms.begin(), ms.end());
  std::printf("delay of a reliable publisher by a dead subscriber, ms: p50 %.1f, p99 %.1f, max %.1f (%d deaths)\n",
              ms[ms.size() / 2], ms[ms.size() * 99 / 100], ms.back(), rounds);
}

}  // namespace
}  // namespace shmcomm::bench

int main(int argc, char** argv) {
  using namespace shmcomm::bench;
  MeasureDeath(argc > 2 ? std::atoi(argv[2]) : 100);
  MeasureIdle(argc > 1 ? std::atoi(argv[1]) : 5);
  return 0;
}
