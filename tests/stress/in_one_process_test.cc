// SPDX-License-Identifier: Apache-2.0
// Endpoints of one process, a thread each, at full speed. Runs under ThreadSanitizer too, which sees every access to the
// messages because all of them happen in its process.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "shmcomm/publisher.h"
#include "shmcomm/subscriber.h"

namespace shmcomm {
namespace {

constexpr int kWords = 32;
constexpr std::uint64_t kMessages = 20000;
constexpr absl::Duration kHang = absl::Seconds(120);  // longer means that a message will never come

/// Every word of a message is the same: `source` in the top byte, a counter below.
using Message = std::uint64_t[kWords];

std::uint64_t WordOf(std::uint64_t source, std::uint64_t count) { return source << 56 | count; }

class InOneProcess : public testing::Test {
 protected:
  InOneProcess() {
    char name[] = "/dev/shm/shmcomm-stress-XXXXXX";
    root_ = mkdtemp(name);
  }
  ~InOneProcess() override { std::filesystem::remove_all(root_); }

  static ChannelSpec SpecFor(std::uint32_t publishers) {
    ChannelSpec spec;
    spec.name = "stress";
    spec.qos.capacity = 16;
    spec.qos.max_size = sizeof(Message);
    spec.qos.max_publishers = publishers;
    return spec;
  }

  template <class Options>
  Options Here() const {
    Options options;
    options.root = root_;
    return options;
  }

  Publisher OpenPublisher(const ChannelSpec& spec) {
    absl::StatusOr<Publisher> publisher = Publisher::Open(spec, Here<PublisherOptions>());
    EXPECT_TRUE(publisher.ok()) << publisher.status();
    return *std::move(publisher);
  }
  Subscriber OpenSubscriber(const ChannelSpec& spec, absl::Duration spin = SubscriberOptions().spin) {
    auto options = Here<SubscriberOptions>();
    options.spin = spin;
    absl::StatusOr<Subscriber> subscriber = Subscriber::Open(spec, options);
    EXPECT_TRUE(subscriber.ok()) << subscriber.status();
    return *std::move(subscriber);
  }

  /// Runs `publishers` threads that publish kMessages each and two that take until the last ones came.
  void Exchange(std::uint32_t publishers);

  std::string root_;
};

void PublishAll(Publisher publisher, std::uint64_t source) {
  for (std::uint64_t count = 1; count <= kMessages; ++count) {
    Message message;
    for (std::uint64_t& word : message) word = WordOf(source, count);
    const absl::Status status = publisher.PublishCopy(message, sizeof message, Codec::kBytes);
    ASSERT_TRUE(status.ok()) << status;
  }
}

/// What one subscriber saw of each source: counters only grow, messages are whole.
void CheckMessage(const Sample& sample, std::vector<std::uint64_t>& last) {
  ASSERT_EQ(sample.size(), sizeof(Message));
  const auto* words = reinterpret_cast<const std::uint64_t*>(sample.data());
  const std::uint64_t first = words[0];
  for (int i = 1; i < kWords; ++i) ASSERT_EQ(words[i], first) << "torn message " << sample.sequence();
  const std::uint64_t source = first >> 56;
  ASSERT_LT(source, last.size());
  ASSERT_GT(first, last[source]) << "a message came twice, or out of order";
  last[source] = first;
}

/// Takes until nobody publishes any more and nothing is left, then accounts for every message.
void TakeAll(Subscriber subscriber, std::uint32_t publishers, const std::atomic<bool>& finished) {
  std::vector<std::uint64_t> last(publishers, 0);
  std::uint64_t taken = 0, lost = 0;
  for (;;) {
    const bool was_finished = finished.load();
    absl::StatusOr<std::optional<Sample>> sample = subscriber.TryTake();
    ASSERT_TRUE(sample.ok()) << sample.status();
    if (!sample->has_value()) {
      if (was_finished) break;
      (void)subscriber.Wait(absl::Milliseconds(10));
      continue;
    }
    ASSERT_NO_FATAL_FAILURE(CheckMessage(**sample, last));
    ++taken;
    lost += (*sample)->lost();
  }
  EXPECT_EQ(taken + lost, publishers * kMessages);
  EXPECT_EQ(subscriber.stats().lost, lost);
}

void InOneProcess::Exchange(std::uint32_t publishers) {
  const ChannelSpec spec = SpecFor(publishers);
  std::atomic<bool> finished{false};
  std::vector<std::thread> takers, senders;
  std::vector<Subscriber> subscribers;
  subscribers.push_back(OpenSubscriber(spec));
  subscribers.push_back(OpenSubscriber(spec));

  for (Subscriber& subscriber : subscribers) {
    takers.emplace_back(TakeAll, std::move(subscriber), publishers, std::cref(finished));
  }
  for (std::uint32_t source = 0; source < publishers; ++source) {
    senders.emplace_back(PublishAll, OpenPublisher(spec), source);
  }
  for (std::thread& sender : senders) sender.join();
  finished = true;
  for (std::thread& taker : takers) taker.join();
}

TEST_F(InOneProcess, ASolePublisherIsReadWholeAndInOrder) { Exchange(1); }

TEST_F(InOneProcess, PublishersThatShareARingAreReadWholeAndInOrder) { Exchange(2); }

TEST_F(InOneProcess, ASleepingSubscriberIsWokenForEveryMessage) {
  const ChannelSpec spec = SpecFor(1);
  Publisher publisher = OpenPublisher(spec);
  Subscriber subscriber = OpenSubscriber(spec, absl::ZeroDuration());
  std::atomic<std::uint64_t> answered{0};

  std::thread taker([&answered, subscriber = std::move(subscriber)]() mutable {
    for (std::uint64_t count = 1; count <= 2000; ++count) {
      absl::StatusOr<Sample> sample = subscriber.Take(kHang);
      ASSERT_TRUE(sample.ok()) << sample.status();
      answered.store(count);
    }
  });
  for (std::uint64_t count = 1; count <= 2000; ++count) {
    ASSERT_TRUE(publisher.PublishCopy(&count, sizeof count, Codec::kBytes).ok());
    while (answered.load() < count) std::this_thread::yield();
  }
  taker.join();

  EXPECT_EQ(publisher.stats().sent, 2000u);
}

}  // namespace
}  // namespace shmcomm
