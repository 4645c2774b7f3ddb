// SPDX-License-Identifier: Apache-2.0
// A slot of shared memory that is being written and that no reader sees yet.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "flatbuffers/flatbuffers.h"

namespace shmcomm {
namespace endpoint {
class PublisherCore;
}

/// Owns one slot between `Publisher::Loan()` and `Publisher::Publish()`; dropping it abandons the message.
/// Move-only; used by one thread at a time. It must not outlive its publisher; a reply's may outlive its request and replier.
class Loan {
 public:
  Loan(Loan&& other) noexcept;
  Loan& operator=(Loan&& other) noexcept;
  ~Loan();

  /// The FlatBuffers builder that writes directly into the slot, from its end downward. It never fails: a message past
  /// the slot continues on the heap and `Publish` then answers kOutOfRange with its true size. Valid until the loan ends.
  flatbuffers::FlatBufferBuilder& builder();

  /// The place of a message of exactly `bytes` bytes that is written without the builder; 64-byte aligned at its end.
  /// Errors: kOutOfRange above max_size, kResourceExhausted when shared memory is full. Valid until the loan ends.
  absl::StatusOr<std::uint8_t*> Raw(std::size_t bytes);

 private:
  friend class endpoint::PublisherCore;
  friend class Publisher;
  Loan(endpoint::PublisherCore* core, std::uint32_t index) : core_(core), index_(index) {}

  endpoint::PublisherCore* core_;
  std::uint32_t index_;
};

}  // namespace shmcomm
