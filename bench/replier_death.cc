// SPDX-License-Identifier: Apache-2.0
// How long a caller waits to learn that the replier which had its request was killed: from the moment at which the kernel has
// let the replier's lock go, as its parent sees it, to the caller's error. The caller sleeps. Not measured: the kernel's own
// teardown, other repliers that would find the dead one first.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "shmcomm/replier.h"
#include "shmcomm/requester.h"
#include "support/channels.h"

namespace shmcomm::bench {
namespace {

using Clock = std::chrono::steady_clock;

ChannelSpec CallChannel() {
  ChannelSpec spec = LineChannel("bench/death", 8, 8);
  spec.pattern = Pattern::kReqRep;
  spec.qos.max_reply_size = sizeof(Line);
  spec.reply = spec.message;
  return spec;
}

/// Takes a request and stays with it; says so through `ready`.
[[noreturn]] void TakeAndStay(int ready) {
  Replier replier = Require(Replier::Open(CallChannel(), {}));
  const Request request = Require(replier.Take(absl::InfiniteDuration()));
  if (write(ready, "r", 1) != 1) std::abort();
  for (;;) pause();
}

/// Milliseconds of one death; the caller must be told why.
double TimeDeath(Requester& requester) {
  int ready[2];
  if (pipe(ready) != 0) std::abort();
  const pid_t replier = fork();
  if (replier == 0) TakeAndStay(ready[1]);
  Line line{};
  const CallId call = Require(requester.SendCopy(&line, sizeof(line), Codec::kStruct, absl::InfiniteDuration()));
  Clock::time_point told;
  std::thread caller([&] {
    const absl::Status status = requester.Receive(call).status();
    told = Clock::now();
    if (!absl::IsUnavailable(status) || !MaybeExecuted(status)) std::abort();
  });
  char byte;
  if (read(ready[0], &byte, 1) != 1) std::abort();
  usleep(static_cast<useconds_t>(std::rand() % 20'000));   // anywhere in the caller's sleep
  kill(replier, SIGKILL);
  waitpid(replier, nullptr, 0);
  const Clock::time_point freed = Clock::now();
  caller.join();
  close(ready[0]);
  close(ready[1]);
  return std::max(0.0, std::chrono::duration<double, std::milli>(told - freed).count());
}

}  // namespace
}  // namespace shmcomm::bench

int main(int argc, char** argv) {
  using namespace shmcomm::bench;
  const int deaths = argc > 1 ? std::atoi(argv[1]) : 200;
  shmcomm::RequesterOptions options;
  options.wait_for_replier = true;
  shmcomm::Requester requester = Require(shmcomm::Requester::Open(CallChannel(), options));
  std::vector<double> ms;
  for (int i = 0; i < deaths; ++i) ms.push_back(TimeDeath(requester));
  std::sort(ms.begin(), ms.end());
  std::printf("a replier's death, from its lock's end to its caller's error, %d deaths: p50 %.1f ms, p99 %.1f ms, max %.1f ms\n",
              deaths, ms[ms.size() / 2], ms[ms.size() * 99 / 100], ms.back());
  return 0;
}
