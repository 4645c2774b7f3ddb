// SPDX-License-Identifier: Apache-2.0
// One end of an interop test of jobs: `interop_jobs push|pull everything|plain|choice|tiny|blob`. Says "ready" once it has
// joined. A pusher then pushes the case of each number it reads from standard input. A puller reads commands: "take" says the
// next job, "done" and "give back" end it. Ends with its input.
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cases.h"
#include "text.h"

namespace interop {
namespace {

constexpr unsigned kHungAfterSeconds = 120;

int Fail(const absl::Status& status) {
  std::cerr << status << "\n";
  return 1;
}

template <class Pusher>
int Push() {
  absl::StatusOr<Pusher> pusher = Pusher::Open();
  if (!pusher.ok()) return Fail(pusher.status());
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const auto number = std::strtoull(line.c_str(), nullptr, 10);
    if (absl::Status status = pusher->Push(CaseOf<typename Pusher::Message>(number)); !status.ok()) return Fail(status);
    std::cout << "ok" << std::endl;
  }
  return 0;
}

template <class Puller>
int Pull() {
  absl::StatusOr<Puller> puller = Puller::Open();
  if (!puller.ok()) return Fail(puller.status());
  std::cout << "ready" << std::endl;
  std::optional<typename Puller::JobType> held;
  for (std::string line; std::getline(std::cin, line);) {
    if (line == "take") {
      auto job = puller->Take(absl::InfiniteDuration());
      if (!job.ok()) return Fail(job.status());
      std::cout << "attempt=" << job->attempt() << " " << Text(**job) << std::endl;
      held = *std::move(job);
    } else {
      const absl::Status ended = line == "done" ? held->Ack() : held->GiveBack();
      if (!ended.ok()) return Fail(ended);
      std::cout << "ok" << std::endl;
    }
  }
  return 0;
}

template <class Pusher, class Puller>
int Run(const std::string& role) {
  return role == "push" ? Push<Pusher>() : Pull<Puller>();
}

int Main(const std::string& role, const std::string& message) {
  if (message == "everything") return Run<EverythingJobsPusher, EverythingJobsPuller>(role);
  if (message == "plain") return Run<PlainJobsPusher, PlainJobsPuller>(role);
  if (message == "choice") return Run<ChoiceJobsPusher, ChoiceJobsPuller>(role);
  if (message == "tiny") return Run<TinyJobsPusher, TinyJobsPuller>(role);
  return Run<BlobJobsPusher, BlobJobsPuller>(role);
}

}  // namespace
}  // namespace interop

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: interop_jobs push|pull everything|plain|choice|tiny|blob\n";
    return 2;
  }
  alarm(interop::kHungAfterSeconds);  // a peer that hangs must not outlive its test
  return interop::Main(argv[1], argv[2]);
}
