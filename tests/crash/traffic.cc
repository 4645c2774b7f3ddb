// SPDX-License-Identifier: Apache-2.0
#include "crash/traffic.h"

#include <sched.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <random>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "shmcomm/publisher.h"
#include "shmcomm/subscriber.h"

namespace shmcomm::crash {
namespace {

constexpr std::uint32_t kMaxWords = 500;

struct Message {
  std::uint64_t checksum;         // of all that follows
  std::uint32_t source;
  std::uint32_t words;
  std::uint64_t generation;       // the publishing process
  std::uint64_t count;            // its messages, from 1
  std::uint64_t content[kMaxWords];

  std::size_t bytes() const { return offsetof(Message, content) + words * sizeof(std::uint64_t); }
};

std::uint64_t ChecksumOf(const Message& message) {
  std::uint64_t sum = message.source + message.words * 31ull + message.generation * 1009 + message.count * 9176;
  for (std::uint32_t i = 0; i < message.words; ++i) sum = sum * 6364136223846793005ull + message.content[i];
  return sum;
}

void Fill(Message& message, std::uint32_t words) {
  message.words = words;
  for (std::uint32_t i = 0; i < words; ++i) message.content[i] = message.count * 1000 + i;
  message.checksum = ChecksumOf(message);
}

bool IsGreeting(const Sample& sample) {
  return std::string_view(reinterpret_cast<const char*>(sample.data()), sample.size()) == kGreeting;
}

bool IsWhole(const Sample& sample) {
  if (IsGreeting(sample)) return true;
  if (sample.size() < offsetof(Message, content) || sample.size() > sizeof(Message)) return false;
  const auto& message = *reinterpret_cast<const Message*>(sample.data());
  return message.words <= kMaxWords && message.bytes() == sample.size() && message.checksum == ChecksumOf(message);
}

template <class Endpoint, class Options>
absl::StatusOr<Endpoint> Open(const Participant& self, Options options) {
  options.root = self.root;
  absl::StatusOr<Endpoint> endpoint = Endpoint::Open(self.spec, options);
  if (endpoint.ok()) {
    self.report->opens.fetch_add(1);
  } else {
    self.report->Wrong(absl::StrCat("open: ", endpoint.status().ToString()));
  }
  return endpoint;
}

/// Accounts for the messages of one opened subscriber.
class Account {
 public:
  explicit Account(Report& report) : report_(report) {}

  void Enter(const Sample& sample) {
    if (!IsWhole(sample)) return report_.Wrong(absl::StrCat("message ", sample.sequence(), " is torn"));
    if (!IsGreeting(sample)) EnterInOrderOfSource(*reinterpret_cast<const Message*>(sample.data()));
    if (has_any_ && sample.sequence() != last_sequence_ + 1 + sample.lost()) {
      report_.Wrong(absl::StrCat("sequence ", sample.sequence(), " after ", last_sequence_, " with ", sample.lost(), " lost"));
    }
    has_any_ = true;
    last_sequence_ = sample.sequence();
    report_.received.fetch_add(1);
    report_.lost.fetch_add(sample.lost());
  }

 private:
  void EnterInOrderOfSource(const Message& message) {
    const std::pair<std::uint64_t, std::uint64_t> now{message.generation, message.count};
    std::pair<std::uint64_t, std::uint64_t>& last = last_of_source_[message.source];
    if (now <= last) {
      report_.Wrong(absl::StrCat("source ", message.source, " gave ", now.first, "/", now.second, " after ", last.first,
                                 "/", last.second));
    }
    last = now;
  }

  Report& report_;
  std::map<std::uint32_t, std::pair<std::uint64_t, std::uint64_t>> last_of_source_;
  std::uint64_t last_sequence_ = 0;
  bool has_any_ = false;
};

std::uint64_t Random(std::mt19937_64& random, std::uint64_t below) { return random() % below; }

/// One opened subscriber, until it has taken `messages` or is stopped.
void ReadSome(const Participant& self, std::mt19937_64& random, std::uint64_t messages) {
  SubscriberOptions options;
  options.spin = Random(random, 2) == 0 ? absl::ZeroDuration() : absl::Microseconds(20);
  auto subscriber = Open<Subscriber>(self, options);
  if (!subscriber.ok()) return;
  Account account(*self.report);
  std::vector<Sample> held;
  while (messages > 0 && !*self.stop) {
    auto sample = subscriber->Take(absl::Milliseconds(20));
    if (sample.ok()) {
      --messages;
      account.Enter(*sample);
      held.push_back(*std::move(sample));
    } else if (!absl::IsDeadlineExceeded(sample.status())) {
      self.report->Wrong(absl::StrCat("take: ", sample.status().ToString()));
    }
    if (held.size() < self.spec.qos.max_borrowed && Random(random, 3) != 0) continue;
    for (const Sample& old : held) {
      if (!IsWhole(old)) self.report->Wrong(absl::StrCat("message ", old.sequence(), " changed while it was held"));
    }
    held.clear();
  }
}

void PublishSome(const Participant& self, std::mt19937_64& random, Message& message, std::uint64_t messages) {
  auto publisher = Open<Publisher>(self, PublisherOptions());
  if (!publisher.ok()) return;
  for (; messages > 0 && !*self.stop; --messages) {
    ++message.count;
    Fill(message, static_cast<std::uint32_t>(Random(random, kMaxWords)));
    absl::Status status;
    if (Random(random, 2) == 0) {
      status = publisher->PublishCopy(&message, message.bytes(), Codec::kBytes);
    } else {
      auto loan = publisher->Loan();
      status = loan.status();
      if (loan.ok()) {
        std::memcpy(*loan->Raw(message.bytes()), &message, message.bytes());
        status = publisher->PublishRaw(*std::move(loan), Codec::kBytes);
      }
    }
    if (!status.ok()) self.report->Wrong(absl::StrCat("publish: ", status.ToString()));
    self.report->sent.fetch_add(1);
    if (Random(random, 30) == 0) usleep(static_cast<useconds_t>(Random(random, 300)));  // bursts: readers sleep between them
  }
}

std::uint64_t Stretch(const Participant& self, std::mt19937_64& random) {
  return self.comes_and_goes ? 1 + Random(random, 300) : UINT64_MAX;
}

}  // namespace

void Report::Wrong(const std::string& what) {
  if (wrongs.fetch_add(1) == 0) what.copy(first_wrong, sizeof(first_wrong) - 1);
}

void PublishUntilStopped(const Participant& self) {
  std::mt19937_64 random(self.seed);
  Message message{};
  message.source = self.source;
  message.generation = self.seed;
  while (!*self.stop) PublishSome(self, random, message, Stretch(self, random));
}

void ReadUntilStopped(const Participant& self) {
  std::mt19937_64 random(self.seed);
  while (!*self.stop) ReadSome(self, random, Stretch(self, random));
}

}  // namespace shmcomm::crash
