// SPDX-License-Identifier: Apache-2.0
// A plugin with the library inside, as a robot's program loads and unloads one.
#include "faults/plugin/plugin.h"

#include <cstdint>
#include <utility>

#include "shmcomm/publisher.h"
#include "shmcomm/subscriber.h"

namespace shmcomm::faults {
namespace {

Publisher* left_open = nullptr;   // nobody deletes it

/// The same word eight times.
absl::Status Send(Publisher& publisher, std::uint64_t value) {
  const std::uint64_t words[] = {value, value, value, value, value, value, value, value};
  return publisher.PublishCopy(words, sizeof(words), Codec::kStruct);
}

bool Exchange(const ChannelSpec& spec, const char* root) {
  PublisherOptions publishing;
  SubscriberOptions subscribing;
  publishing.root = subscribing.root = root;
  auto publisher = Publisher::Open(spec, publishing);
  auto subscriber = Subscriber::Open(spec, subscribing);
  if (!publisher.ok() || !subscriber.ok() || !Send(*publisher, 7).ok()) return false;
  const auto sample = subscriber->TryTake();
  return sample.ok() && sample->has_value() && (*sample)->size() == 8 * sizeof(std::uint64_t);
}

bool LeaveOpen(const ChannelSpec& spec, const char* root) {
  PublisherOptions options;
  options.root = root;
  auto publisher = Publisher::Open(spec, options);
  if (!publisher.ok()) return false;
  left_open = new Publisher(*std::move(publisher));
  return Send(*left_open, 8).ok();
}

}  // namespace
}  // namespace shmcomm::faults

extern "C" __attribute__((visibility("default"))) const shmcomm::faults::Plugin kPlugin = {&shmcomm::faults::Exchange,
                                                                                           &shmcomm::faults::LeaveOpen};
