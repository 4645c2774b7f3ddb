// SPDX-License-Identifier: Apache-2.0
// A received message, looked at where it lies in shared memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "shmcomm/channel_spec.h"

namespace shmcomm {
namespace endpoint {
class SubscriberCore;
}
template <class Message>
class TypedSample;

/// Borrows one slot: its publisher does not write there while the sample lives. Move-only. May be released on any
/// thread, and may outlive its subscriber (which then leaves the channel when its last sample goes).
class Sample {
 public:
  Sample(Sample&& other) noexcept : Sample(static_cast<const Sample&>(other)) { other.Empty(); }
  Sample& operator=(Sample&& other) noexcept {
    if (this != &other) {
      if (OwnsAnything()) Release();
      Copy(other);
      other.Empty();
    }
    return *this;
  }
  ~Sample() {
    if (OwnsAnything()) Release();
  }

  const std::uint8_t* data() const { return data_; }   ///< first byte; valid while the sample lives
  std::size_t size() const { return size_; }           ///< bytes of the message
  Codec codec() const { return static_cast<Codec>(codec_); }               ///< how the bytes are to be read
  std::uint64_t sequence() const { return sequence_; } ///< the message's number in its channel
  std::int64_t publish_ns() const { return publish_ns_; }   ///< CLOCK_MONOTONIC when it was published, nanoseconds
  std::uint32_t publisher() const { return publisher_; }    ///< id of its publisher, 1 to 255
  std::uint64_t lost() const { return lost_; }         ///< messages this subscriber lost since the sample before

 private:
  friend class endpoint::SubscriberCore;
  friend class SampleBatch;
  template <class Message>
  friend class TypedSample;   // empty ones in a batch
  Sample() = default;
  Sample(const Sample&) = default;              // only within a move
  void Copy(const Sample& other) { *this = other; }
  Sample& operator=(const Sample&) = default;
  bool OwnsAnything() const { return core_ != nullptr || is_copy_; }
  void Empty() {
    core_ = nullptr;
    is_copy_ = false;
  }
  void Release() noexcept;

  // Small on purpose: a sample is moved a few times on its way to its user. A copied message (untrusted, or a reply that
  // came out of turn, which has no core) ends on a 64-byte line as one in a slot does, so its block is found from data_
  // and size_.
  endpoint::SubscriberCore* core_ = nullptr;
  const std::uint8_t* data_ = nullptr;
  std::uint64_t sequence_ = 0;
  std::int64_t publish_ns_ = 0;
  std::uint64_t lost_ = 0;
  std::uint32_t size_ = 0;
  std::uint8_t publisher_ = 0;
  std::uint8_t codec_ = 0;
  std::uint8_t hazard_ = 0;
  bool is_copy_ = false;
};

}  // namespace shmcomm
