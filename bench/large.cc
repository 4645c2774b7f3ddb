// SPDX-License-Identifier: Apache-2.0
// One way of 1 MiB and of 8 MiB between two spinning, pinned processes, every byte written for each message and read by its
// receiver, beside the ideal: one slot and a flag. One way is half a round trip.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>

#include "support/blocks.h"
#include "support/channels.h"
#include "support/two_processes.h"

namespace shmcomm::bench {
namespace {

constexpr std::size_t kMost = 8u << 20;

volatile std::uint64_t sink;

void FillAll(std::uint8_t* to, std::size_t bytes, std::uint64_t value) {
  auto* words = reinterpret_cast<std::uint64_t*>(to);
  for (std::size_t i = 0; i < bytes / 8; ++i) words[i] = value + i;
}

std::uint64_t ReadAll(const std::uint8_t* from, std::size_t bytes) {
  const auto* words = reinterpret_cast<const std::uint64_t*>(from);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < bytes / 8; ++i) sum += words[i];
  return sum;
}

template <class Round>
double TimeOneWay(std::int64_t count, Round&& round) {
  const auto start = std::chrono::steady_clock::now();
  for (std::int64_t i = 0; i < count; ++i) round(static_cast<std::uint64_t>(i));
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count() / static_cast<double>(count) / 2;
}

struct OneSlot {
  alignas(64) std::atomic<std::uint64_t> flag{0};
  alignas(4096) std::uint8_t bytes[kMost];
};

class Ideal {
 public:
  Ideal(OneSlot& there, OneSlot& back, std::size_t bytes, Side side) : there_(there), back_(back), bytes_(bytes), side_(side) {}

  double operator()(std::int64_t count) {
    return TimeOneWay(count, [this](std::uint64_t i) {
      ++flag_;
      if (side_ == Side::kFirst) Put(there_, i);
      sink = Get(side_ == Side::kFirst ? back_ : there_);
      if (side_ == Side::kSecond) Put(back_, i);
    });
  }

 private:
  void Put(OneSlot& slot, std::uint64_t value) const {
    FillAll(slot.bytes, bytes_, value);
    slot.flag.store(flag_, std::memory_order_release);
  }
  std::uint64_t Get(const OneSlot& slot) const {
    while (slot.flag.load(std::memory_order_acquire) != flag_) __builtin_ia32_pause();
    return ReadAll(slot.bytes, bytes_);
  }

  OneSlot& there_;
  OneSlot& back_;
  std::size_t bytes_;
  Side side_;
  std::uint64_t flag_ = 0;
};

class Ours {
 public:
  Ours(const std::string& name, std::size_t bytes, Reliability reliability, Side side)
      : there_(name + "/there"), back_(name + "/back"), bytes_(bytes), side_(side) {
    ChannelSpec out = BytesChannel((side == Side::kFirst ? there_ : back_).c_str(), bytes);
    ChannelSpec in = BytesChannel((side == Side::kFirst ? back_ : there_).c_str(), bytes);
    out.qos.reliability = in.qos.reliability = reliability;
    out_.emplace(Require(Publisher::Open(out)));
    in_.emplace(Require(Subscriber::Open(in, AlwaysSpin())));
  }

  double operator()(std::int64_t count) {
    return TimeOneWay(count, [this](std::uint64_t i) {
      if (side_ == Side::kFirst) Send(i);
      sink = Receive();
      if (side_ == Side::kSecond) Send(i);
    });
  }

 private:
  void Send(std::uint64_t value) {
    Loan loan = Require(out_->Loan());
    FillAll(Require(loan.Raw(bytes_)), bytes_, value);
    Require(out_->PublishRaw(std::move(loan), Codec::kBytes));
  }
  std::uint64_t Receive() {
    const Sample sample = Require(in_->Take(absl::Seconds(20)));
    return ReadAll(sample.data(), bytes_);
  }

  std::string there_;
  std::string back_;
  std::size_t bytes_;
  Side side_;
  std::optional<Publisher> out_;
  std::optional<Subscriber> in_;
};

struct Shared {
  Meeting meeting;
  OneSlot there;
  OneSlot back;
};

void Compare(Shared& shared, Side side, int nth, const BlockPlan& plan, std::size_t bytes, const char* title) {
  Ideal ideal(shared.there, shared.back, bytes, side);
  Ours best_effort(std::string("bench/large/best_effort/") + title, bytes, Reliability::kBestEffort, side);
  Ours reliable(std::string("bench/large/reliable/") + title, bytes, Reliability::kReliable, side);
  shared.meeting.Meet(nth);
  std::printf("one way of %s, all of it written and read\n", title);
  CompareInBlocks({{"ideal: one slot and a flag", std::ref(ideal)},
                   {"best_effort", std::ref(best_effort)},
                   {"reliable", std::ref(reliable)}},
                  plan);
}

void Run(Shared& shared, Side side, int blocks) {
  PinTo(side == Side::kFirst ? 0 : 1);
  BlockPlan plan;
  plan.blocks = blocks;
  plan.count = 200;
  Compare(shared, side, 1, plan, 1u << 20, "1 MiB");
  plan.count = 30;
  Compare(shared, side, 2, plan, kMost, "8 MiB");
}

}  // namespace
}  // namespace shmcomm::bench

int main(int argc, char** argv) {
  using namespace shmcomm::bench;
  const int blocks = argc > 1 ? std::atoi(argv[1]) : 11;
  return RunBoth<Shared>([blocks](Shared& shared, Side side) { Run(shared, side, blocks); });
}
