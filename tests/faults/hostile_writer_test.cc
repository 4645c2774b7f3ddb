// SPDX-License-Identifier: Apache-2.0
// A process of the same user scribbles over all files of a channel at full speed while endpoints of ours work on them:
// every call returns, nothing outside the files is touched, and what is read of an untrusted message does not change.
// SHMCOMM_SCALE multiplies the rounds, SHMCOMM_HOSTILE_SECONDS lets it go on for so long, SHMCOMM_SEED repeats a run's choices.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <optional>
#include <random>

#include "faults/scaled.h"
#include "faults/scribbler.h"
#include "support/test_channels.h"

namespace shmcomm::faults {
namespace {

std::uint64_t SeedOfThisRun() {
  const char* text = std::getenv("SHMCOMM_SEED");
  const std::uint64_t seed = text == nullptr ? std::random_device()() : std::strtoull(text, nullptr, 10);
  std::printf("SHMCOMM_SEED=%llu\n", static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  return seed;
}

std::chrono::seconds LeastTime() {
  const char* text = std::getenv("SHMCOMM_HOSTILE_SECONDS");
  return std::chrono::seconds(text == nullptr ? 0 : std::strtoll(text, nullptr, 10));
}

struct Channel {
  const char* name;
  std::uint32_t max_publishers;
  Reliability reliability;
};
void PrintTo(const Channel& channel, std::ostream* out) { *out << channel.name; }

class HostileWriter : public test::EndpointTest, public ::testing::WithParamInterface<Channel> {
 protected:
  static ChannelSpec Spec() {
    ChannelSpec spec = test::BytesSpec(8192);
    spec.qos.max_publishers = GetParam().max_publishers;
    spec.qos.reliability = GetParam().reliability;
    spec.qos.on_full = OnFull::kFail;
    return spec;
  }
  template <class Endpoint, class Options>
  static void Reopen(std::optional<Endpoint>& endpoint, const Options& options) {
    endpoint.reset();
    auto opened = Endpoint::Open(Spec(), options);
    if (opened.ok()) endpoint.emplace(*std::move(opened));
  }
  static std::uint64_t SumOf(const Sample& sample) {
    return std::accumulate(sample.data(), sample.data() + sample.size(), std::uint64_t{0});
  }
  /// Takes what there is; what is held is read twice.
  void TakeSome(Subscriber& subscriber, bool is_copy) {
    for (int i = 0; i < 4; ++i) {
      const auto sample = subscriber.TryTake();
      if (!sample.ok()) {
        ++errors_;
        continue;
      }
      if (!sample->has_value()) return;
      const std::uint64_t first = SumOf(**sample);
      ASSERT_TRUE(!is_copy || SumOf(**sample) == first) << "a copy changed";
      ++taken_;
    }
  }

  std::uint64_t taken_ = 0;
  std::uint64_t errors_ = 0;
  test::Watchdog patience_{"the hostile writer", std::chrono::seconds(280)};
};
INSTANTIATE_TEST_SUITE_P(On, HostileWriter,
                         ::testing::Values(Channel{"shared", 4, Reliability::kBestEffort},
                                           Channel{"sole", 1, Reliability::kBestEffort},
                                           Channel{"reliable", 4, Reliability::kReliable}),
                         [](const auto& info) { return info.param.name; });

TEST_P(HostileWriter, MakesErrorsAndNothingElse) {
  std::mt19937_64 random(SeedOfThisRun());
  SubscriberOptions untrusted = SubscriberHere();
  untrusted.verify = Verify::kUntrusted;
  std::optional<Publisher> publisher;
  std::optional<Subscriber> trusting;
  std::optional<Subscriber> copying;
  const std::vector<std::uint8_t> content(8192, 5);
  {
    Scribbler scribbler(Directory("test%2Fbytes"), random());
    const std::uint64_t rounds = Scaled(200);
    const auto start = std::chrono::steady_clock::now();
    const auto end = start + LeastTime();
    for (std::uint64_t round = 0; round < rounds || scribbler.written() < 10 * rounds || std::chrono::steady_clock::now() < end;
         ++round) {
      if (round % 64 == 0) Reopen(publisher, PublisherHere());
      if (round % 64 == 16) Reopen(trusting, SubscriberHere());
      if (round % 64 == 32) Reopen(copying, untrusted);
      for (int i = 0; publisher.has_value() && i < 4; ++i) {
        errors_ += publisher->PublishCopy(content.data(), random() % content.size(), Codec::kBytes).ok() ? 0 : 1;
      }
      if (trusting.has_value()) TakeSome(*trusting, false);
      if (copying.has_value()) TakeSome(*copying, true);
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::printf("hostile_writer %s written %llu in %.0f s, a second %.0f, taken %llu errors %llu\n", GetParam().name,
                static_cast<unsigned long long>(scribbler.written()), took.count(),
                static_cast<double>(scribbler.written()) / took.count(), static_cast<unsigned long long>(taken_),
                static_cast<unsigned long long>(errors_));
  }
  publisher.reset();
  trusting.reset();
  copying.reset();

  // With the scribbler gone and nobody attached, the channel is made anew.
  Publisher after = OpenPublisher(Spec());
  EXPECT_TRUE(after.PublishCopy("x", 1, Codec::kBytes).ok());
}

}  // namespace
}  // namespace shmcomm::faults
