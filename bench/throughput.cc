// SPDX-License-Identifier: Apache-2.0
// Messages of 64 bytes from one process to another as fast as they go, on a reliable channel and as jobs, beside an ideal
// ring for one writer and one reader: 64-byte slots, two indices, each side keeping its last look at the other's. Both are
// pinned and spin; every byte is written and read. Measured by the reader. Not measured: sleeping, several readers.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <optional>

#include "shmcomm/puller.h"
#include "shmcomm/pusher.h"
#include "support/blocks.h"
#include "support/channels.h"
#include "support/two_processes.h"

namespace shmcomm::bench {
namespace {

constexpr std::uint32_t kCapacity = 1024;

std::uint64_t SumOf(const Line& line) {
  std::uint64_t sum = 0;
  for (const std::uint64_t word : line.words) sum += word;
  return sum;
}

Line LineOf(std::uint64_t value) {
  Line line;
  for (std::uint64_t& word : line.words) word = value;
  return line;
}

/// Where the sums go, so that nothing is optimised away.
volatile std::uint64_t sink;

template <class Pass>
double TimeOfEach(std::int64_t count, Pass&& pass) {
  const auto start = std::chrono::steady_clock::now();
  pass();
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count() / static_cast<double>(count);
}

struct IdealRing {
  alignas(64) std::atomic<std::uint64_t> written{0};
  alignas(64) std::atomic<std::uint64_t> read{0};
  alignas(64) Line slots[kCapacity];
};

class Ideal {
 public:
  Ideal(IdealRing& ring, Side side) : ring_(ring), side_(side) {}

  double operator()(std::int64_t count) {
    return TimeOfEach(count, [&] { side_ == Side::kSecond ? Write(count) : Read(count); });
  }

 private:
  void Write(std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i, ++at_) {
      while (at_ - other_ >= kCapacity) other_ = ring_.read.load(std::memory_order_acquire);
      ring_.slots[at_ % kCapacity] = LineOf(at_);
      ring_.written.store(at_ + 1, std::memory_order_release);
    }
  }
  void Read(std::int64_t count) {
    std::uint64_t sum = 0;
    for (std::int64_t i = 0; i < count; ++i, ++at_) {
      while (other_ == at_) other_ = ring_.written.load(std::memory_order_acquire);
      sum += SumOf(ring_.slots[at_ % kCapacity]);
      ring_.read.store(at_ + 1, std::memory_order_release);
    }
    sink = sum;
  }

  IdealRing& ring_;
  Side side_;
  std::uint64_t at_ = 0;
  std::uint64_t other_ = 0;
};

enum class Taking { kOneByOne, kMany };

class Ours {
 public:
  Ours(const char* name, std::uint32_t max_publishers, Taking taking, Side side) : taking_(taking), side_(side) {
    ChannelSpec spec = LineChannel(name, max_publishers);
    spec.qos.capacity = kCapacity;
    spec.qos.reliability = Reliability::kReliable;
    spec.qos.max_borrowed = SampleBatch::kMost;
    if (side == Side::kSecond) {
      publisher_.emplace(Require(Publisher::Open(spec)));
    } else {
      subscriber_.emplace(Require(Subscriber::Open(spec, AlwaysSpin())));
    }
  }

  double operator()(std::int64_t count) {
    return TimeOfEach(count, [&] {
      if (side_ == Side::kSecond) return Write(count);
      taking_ == Taking::kMany ? ReadMany(count) : Read(count);
    });
  }

 private:
  void Write(std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
      const Line line = LineOf(static_cast<std::uint64_t>(i));
      Require(publisher_->PublishCopy(&line, sizeof(line), Codec::kStruct));
    }
  }
  void Read(std::int64_t count) {
    std::uint64_t sum = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      const Sample sample = Require(subscriber_->Take(absl::Seconds(20)));
      sum += SumOf(*reinterpret_cast<const Line*>(sample.data()));
    }
    sink = sum;
  }
  void ReadMany(std::int64_t count) {
    std::uint64_t sum = 0;
    for (std::int64_t left = count; left > 0;) {
      const SampleBatch batch = Require(subscriber_->TakeMany());
      for (const Sample& sample : batch) sum += SumOf(*reinterpret_cast<const Line*>(sample.data()));
      left -= static_cast<std::int64_t>(batch.size());
    }
    sink = sum;
  }

  Taking taking_;
  Side side_;
  std::optional<Publisher> publisher_;
  std::optional<Subscriber> subscriber_;
};

/// Each message a job that the puller claims, reads and acknowledges.
class Jobs {
 public:
  explicit Jobs(Side side) {
    ChannelSpec spec = LineChannel("bench/throughput/jobs", 8);
    spec.pattern = Pattern::kPushPull;
    spec.qos.capacity = kCapacity;
    if (side == Side::kSecond) {
      pusher_.emplace(Require(Pusher::Open(spec)));
      return;
    }
    PullerOptions options;
    options.spin = absl::InfiniteDuration();
    puller_.emplace(Require(Puller::Open(spec, options)));
  }

  double operator()(std::int64_t count) {
    return TimeOfEach(count, [&] { pusher_.has_value() ? Push(count) : Pull(count); });
  }

 private:
  void Push(std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
      const Line line = LineOf(static_cast<std::uint64_t>(i));
      Require(pusher_->PushCopy(&line, sizeof(line), Codec::kStruct));
    }
  }
  void Pull(std::int64_t count) {
    std::uint64_t sum = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      const Job job = Require(puller_->Take(absl::Seconds(20)));
      sum += SumOf(*reinterpret_cast<const Line*>(job.data()));
    }
    sink = sum;
  }

  std::optional<Pusher> pusher_;
  std::optional<Puller> puller_;
};

struct Shared {
  Meeting meeting;
  IdealRing ring;
};

void Run(Shared& shared, Side side, const BlockPlan& plan) {
  PinTo(side == Side::kFirst ? 0 : 1);
  Ideal ideal(shared.ring, side);
  Ours sole("bench/throughput/sole", 1, Taking::kOneByOne, side);
  Ours sole_many("bench/throughput/sole/many", 1, Taking::kMany, side);
  Ours many("bench/throughput/shared", 8, Taking::kOneByOne, side);
  Ours many_many("bench/throughput/shared/many", 8, Taking::kMany, side);
  Jobs jobs(side);
  shared.meeting.Meet(1);
  std::printf("time for a message of 64 B, none lost, one to one, both spinning; a ratio of 2 is half the throughput\n");
  CompareInBlocks({{"ideal: ring for one writer and one reader", std::ref(ideal)},
                   {"one publisher allowed, taken one by one", std::ref(sole)},
                   {"one publisher allowed, up to six taken at once", std::ref(sole_many)},
                   {"several publishers allowed, taken one by one", std::ref(many)},
                   {"several publishers allowed, up to six taken at once", std::ref(many_many)},
                   {"jobs: pushed, pulled and acknowledged", std::ref(jobs)}},
                  plan);
}

}  // namespace
}  // namespace shmcomm::bench

int main(int argc, char** argv) {
  using namespace shmcomm::bench;
  BlockPlan plan;
  plan.count = 300'000;
  if (argc > 1) plan.blocks = std::atoi(argv[1]);
  return RunBoth<Shared>([&plan](Shared& shared, Side side) { Run(shared, side, plan); });
}
