// SPDX-License-Identifier: Apache-2.0
// The round trip of a call between two spinning, pinned processes, beside that of a pubsub ping-pong with the same 64 bytes:
// what claiming a request, and finding where its reply goes, cost beyond two messages. Not measured: sleeping, opening,
// several calls in flight.
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <new>

#include "shmcomm/replier.h"
#include "shmcomm/requester.h"
#include "support/blocks.h"
#include "support/channels.h"

namespace shmcomm::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr absl::Duration kLong = absl::Seconds(20);

template <class Round>
double TimeRound(std::int64_t count, Round&& round) {
  const auto start = Clock::now();
  for (std::int64_t i = 0; i < count; ++i) round();
  return std::chrono::duration<double, std::nano>(Clock::now() - start).count() / static_cast<double>(count);
}

ChannelSpec CallChannel() {
  ChannelSpec spec = LineChannel("bench/call", 8, 8);
  spec.pattern = Pattern::kReqRep;
  spec.qos.max_reply_size = sizeof(Line);
  spec.reply = spec.message;
  return spec;
}

/// The side that begins: it sends and waits for what comes back.
void Ask(const std::atomic<int>& ready, const BlockPlan& plan) {
  PinTo(0);
  Publisher out = Require(Publisher::Open(LineChannel("bench/there", 8)));
  Subscriber in = Require(Subscriber::Open(LineChannel("bench/back", 8), AlwaysSpin()));
  RequesterOptions options;
  options.spin = absl::InfiniteDuration();
  Requester requester = Require(Requester::Open(CallChannel(), options));
  while (ready.load() == 0) usleep(100);
  Line line{};
  CompareInBlocks({{"pubsub ping-pong, both ways",
                    [&](std::int64_t count) {
                      return TimeRound(count, [&] {
                        Require(out.PublishCopy(&line, sizeof(line), Codec::kStruct));
                        line.words[0] += Require(in.Take(kLong)).data()[0];
                      });
                    }},
                   {"call",
                    [&](std::int64_t count) {
                      return TimeRound(count, [&] {
                        const CallId call = Require(requester.SendCopy(&line, sizeof(line), Codec::kStruct, kLong));
                        line.words[0] += Require(requester.Receive(call)).data()[0];
                      });
                    }}},
                  plan);
}

/// The side that answers until it is killed, turn by turn as the other asks.
void AnswerForEver(std::atomic<int>& ready) {
  PinTo(1);
  Publisher out = Require(Publisher::Open(LineChannel("bench/back", 8)));
  Subscriber in = Require(Subscriber::Open(LineChannel("bench/there", 8), AlwaysSpin()));
  ReplierOptions options;
  options.spin = absl::InfiniteDuration();
  Replier replier = Require(Replier::Open(CallChannel(), options));
  ready.store(1);
  for (;;) {
    const auto sample = Require(in.TryTake());
    if (sample.has_value()) Require(out.PublishCopy(sample->data(), sample->size(), Codec::kStruct));
    auto request = Require(replier.TryTake());
    if (request.has_value()) Require(request->ReplyCopy(request->data(), request->size(), Codec::kStruct));
  }
}

}  // namespace
}  // namespace shmcomm::bench

int main(int argc, char** argv) {
  using namespace shmcomm::bench;
  BlockPlan plan;
  if (argc > 1) plan.blocks = std::atoi(argv[1]);
  void* memory = mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 1;
  auto* ready = new (memory) std::atomic<int>{0};
  const pid_t child = fork();
  if (child == 0) {
    AnswerForEver(*ready);
    return 0;
  }
  std::printf("round trip, two spinning processes, 64 B\n");
  Ask(*ready, plan);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  return 0;
}
