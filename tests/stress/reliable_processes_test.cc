// SPDX-License-Identifier: Apache-2.0
// A reliable channel loses nothing: 16 publishers and 16 subscribers, each a process of its own. Every subscriber gets every
// message of every publisher once and in its publisher's order. SHMCOMM_RELIABLE_MESSAGES says how many are published in
// all; ten million take some minutes.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

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
#include "support/temporary_root.h"
#include "support/watchdog.h"

namespace shmcomm {
namespace {

constexpr std::uint32_t kPublishers = 16;
constexpr std::uint32_t kSubscribers = 16;

std::uint64_t MessagesOfEach() {
  const char* text = std::getenv("SHMCOMM_RELIABLE_MESSAGES");
  const std::uint64_t all = text == nullptr ? 16'000 : std::strtoull(text, nullptr, 10);
  return (all + kPublishers - 1) / kPublishers;
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
  std::atomic<std::uint32_t> subscribers{0};
  std::atomic<bool> go{false};
};

int Publish(const std::string& root, const Meeting& meeting, std::uint32_t source) {
  auto publisher = Publisher::Open(Spec(), At<PublisherOptions>(root));
  if (!publisher.ok()) return 10;
  while (!meeting.go.load()) usleep(100);
  for (std::uint64_t count = 0; count < MessagesOfEach(); ++count) {
    const Message message{source, CheckOf(source, count), count};
    if (!publisher->PublishCopy(&message, sizeof(message), Codec::kStruct).ok()) return 11;
  }
  return 0;
}

int Subscribe(const std::string& root, Meeting& meeting) {
  auto subscriber = Subscriber::Open(Spec(), At<SubscriberOptions>(root));
  if (!subscriber.ok()) return 20;
  meeting.subscribers.fetch_add(1);
  std::array<std::uint64_t, kPublishers> next{};
  for (std::uint64_t left = MessagesOfEach() * kPublishers; left > 0; --left) {
    const auto sample = subscriber->Take(absl::InfiniteDuration());
    if (!sample.ok() || sample->size() != sizeof(Message)) return 21;
    if (sample->lost() != 0) return 22;
    Message message;
    std::memcpy(&message, sample->data(), sizeof(message));
    if (message.source >= kPublishers || message.check != CheckOf(message.source, message.count)) return 23;
    if (message.count != next[message.source]++) return 24;  // out of order, twice, or missing
  }
  const auto more = subscriber->TryTake();
  return more.ok() && !more->has_value() && subscriber->stats().lost == 0 ? 0 : 25;
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
    for (const pid_t pid : processes_) {
      int status = 0;
      waitpid(pid, &status, 0);
      EXPECT_EQ(status, 0) << (WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    }
    processes_.clear();
  }

  test::TemporaryRoot root_;
  test::Watchdog watchdog_{"the reliable stress", std::chrono::seconds(240 + MessagesOfEach() / 200)};
  Meeting* meeting_ = nullptr;
  std::vector<pid_t> processes_;
};

TEST_F(ReliableProcesses, LoseNothingRepeatNothingAndKeepEachPublishersOrder) {
  for (std::uint32_t i = 0; i < kSubscribers; ++i) Start([this] { return Subscribe(root_.path(), *meeting_); });
  while (meeting_->subscribers.load() < kSubscribers) usleep(100);
  for (std::uint32_t i = 0; i < kPublishers; ++i) Start([this, i] { return Publish(root_.path(), *meeting_, i); });

  meeting_->go.store(true);

  ExpectAllEndWell();
  std::printf("reliable_processes messages %llu\n", static_cast<unsigned long long>(MessagesOfEach() * kPublishers));
}

}  // namespace
}  // namespace shmcomm
