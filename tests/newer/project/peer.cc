// SPDX-License-Identifier: Apache-2.0
// One end of a channel of newer constructs: `newer_peer publish|subscribe near|far`. Says "ready" once it has joined. A
// publisher then sends the message of each number it reads and answers "ok"; a subscriber answers each line with the text of
// the next message, which it also verifies. Ends with its input.
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "ends.h"
#include "flatbuffers/flatbuffers.h"

namespace newer {
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
    const absl::Status status = Send(*publisher, std::atoi(line.c_str()));
    if (!status.ok()) return Fail(status);
    std::cout << "ok" << std::endl;
  }
  return 0;
}

template <class Subscriber>
int Subscribe() {
  shmcomm::SubscriberOptions options;
  options.verify = shmcomm::Verify::kVerify;
  absl::StatusOr<Subscriber> subscriber = Subscriber::Open(options);
  if (!subscriber.ok()) return Fail(subscriber.status());
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const auto sample = subscriber->Take(absl::InfiniteDuration());
    if (!sample.ok()) return Fail(sample.status());
    std::cout << Text(**sample) << std::endl;
  }
  return 0;
}

int Run(const std::string& role, const std::string& message) {
  if (role == "publish") return message == "near" ? Publish<NearPublisher>() : Publish<FarPublisher>();
  return message == "near" ? Subscribe<NearSubscriber>() : Subscribe<FarSubscriber>();
}

}  // namespace
}  // namespace newer

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: newer_peer publish|subscribe near|far\n";
    return 2;
  }
  alarm(newer::kHungAfterSeconds);  // a peer that hangs must not outlive its test
  return newer::Run(argv[1], argv[2]);
}
