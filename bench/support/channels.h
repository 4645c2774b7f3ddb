// SPDX-License-Identifier: Apache-2.0
// Hand-written channel specs and shortcuts for benchmarks: a failure ends the run with its message.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/status/statusor.h"
#include "shmcomm/publisher.h"
#include "shmcomm/subscriber.h"

namespace shmcomm::bench {

struct Line {
  std::uint64_t words[8];
};
static_assert(sizeof(Line) == 64);

inline void Require(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  std::_Exit(1);
}

template <class T>
T Require(absl::StatusOr<T> value) {
  Require(value.status());
  return *std::move(value);
}

/// A struct channel of 64-byte messages.
inline ChannelSpec LineChannel(const char* name, std::uint32_t max_publishers, std::uint32_t max_subscribers = 16) {
  ChannelSpec spec;
  spec.name = name;
  spec.declared_at = "bench";
  spec.qos.max_size = sizeof(Line);
  spec.qos.max_publishers = max_publishers;
  spec.qos.max_subscribers = max_subscribers;
  spec.message = {"bench.Line", 1, true, sizeof(Line), nullptr, 0};
  return spec;
}

/// A channel of untyped bytes.
inline ChannelSpec BytesChannel(const char* name, std::uint64_t max_size) {
  ChannelSpec spec;
  spec.name = name;
  spec.declared_at = "bench";
  spec.qos.max_size = max_size;
  spec.qos.max_publishers = 1;
  return spec;
}

inline SubscriberOptions AlwaysSpin() {
  SubscriberOptions options;
  options.spin = absl::InfiniteDuration();
  return options;
}

}  // namespace shmcomm::bench
