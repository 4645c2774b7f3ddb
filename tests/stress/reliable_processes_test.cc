// SPDX-License-Identifier: Apache-2.0
// A reliable channel loses nothing: 16 publishers and 32 subscribers, each a process of its own. Every subscriber gets every
// message of every publisher once and in its publisher's order, and no process grows by it. SHMCOMM_RELIABLE_MESSAGES says how
// many are published in all, each for 32 deliveries.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <new>
#include <vector>

#include "shmcomm/publisher.h"
#include "shmcomm/subscriber.h"
#include "support/resources.h"
#include "support/temporary_root.h"
#include "support/watchdog.h"

namespace shmcomm {
namespace {

constexpr std::uint32_t kPublishers = 16;
constexpr std::uint32_t kSubscribers = 32;
constexpr std::uint64_t kToSettle = 1000;  // of each publisher, before anything is measured: more than it has slots
constexpr std::size_t kNoiseKilobytes = 512;

/// Of each publisher, beyond those to settle.
std::uint64_t MessagesOfEach() {
  const char* text = std::getenv("SHMCOMM_RELIABLE_MESSAGES");
  const std::uint64_t all = text == nullptr ? 32'000 : std::strtoull(text, nullptr, 10);
  return std::max(all / kPublishers, 2 * kToSettle) - kToSettle;
}

struct Message {
  std::uint32_t source;
  std::uint32_t check;
  std::uint64_t count;
};
std::uint32_t CheckOf(std::uint32_t source, std::uint64_t count) {
  return static_cast<std::uint32_t>((count * 2654435761u) ^ (source * 40503u));
}

ChannelSpec Spec() {
  ChannelSpec spec;
  spec.name = "stress/reliable";
  spec.declared_at = "stress.channel:1";
  spec.qos.capacity = 256;
  spec.qos.max_size = sizeof(Message);
  spec.qos.max_publishers = kPublishers;
  spec.qos.max_subscribers = kSubscribers;
  spec.qos.reliability = Reliability::kReliable;
  spec.message = {"stress.Message", 5, true, sizeof(Message), nullptr, 0};
  return spec;
}

template <class Options>
Options At(const std::string& root) {
  Options options;
  options.root = root;
  return options;
}

/// Where the processes meet, in memory that they share.
struct Meeting {
  std::atomic<std::uint32_t> opened{0};
  std::atomic<std::uint32_t> settled{0};

  /// Returns when all processes have come to `stage`.
  static void Await(std::atomic<std::uint32_t>& stage) {
    stage.fetch_add(1);
    while (stage.load() < kPublishers + kSubscribers) usleep(100);
  }
};

/// What a process has once it has settled, and must not grow beyond.
class Footprint {
 public:
  explicit Footprint(const std::string& root) : root_(root) {}
  /// 0, or what to exit with.
  int Grown() const {
    if (!(test::CountResources(root_) == resources_)) return 31;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // which keep what is freed, and shadows of it
    if (test::ResidentKilobytes() > kilobytes_ + kNoiseKilobytes) return 32;
#endif
    return 0;
  }

 private:
  std::string root_;
  test::Resources resources_ = test::CountResources(root_);
  std::size_t kilobytes_ = test::ResidentKilobytes();
};

class Source {
 public:
  Source(Publisher& publisher, std::uint32_t number) : publisher_(&publisher), number_(number) {}
  bool Publish(std::uint64_t messages) {
    for (const std::uint64_t end = count_ + messages; count_ < end; ++count_) {
      const Message message{number_, CheckOf(number_, count_), count_};
      if (!publisher_->PublishCopy(&message, sizeof(message), Codec::kStruct).ok()) return false;
    }
    return true;
  }

 private:
  Publisher* publisher_;
  std::uint32_t number_;
  std::uint64_t count_ = 0;
};

int Publish(const std::string& root, Meeting& meeting, std::uint32_t number) {
  auto publisher = Publisher::Open(Spec(), At<PublisherOptions>(root));
  if (!publisher.ok()) return 10;
  Source source(*publisher, number);
  Meeting::Await(meeting.opened);
  if (!source.Publish(kToSettle)) return 11;
  Meeting::Await(meeting.settled);
  const Footprint footprint(root);
  if (!source.Publish(MessagesOfEach())) return 12;
  return footprint.Grown();
}

/// Takes and checks; one by one, or as many as there are.
class Sink {
 public:
  Sink(Subscriber& subscriber, bool takes_many) : subscriber_(&subscriber), takes_many_(takes_many) {}
  /// 0, or what to exit with.
  int Take(std::uint64_t messages) {
    for (left_ = messages; left_ > 0;) {
      if (const int wrong = TakeOne(); wrong != 0) return wrong;
      if (const int wrong = takes_many_ ? TakeMany() : 0; wrong != 0) return wrong;
    }
    return 0;
  }

