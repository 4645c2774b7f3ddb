// SPDX-License-Identifier: Apache-2.0
// What publishing costs the publisher, with 0 to 64 idle subscribers attached, beside the bare work of it: copy 128 B,
// read the clock, two compare-and-swaps, a fence. And the whole way of one message in one thread: publish, take, release.
// One process; nobody spins meanwhile.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "benchmark/benchmark.h"
#include "support/blocks.h"
#include "support/channels.h"

namespace shmcomm::bench {
namespace {

template <class Operation>
std::function<double(std::int64_t)> Timed(Operation operation) {
  return [operation](std::int64_t count) mutable {
    const auto start = std::chrono::steady_clock::now();
    for (std::int64_t i = 0; i < count; ++i) operation();
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count() /
           static_cast<double>(count);
  };
}

/// The bare work, on memory of our own that cycles like slots do.
struct BareWork {
  struct Slot {
    std::uint8_t bytes[128];
  };
  std::vector<Slot> slots = std::vector<Slot>(64);
  std::atomic<std::uint64_t> entry{0};
  std::atomic<std::uint64_t> head{0};
  std::uint64_t next = 0;

  void operator()() {
    std::uint8_t message[128];
    std::memset(message, static_cast<int>(next), sizeof(message));
    benchmark::DoNotOptimize(message);
    std::memcpy(slots[next % slots.size()].bytes, message, sizeof(message));
    benchmark::DoNotOptimize(std::chrono::steady_clock::now());
    std::uint64_t expected = next;
    entry.compare_exchange_strong(expected, next + 1, std::memory_order_acq_rel);
    expected = next;
    head.compare_exchange_strong(expected, next + 1, std::memory_order_release);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    ++next;
  }
};

struct Fanout {
  Publisher publisher;
  std::vector<Subscriber> subscribers;
};

Fanout OpenFanout(std::uint32_t max_publishers, int subscribers) {
  static int number = 0;
  const std::string name = "bench/publish/" + std::to_string(number++);
  const ChannelSpec spec = LineChannel(name.c_str(), max_publishers, 64);
  Fanout fanout{Require(Publisher::Open(spec)), {}};
  for (int i = 0; i < subscribers; ++i) fanout.subscribers.push_back(Require(Subscriber::Open(spec)));
  return fanout;
}

std::function<double(std::int64_t)> Publishing(Fanout& fanout) {
  return Timed([&fanout, line = Line{}]() mutable {
    ++line.words[0];
    Require(fanout.publisher.PublishCopy(&line, sizeof(line), Codec::kStruct));
  });
}

std::function<double(std::int64_t)> WholeWay(Fanout& fanout) {
  return Timed([&fanout, line = Line{}]() mutable {
    ++line.words[0];
    Require(fanout.publisher.PublishCopy(&line, sizeof(line), Codec::kStruct));
    const auto sample = Require(fanout.subscribers[0].TryTake());
    if (!sample.has_value()) std::abort();
    benchmark::DoNotOptimize(sample->data());
  });
}

}  // namespace
}  // namespace shmcomm::bench

int main(int argc, char** argv) {
  using namespace shmcomm::bench;
  BlockPlan plan;
  plan.count = 200'000;
  if (argc > 1) plan.blocks = std::atoi(argv[1]);
  PinTo(0);
  BareWork bare;
  std::vector<Contender> contenders = {{"bare work: copy, clock, two CAS, fence", Timed(std::ref(bare))}};
  std::vector<std::unique_ptr<Fanout>> fanouts;
  for (const std::uint32_t max_publishers : {8u, 1u}) {
    const char* kind = max_publishers == 1 ? "one publisher allowed" : "several publishers allowed";
    for (const int subscribers : {0, 1, 8, 64}) {
      fanouts.push_back(std::make_unique<Fanout>(OpenFanout(max_publishers, subscribers)));
      contenders.push_back({"publish 64 B, " + std::to_string(subscribers) + " subscribers, " + kind, Publishing(*fanouts.back())});
    }
    fanouts.push_back(std::make_unique<Fanout>(OpenFanout(max_publishers, 1)));
    contenders.push_back({std::string("publish + take + release, ") + kind, WholeWay(*fanouts.back())});
  }
  CompareInBlocks(contenders, plan);
  return 0;
}
