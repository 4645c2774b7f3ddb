// SPDX-License-Identifier: Apache-2.0
#include "untyped_options.h"

#include <string>

namespace nb = nanobind;

namespace shmcomm::python {
namespace {

constexpr std::uint32_t kMaxBorrowed = 6;
// Nobody can ask for more by name; places that are not taken cost nothing.
constexpr std::uint32_t kMaxPublishers = 64;
// As many as fit a ring of the default capacity.
constexpr std::uint32_t kMaxInFlight = 16;

/// The option as a number, `otherwise` if it was not chosen; then its bit is added to `adopted`.
std::uint64_t Number(const nb::dict& chosen, const char* key, std::uint64_t otherwise, std::uint64_t high,
                     std::uint32_t bit, std::uint32_t* adopted) {
  if (!chosen.contains(key)) {
    *adopted |= bit;
    return otherwise;
  }
  PyObject* number = PyNumber_Index(nb::object(chosen[key]).ptr());
  if (number == nullptr) nb::raise_python_error();
  const unsigned long long value = PyLong_AsUnsignedLongLong(number);
  Py_DECREF(number);
  if (!PyErr_Occurred() && value <= high) return value;
  PyErr_Clear();
  throw nb::value_error((std::string(key) + " is out of range; allowed are 0 to " + std::to_string(high)).c_str());
}

}  // namespace

UntypedChannel ReadUntypedChannel(Pattern pattern, const nb::dict& chosen) {
  constexpr std::uint64_t kAny32 = ~std::uint32_t{0};
  constexpr std::uint64_t kAnyDuration = std::uint64_t{1} << 62;
  UntypedChannel channel;
  channel.spec.pattern = pattern;
  Qos& qos = channel.spec.qos;
  std::uint32_t* adopted = &channel.adopted;
  qos.max_size = kUntypedLargest;  // every sender brings its own
  qos.max_borrowed = kMaxBorrowed;
  qos.max_publishers = kMaxPublishers;
  qos.max_reply_size = kUntypedLargest;
  qos.max_in_flight = kMaxInFlight;
  qos.capacity = static_cast<std::uint32_t>(Number(chosen, "capacity", qos.capacity, kAny32, qos_option::kCapacity, adopted));
  qos.history = static_cast<std::uint32_t>(Number(chosen, "history", 0, kAny32, qos_option::kHistory, adopted));
  qos.lifespan_ns =
      static_cast<std::int64_t>(Number(chosen, "lifespan_ns", 0, kAnyDuration, qos_option::kLifespan, adopted));
  const bool is_reliable = Number(chosen, "reliable", 0, 1, qos_option::kReliability, adopted) == 1;
  qos.reliability = is_reliable ? Reliability::kReliable : Reliability::kBestEffort;
  return channel;
}

}  // namespace shmcomm::python
