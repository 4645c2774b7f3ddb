// SPDX-License-Identifier: Apache-2.0
// Endpoints under fire: rounds of calls on them while a process of the same user scribbles over all files of their channel.
// SHMCOMM_SCALE multiplies the rounds, SHMCOMM_HOSTILE_SECONDS lets them go on for so long, SHMCOMM_SEED repeats a run's choices.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <optional>
#include <random>
#include <string>

#include "absl/status/status.h"
#include "faults/scaled.h"
#include "faults/scribbler.h"
#include "support/all_patterns.h"

namespace shmcomm::faults {

class UnderFire : public test::AllPatternsTest {
 protected:
  virtual void OpenAll() = 0;
  virtual void CloseAll() = 0;
  /// Closes one endpoint and opens it anew.
  virtual void ReopenOne() = 0;
  /// A few calls of each endpoint.
  virtual void Round() = 0;

  /// Works on the endpoints while the files in the channel's directory are scribbled over. Every so often all close and nothing
  /// is written until they are open again: then the channel is a new one.
  void Fire(const char* name) {
    Scribbler scribbler(Directory("test%2Fbytes"), random_());
    const std::uint64_t rounds = Scaled(200);
    const auto start = Clock::now();
    const auto end = start + LeastTime();
    for (std::uint64_t i = 0; i < rounds || scribbler.written() < 10 * rounds || Clock::now() < end; ++i) {
      ASSERT_TRUE(scribbler.is_alive());
      if (i % 32 == 0) {
        if (Below(2) == 0) CloseAll();   // under fire
        scribbler.Cease();
        ASSERT_NO_FATAL_FAILURE(MakeAnew());
        scribbler.GoOn();
      }
      if (Below(16) == 0) ReopenOne();
      Round();
      watchdog_.GetsOn();
    }
    Report(name, scribbler.written(), std::chrono::duration<double>(Clock::now() - start).count());
    scribbler.Cease();
    MakeAnew();
  }

  /// With nobody attached, whatever was written there is gone.
  void MakeAnew() {
    CloseAll();
    OpenAll();
  }

  /// Counts how a call ended. Nonsense in shared memory is no fault of the runtime, nor one without a name.
  bool Went(const absl::Status& status) {
    if (status.ok()) {
      ++done_;
      return true;
    }
    EXPECT_NE(status.code(), absl::StatusCode::kUnknown) << status;
    EXPECT_NE(status.code(), absl::StatusCode::kInternal) << status;
    ++errors_.at(static_cast<std::size_t>(status.code()));
    return false;
  }

  template <class Endpoint, class Options>
  void Open(std::optional<Endpoint>& endpoint, const ChannelSpec& spec, const Options& options) {
    auto opened = Endpoint::Open(spec, options);
    ASSERT_TRUE(opened.ok()) << opened.status();
    endpoint.emplace(*std::move(opened));
  }
  template <class Endpoint, class Options>
  void Reopen(std::optional<Endpoint>& endpoint, const ChannelSpec& spec, const Options& options) {
    endpoint.reset();
    auto opened = Endpoint::Open(spec, options);
    if (Went(opened.status())) endpoint.emplace(*std::move(opened));
  }

  /// Reads every byte of a message, twice; a copy may not change between.
  template <class Message>
  void Read(const Message& message, Verify policy) {
    const auto sum = [&] { return std::accumulate(message.data(), message.data() + message.size(), std::uint64_t{0}); };
    const std::uint64_t first = sum();
    EXPECT_TRUE(sum() == first || policy != Verify::kUntrusted) << "a copy changed";
    ++read_;
  }

  std::uint64_t Below(std::uint64_t limit) { return random_() % limit; }
  /// Of half the calls that may wait, a time to do so.
  absl::Duration AWhile() { return absl::Milliseconds(static_cast<std::int64_t>(Below(2))); }

 private:
  using Clock = std::chrono::steady_clock;

  void Report(const char* name, std::uint64_t written, double seconds) const {
    std::printf("hostile_writer %s written %llu in %.0f s, a second %.0f, done %llu, read %llu, errors", name,
                static_cast<unsigned long long>(written), seconds, static_cast<double>(written) / seconds,
                static_cast<unsigned long long>(done_), static_cast<unsigned long long>(read_));
    for (std::size_t code = 1; code < errors_.size(); ++code) {
      if (errors_[code] == 0) continue;
      std::printf(" %s %llu", absl::StatusCodeToString(static_cast<absl::StatusCode>(code)).c_str(),
                  static_cast<unsigned long long>(errors_[code]));
    }
    std::printf("\n");
  }

  static std::uint64_t SeedOfThisRun() {
    const char* text = std::getenv("SHMCOMM_SEED");
    const std::uint64_t seed = text == nullptr ? std::random_device()() : std::strtoull(text, nullptr, 10);
    std::printf("SHMCOMM_SEED=%llu\n", static_cast<unsigned long long>(seed));
    std::fflush(stdout);
    return seed;
  }
  static std::chrono::seconds LeastTime() {
    const char* text = std::getenv("SHMCOMM_HOSTILE_SECONDS");
    return std::chrono::seconds(text == nullptr ? 0 : std::strtoll(text, nullptr, 10));
  }

  std::mt19937_64 random_{SeedOfThisRun()};
  std::uint64_t done_ = 0;
  std::uint64_t read_ = 0;                   // messages
  std::array<std::uint64_t, 17> errors_{};   // by code
};

}  // namespace shmcomm::faults
