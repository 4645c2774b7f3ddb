// SPDX-License-Identifier: Apache-2.0
// One way to a subscriber that really sleeps, beside a bare futex ping-pong, with both processes on one core (the steady
// figure on virtual machines) and on two. Nobody spins: each side sleeps before the other publishes.
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <new>
#include <string>
#include <vector>

#include "support/blocks.h"
#include "support/channels.h"

namespace shmcomm::bench {
namespace {

enum class Side { kPing, kPong };

struct Word {
  alignas(64) std::atomic<std::uint32_t> value;
};
struct Shared {
  Word there;
  Word back;
  std::atomic<int> ready;
};

void WakeWith(Word& word, std::uint32_t value) {
  word.value.store(value, std::memory_order_release);
  syscall(SYS_futex, &word.value, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

void SleepUntil(Word& word, std::uint32_t value) {
  for (;;) {
    const std::uint32_t seen = word.value.load(std::memory_order_acquire);
    if (seen == value) return;
    syscall(SYS_futex, &word.value, FUTEX_WAIT, seen, nullptr, nullptr, 0);
  }
}

template <class Round>
double TimeOneWay(std::int64_t count, Round&& round) {
  const auto start = std::chrono::steady_clock::now();
  for (std::int64_t i = 0; i < count; ++i) round();
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count() /
         static_cast<double>(count) / 2;
}

class BareFutex {
 public:
  BareFutex(Shared* shared, Side side) : shared_(shared), side_(side) {}
  double operator()(std::int64_t count) {
    return TimeOneWay(count, [this] {
      ++value_;
      if (side_ == Side::kPing) WakeWith(shared_->there, value_);
      SleepUntil(side_ == Side::kPing ? shared_->back : shared_->there, value_);
      if (side_ == Side::kPong) WakeWith(shared_->back, value_);
    });
  }

 private:
  Shared* shared_;
  Side side_;
  std::uint32_t value_ = 0;
};

class Channels {
 public:
  Channels(std::uint32_t max_publishers, const std::string& name, Side side)
      : side_(side),
        there_(name + "/there"),
        back_(name + "/back"),
        out_(Require(Publisher::Open(LineChannel((side == Side::kPing ? there_ : back_).c_str(), max_publishers)))),
        in_(Require(Subscriber::Open(LineChannel((side == Side::kPing ? back_ : there_).c_str(), max_publishers), NeverSpin()))) {}

  double operator()(std::int64_t count) {
    return TimeOneWay(count, [this] {
      if (side_ == Side::kPing) Send();
      const Sample sample = Require(in_.Take(absl::Seconds(20)));
      if (side_ == Side::kPong) Send();
    });
  }

 private:
  static SubscriberOptions NeverSpin() {
    SubscriberOptions options;
    options.spin = absl::ZeroDuration();
    return options;
  }
  void Send() {
    const Line line{};
    Require(out_.PublishCopy(&line, sizeof(line), Codec::kStruct));
  }

  Side side_;
  std::string there_;
  std::string back_;
  Publisher out_;
  Subscriber in_;
};

void Run(Shared* shared, Side side, const BlockPlan& plan) {
  BareFutex bare(shared, side);
  Channels sole(1, "bench/wake/sole", side);
  Channels many(8, "bench/wake/shared", side);
  shared->ready.fetch_add(1);
  while (shared->ready.load() < 2) usleep(100);
  const std::vector<Contender> contenders = {{"bare futex", std::ref(bare)},
                                             {"struct of 64 B, one publisher allowed", std::ref(sole)},
                                             {"struct of 64 B, several publishers allowed", std::ref(many)}};
  if (side == Side::kPong && std::freopen("/dev/null", "w", stdout) == nullptr) return;
  for (const bool is_one_core : {true, false}) {
    PinTo(side == Side::kPong && !is_one_core ? 1 : 0);
    std::printf("one way to a sleeper, %s\n", is_one_core ? "both on one core" : "on two cores");
    CompareInBlocks(contenders, plan);
  }
}

}  // namespace
}  // namespace shmcomm::bench

int main(int argc, char** argv) {
  using namespace shmcomm::bench;
  BlockPlan plan;
  plan.blocks = argc > 1 ? std::atoi(argv[1]) : 15;
  plan.count = 3'000;
  void* memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 1;
  auto* shared = new (memory) Shared{};
  const pid_t child = fork();
  if (child == 0) {
    Run(shared, Side::kPong, plan);
    return 0;
  }
  Run(shared, Side::kPing, plan);
  int status = 0;
  waitpid(child, &status, 0);
  return status == 0 ? 0 : 1;
}
