// SPDX-License-Identifier: Apache-2.0
// What endpoints do, as attempts that may fail and be tried again.
#pragma once

#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "shmcomm/publisher.h"
#include "shmcomm/puller.h"
#include "shmcomm/pusher.h"
#include "shmcomm/replier.h"
#include "shmcomm/requester.h"
#include "shmcomm/subscriber.h"
#include "shmcomm/wait_set.h"

namespace shmcomm::crash {

/// The endpoints of one child; an attempt uses them.
struct Ends {
  std::string root;
  std::optional<Publisher> publisher;
  std::optional<Subscriber> subscriber;
  std::optional<Puller> puller;
  std::optional<Pusher> pusher;
  std::optional<Sample> sample;
  std::optional<Job> job;
  std::optional<Requester> requester;
  std::optional<Replier> replier;
  std::optional<Request> request;
  std::vector<Subscriber> others;
  std::optional<WaitSet> set;

  void CloseAll() {
    set.reset();
    others.clear();
    request.reset();
    sample.reset();
    requester.reset();
    replier.reset();
    publisher.reset();
    subscriber.reset();
    job.reset();
    puller.reset();
    pusher.reset();
  }
};

struct Attempt {
  using Act = std::function<absl::Status(Ends&)>;
  const char* name;
  Act before;
  Act attempt;
  bool keeps_some = false;   // what a refused attempt has mapped or made serves the next, and goes with the endpoint
};

/// For GoogleTest.
inline void PrintTo(const Attempt& attempt, std::ostream* out) { *out << attempt.name; }

std::vector<Attempt> PubSubAttempts();
std::vector<Attempt> JobAttempts();
std::vector<Attempt> CallAttempts();
/// These, and those of sets.
const std::vector<Attempt>& Attempts();

absl::Status Nothing(Ends& ends);
/// Up to the first that fails.
Attempt::Act InTurn(std::vector<Attempt::Act> acts);
/// Another process did `life`, with ends of its own, and was killed.
Attempt::Act AfterTheDeathOf(Attempt::Act life);

/// One channel for each pattern.
absl::Status OpenPublisher(Ends& ends);
absl::Status OpenSubscriber(Ends& ends);
absl::Status OpenPusher(Ends& ends);
absl::Status OpenPuller(Ends& ends);
absl::Status OpenRequester(Ends& ends);
absl::Status OpenReplier(Ends& ends);

}  // namespace shmcomm::crash
