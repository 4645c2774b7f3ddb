// SPDX-License-Identifier: Apache-2.0
// One-way latency between two spinning, pinned processes, beside the ideal: one slot whose flag and payload both sides
// read and write with nothing else. Measured: publish, transfer, take, release. Not measured: sleeping (see wakeup.cc),
// opening. One way is half a round trip.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <new>
#include <optional>

#include "support/blocks.h"
#include "support/channels.h"

namespace shmcomm::bench {
namespace {

using Clock = std::chrono::steady_clock;
enum class Side { kPing, kPong };

template <class Round>
double TimeOneWay(std::int64_t count, Round&& round) {
  const auto start = Clock::now();
  for (std::int64_t i = 0; i < count; ++i) round(static_cast<std::uint64_t>(i));
  return std::chrono::duration<double, std::nano>(Clock::now() - start).count() / static_cast<double>(count) / 2;
}

// ---- the limit ------------------------------------------------------------------------------------------------------

struct alignas(64) OneSlot {
  std::atomic<std::uint64_t> flag;
  alignas(64) Line payload;
};

struct IdealMemory {
  OneSlot there;
  OneSlot back;
};

void Put(OneSlot& slot, std::uint64_t flag, std::uint64_t value) {
  for (std::uint64_t& word : slot.payload.words) word = value;
  slot.flag.store(flag, std::memory_order_release);
}

std::uint64_t Get(OneSlot& slot, std::uint64_t flag) {
  while (slot.flag.load(std::memory_order_acquire) != flag) __builtin_ia32_pause();
  std::uint64_t sum = 0;
  for (const std::uint64_t word : slot.payload.words) sum += word;
  return sum;
}

class Ideal {
 public:
  explicit Ideal(IdealMemory* memory, Side side) : memory_(memory), side_(side) {}
  double operator()(std::int64_t count) {
    return TimeOneWay(count, [this](std::uint64_t i) {
      ++flag_;
      if (side_ == Side::kPing) {
        Put(memory_->there, flag_, i);
        Get(memory_->back, flag_);
      } else {
        Put(memory_->back, flag_, Get(memory_->there, flag_));
      }
    });
  }

 private:
  IdealMemory* memory_;
  Side side_;
  std::uint64_t flag_ = 0;
};

// ---- ours -----------------------------------------------------------------------------------------------------------

/// Two channels, one for each direction. `Transfer` writes and reads one message.
template <class Transfer>
class Channels {
 public:
  Channels(const char* there, const char* back, Transfer transfer, Side side)
      : transfer_(transfer),
        side_(side),
        out_(Require(Publisher::Open(transfer.Spec(side == Side::kPing ? there : back)))),
        in_(Require(Subscriber::Open(transfer.Spec(side == Side::kPing ? back : there), AlwaysSpin()))) {}

  double operator()(std::int64_t count) {
    return TimeOneWay(count, [this](std::uint64_t i) {
      if (side_ == Side::kPing) transfer_.Send(out_, i);
      const std::uint64_t got = transfer_.Receive(in_);
      if (side_ == Side::kPong) transfer_.Send(out_, got);
    });
  }

 private:
  Transfer transfer_;
  Side side_;
  Publisher out_;
  Subscriber in_;
};

struct Struct64 {
  std::uint32_t max_publishers;
  ChannelSpec Spec(const char* name) const { return LineChannel(name, max_publishers); }
  void Send(Publisher& out, std::uint64_t value) const {
    Line line;
    for (std::uint64_t& word : line.words) word = value;
    Require(out.PublishCopy(&line, sizeof(line), Codec::kStruct));
  }
  std::uint64_t Receive(Subscriber& in) const {
    const Sample sample = Require(in.Take(absl::Seconds(20)));
    std::uint64_t sum = 0;
    for (const std::uint64_t word : reinterpret_cast<const Line*>(sample.data())->words) sum += word;
    return sum;
  }
};

/// A slot of 8 MiB of which one line is written and read.
struct OneLineOf8MiB {
  static constexpr std::size_t kBytes = 8u << 20;
  ChannelSpec Spec(const char* name) const { return BytesChannel(name, kBytes); }
  void Send(Publisher& out, std::uint64_t value) const {
    Loan loan = Require(out.Loan());
    auto* line = reinterpret_cast<Line*>(Require(loan.Raw(kBytes)) + kBytes - sizeof(Line));
    for (std::uint64_t& word : line->words) word = value;
    Require(out.PublishRaw(std::move(loan), Codec::kBytes));
  }
  std::uint64_t Receive(Subscriber& in) const {
    const Sample sample = Require(in.Take(absl::Seconds(20)));
    std::uint64_t sum = 0;
    for (const std::uint64_t word : reinterpret_cast<const Line*>(sample.data() + kBytes - sizeof(Line))->words) sum += word;
    return sum;
  }
};

// ---- both processes run the same blocks in the same order -----------------------------------------------------------

struct Shared {
  IdealMemory ideal;
  std::atomic<int> ready;
};

void Run(Shared* shared, Side side, const BlockPlan& plan) {
  PinTo(side == Side::kPing ? 0 : 1);
  Ideal ideal(&shared->ideal, side);
  Channels<Struct64> sole("bench/sole/there", "bench/sole/back", {1}, side);
  Channels<Struct64> many("bench/shared/there", "bench/shared/back", {8}, side);
  Channels<OneLineOf8MiB> large("bench/8MiB/there", "bench/8MiB/back", {}, side);
  shared->ready.fetch_add(1);
  while (shared->ready.load() < 2) usleep(100);
  const std::vector<Contender> contenders = {
      {"ideal: one slot, flag and 64 B", std::ref(ideal)},
      {"struct of 64 B, one publisher allowed", std::ref(sole)},
      {"struct of 64 B, several publishers allowed", std::ref(many)},
      {"8 MiB slot, one line touched", std::ref(large)},
  };
  if (side == Side::kPong && std::freopen("/dev/null", "w", stdout) == nullptr) return;
  CompareInBlocks(contenders, plan);
}

}  // namespace
}  // namespace shmcomm::bench

int main(int argc, char** argv) {
  using namespace shmcomm::bench;
  BlockPlan plan;
  if (argc > 1) plan.blocks = std::atoi(argv[1]);
  plan.least_limit_ns = 150;
  void* memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 1;
  auto* shared = new (memory) Shared{};
  const pid_t child = fork();
  if (child == 0) {
    Run(shared, Side::kPong, plan);
    return 0;
  }
  std::printf("one way, two spinning processes, 64 B\n");
  Run(shared, Side::kPing, plan);
  int status = 0;
  waitpid(child, &status, 0);
  return status == 0 ? 0 : 1;
}
