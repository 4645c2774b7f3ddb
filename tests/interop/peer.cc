// SPDX-License-Identifier: Apache-2.0
// One end of an interop test: `interop_peer publish|subscribe everything|plain|choice|tiny|blob`. Says "ready" once it has joined.
// A publisher then publishes the case of each number it reads from standard input and answers "ok"; a subscriber answers
// each line with the text of the next message. Ends with its input.
#include <unistd.h>

#include <cstdlib>
#include <iostream>
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

template <class Publisher>
int Publish() {
  absl::StatusOr<Publisher> publisher = Publisher::Open();
  if (!publisher.ok()) return Fail(publisher.status());
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const absl::Status status = publisher->Publish(CaseOf<typename Publisher::Message>(std::strtoull(line.c_str(), nullptr, 10)));
    if (!status.ok()) return Fail(status);
    std::cout << "ok" << std::endl;
  }
  return 0;
}

template <class Subscriber>
int Subscribe() {
  absl::StatusOr<Subscriber> subscriber = Subscriber::Open();
  if (!subscriber.ok()) return Fail(subscriber.status());
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const auto sample = subscriber->Take(absl::InfiniteDuration());
    if (!sample.ok()) return Fail(sample.status());
    std::cout << "lost=" << sample->lost() << " " << Text(**sample) << std::endl;
  }
  return 0;
}

template <class Publisher, class Subscriber>
int Run(const std::string& role) {
  return role == "publish" ? Publish<Publisher>() : Subscribe<Subscriber>();
}

int Main(const std::string& role, const std::string& message) {
  if (message == "everything") return Run<EverythingPublisher, EverythingSubscriber>(role);
  if (message == "plain") return Run<PlainPublisher, PlainSubscriber>(role);
  if (message == "choice") return Run<ChoicePublisher, ChoiceSubscriber>(role);
  if (message == "tiny") return Run<TinyPublisher, TinySubscriber>(role);
  return Run<BlobPublisher, BlobSubscriber>(role);
}

}  // namespace
}  // namespace interop

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: interop_peer publish|subscribe everything|plain|choice|tiny|blob\n";
    return 2;
  }
  alarm(interop::kHungAfterSeconds);  // a peer that hangs must not outlive its test
  return interop::Main(argv[1], argv[2]);
}
