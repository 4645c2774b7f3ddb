// SPDX-License-Identifier: Apache-2.0
// Channels without a schema: what Python's options mean for the runtime.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>

#include "endpoint.h"
#include "shmcomm/channel_spec.h"
#include "shmcomm/options.h"
#include "untyped_log.h"

namespace shmcomm::python {

/// A channel of plain bytes, and the bits of those options that were not chosen.
struct UntypedChannel {
  ChannelSpec spec;
  std::uint32_t adopted = 0;
};

/// From a dict of the options that were chosen; its keys are those of shmcomm/untyped.py. ValueError where one is out of
/// range, TypeError where it is no number.
UntypedChannel ReadUntypedChannel(Pattern pattern, const nanobind::dict& chosen);

/// OpenEndpoint, whose failure is logged.
template <class Endpoint, class Options>
Endpoint OpenUntyped(const ChannelSpec& spec, const Options& options) {
  try {
    return OpenEndpoint<Endpoint>(spec, options);
  } catch (nanobind::python_error& error) {
    error.restore();
    LogFailure(nullptr);
    nanobind::raise_python_error();
  }
}

/// Largest message of a publisher that does not say otherwise.
inline constexpr std::uint64_t kUntypedMaxSize = std::uint64_t{16} << 20;

}  // namespace shmcomm::python
