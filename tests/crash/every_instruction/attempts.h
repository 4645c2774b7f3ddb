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
  std::optional<Job> job;
  std::optional<Requester> requester;
  std::optional<Replier> replier;
  std::vector<Subscriber> others;
  std::optional<WaitSet> set;

  void CloseAll() {
    set.reset();
    others.clear();
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
  const char* name;
  std::function<absl::Status(Ends&)> before;
  std::function<absl::Status(Ends&)> attempt;
  bool keeps_some = false;   // what a refused attempt has mapped or made serves the next, and goes with the endpoint
};

/// For GoogleTest.
inline void PrintTo(const Attempt& attempt, std::ostream* out) { *out << attempt.name; }

const std::vector<Attempt>& Attempts();

}  // namespace shmcomm::crash
