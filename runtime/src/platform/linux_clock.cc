// SPDX-License-Identifier: Apache-2.0
// CLOCK_MONOTONIC, from the time stamp counter where that is safe. A clock_gettime costs 22 ns, a quarter of a publish;
// reading the counter costs a third of that. Between two readings of the real clock, at most a millisecond apart, time is
// interpolated, so that the kernel's steering (at most 500 ppm) makes half a microsecond of error at worst.
#include <cmath>
#include <ctime>

#include "platform/os.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <x86intrin.h>
#endif

namespace shmcomm::platform {
namespace {

std::int64_t SystemNowNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

#if defined(__x86_64__)

/// True when the counter runs at one rate on all cores and through all sleep states.
bool HasInvariantCounter() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d & (1u << 8)) != 0;
}

const bool has_invariant_counter = HasInvariantCounter();

/// One thread's readings of both clocks: nothing is shared, so nothing needs an order.
struct Interpolation {
  std::uint64_t first_ticks = 0;     // the pair the rate is measured from
  std::int64_t first_ns = 0;
  std::uint64_t last_ticks = 0;      // the pair that is interpolated from
  std::int64_t last_ns = 0;
  std::uint64_t max_ticks = 0;       // how long the last pair may serve; 0 until the rate is known
  double ns_per_tick = 0;

  static constexpr std::uint64_t kMostTicksApart = 4096;         // a microsecond or two
  static constexpr std::int64_t kServesNs = 1'000'000;
  static constexpr std::int64_t kLeastBaseNs = 2'000'000;        // 20 ns of jitter in 2 ms: 10 ppm
  static constexpr std::int64_t kLongestBaseNs = 1'000'000'000;  // beyond, the rate follows the kernel's steering

  /// The machine slept or was paused meanwhile if the counter and the clock went apart by more than steering explains.
  bool IsPlausible(double measured) const {
    constexpr double kMostSteering = 0.001;
    return ns_per_tick == 0 || std::abs(measured / ns_per_tick - 1) < kMostSteering;
  }

  /// Until a rate is known again, the real clock is read.
  std::int64_t Restart(std::uint64_t ticks, std::int64_t now_ns) {
    *this = Interpolation{};
    first_ticks = ticks;
    first_ns = now_ns;
    return now_ns;
  }

  std::int64_t Resynchronise(std::uint64_t ticks) {
    const std::int64_t now_ns = SystemNowNs();
    // A thread that was stopped between its looks at the two clocks has no pair: the next call tries again.
    if (__rdtsc() - ticks > kMostTicksApart) return now_ns;
    if (first_ns == 0 || ticks <= first_ticks) {
      first_ticks = ticks;
      first_ns = now_ns;
    }
    const std::int64_t base_ns = now_ns - first_ns;
    if (base_ns >= kLeastBaseNs) {
      const double measured = static_cast<double>(base_ns) / static_cast<double>(ticks - first_ticks);
      if (!IsPlausible(measured)) return Restart(ticks, now_ns);
      ns_per_tick = measured;
      max_ticks = static_cast<std::uint64_t>(static_cast<double>(kServesNs) / ns_per_tick);
    }
    if (base_ns >= kLongestBaseNs) {
      first_ticks = ticks;
      first_ns = now_ns;
    }
    last_ticks = ticks;
    last_ns = now_ns;
    return now_ns;
  }
};

thread_local Interpolation interpolation;

#endif

}  // namespace

std::int64_t NowNs() {
#if defined(__x86_64__)
  if (has_invariant_counter) {
    Interpolation& clock = interpolation;
    const std::uint64_t ticks = __rdtsc();
    const std::uint64_t since = ticks - clock.last_ticks;
    if (since < clock.max_ticks) {
      return clock.last_ns + static_cast<std::int64_t>(static_cast<double>(since) * clock.ns_per_tick);
    }
    return clock.Resynchronise(ticks);
  }
#endif
  return SystemNowNs();
}

}  // namespace shmcomm::platform
