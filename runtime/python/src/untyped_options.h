// SPDX-License-Identifier: Apache-2.0
// Channels without a schema: what Python's options mean for the runtime.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>

#include "end_log.h"
#include "endpoint.h"
#include "shmcomm/channel_spec.h"
#include "shmcomm/options.h"

namespace shmcomm::python {

/// A channel of plain bytes, and the bits of those options that were not chosen.
struct UntypedChannel {
  ChannelSpec spec;
  std::uint32_t adopted = 0;
};

/// From a dict of the options that were chosen; its keys are those of shmcomm/untyped.py. ValueError where one is out of
/// range, TypeError where it is no number.
UntypedChannel ReadUntypedChannel(Pattern pattern, const nanobind::dict& chosen);

/// Largest message of a publisher that does not say otherwise.
inline constexpr std::uint64_t kUntypedMaxSize = std::uint64_t{16} << 20;

/// Largest message of all: what the format can hold.
inline constexpr std::uint64_t kUntypedLargest = (std::uint64_t{1} << 31) - 64;

}  // namespace shmcomm::python