 private:
  int TakeOne() {
    const auto sample = subscriber_->Take(absl::InfiniteDuration());
    --left_;
    return sample.ok() ? Check(*sample) : 21;
  }
  /// Until there are none.
  int TakeMany() {
    while (left_ > 0) {
      const auto batch = subscriber_->TakeMany(static_cast<std::uint32_t>(std::min<std::uint64_t>(left_, SampleBatch::kMost)));
      if (!batch.ok()) return 21;
      if (batch->empty()) return 0;
      for (const Sample& sample : *batch) {
        if (const int wrong = Check(sample); wrong != 0) return wrong;
      }
      left_ -= batch->size();
    }
    return 0;
  }
  int Check(const Sample& sample) {
    if (sample.size() != sizeof(Message)) return 22;
    if (sample.lost() != 0) return 23;
    Message message;
    std::memcpy(&message, sample.data(), sizeof(message));
    if (message.source >= kPublishers || message.check != CheckOf(message.source, message.count)) return 24;
    return message.count == next_[message.source]++ ? 0 : 25;  // out of order, twice, or missing
  }

  Subscriber* subscriber_;
  bool takes_many_;
  std::uint64_t left_ = 0;
  std::array<std::uint64_t, kPublishers> next_{};
};

int Subscribe(const std::string& root, Meeting& meeting, bool takes_many) {
  auto subscriber = Subscriber::Open(Spec(), At<SubscriberOptions>(root));
  if (!subscriber.ok()) return 20;
  Sink sink(*subscriber, takes_many);
  Meeting::Await(meeting.opened);
  if (const int wrong = sink.Take(kToSettle * kPublishers); wrong != 0) return wrong;
  Meeting::Await(meeting.settled);
  const Footprint footprint(root);
  if (const int wrong = sink.Take(MessagesOfEach() * kPublishers); wrong != 0) return wrong;
  const auto more = subscriber->TryTake();
  if (!more.ok() || more->has_value() || subscriber->stats().lost != 0) return 26;
  return footprint.Grown();
}

class ReliableProcesses : public ::testing::Test {
 protected:
  ReliableProcesses() {
    void* page = mmap(nullptr, sizeof(Meeting), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    meeting_ = new (page) Meeting;
  }
  ~ReliableProcesses() override {
    for (const pid_t pid : processes_) kill(pid, SIGKILL);
    for (const pid_t pid : processes_) waitpid(pid, nullptr, 0);
    munmap(meeting_, sizeof(Meeting));
  }
  void Start(const std::function<int()>& life) {
    const pid_t pid = fork();
    if (pid == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      _exit(life());
    }
    processes_.push_back(pid);
  }
  void ExpectAllEndWell() {
    while (!processes_.empty()) {
      int status = 0;
      const pid_t ended = wait(&status);
      processes_.erase(std::remove(processes_.begin(), processes_.end(), ended), processes_.end());
      ASSERT_EQ(status, 0) << (WIFEXITED(status) ? WEXITSTATUS(status) : -1);  // the others may wait for it for ever
    }
  }

  test::TemporaryRoot root_;
  test::Watchdog watchdog_{"the reliable stress", std::chrono::seconds(240 + MessagesOfEach() / 200)};
  Meeting* meeting_ = nullptr;
  std::vector<pid_t> processes_;
};

TEST_F(ReliableProcesses, LoseNothingRepeatNothingKeepEachPublishersOrderAndDoNotGrow) {
  for (std::uint32_t i = 0; i < kSubscribers; ++i) {
    Start([this, i] { return Subscribe(root_.path(), *meeting_, i % 2 == 0); });
  }
  for (std::uint32_t i = 0; i < kPublishers; ++i) Start([this, i] { return Publish(root_.path(), *meeting_, i); });

  ASSERT_NO_FATAL_FAILURE(ExpectAllEndWell());

  const std::uint64_t deliveries = (kToSettle + MessagesOfEach()) * kPublishers * kSubscribers;
  std::printf("reliable_processes deliveries %llu\n", static_cast<unsigned long long>(deliveries));
}

}  // namespace
}  // namespace shmcomm
