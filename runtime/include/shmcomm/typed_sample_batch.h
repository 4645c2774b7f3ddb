// SPDX-License-Identifier: Apache-2.0
// Several samples of one message type, taken at once.
#pragma once

#include <cstddef>
#include <utility>

#include "shmcomm/sample_batch.h"
#include "shmcomm/typed_message.h"

namespace shmcomm {

/// Up to max_borrowed samples, in the order of their messages. Each can be moved out or released by itself; those that are
/// left are released together, on any thread. Move-only. May outlive its subscriber, as its samples may.
template <class Message>
class TypedSampleBatch {
 public:
  using SampleType = TypedSample<Message>;

  TypedSampleBatch() = default;
  TypedSampleBatch(TypedSampleBatch&& other) noexcept : size_(std::exchange(other.size_, 0)) {
    for (std::size_t i = 0; i < size_; ++i) samples_[i] = std::move(other.samples_[i]);
  }
  TypedSampleBatch& operator=(TypedSampleBatch&& other) noexcept {
    for (std::size_t i = 0; i < SampleBatch::kMost; ++i) samples_[i] = std::move(other.samples_[i]);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  SampleType& operator[](std::size_t index) { return samples_[index]; }
  const SampleType& operator[](std::size_t index) const { return samples_[index]; }
  SampleType* begin() { return samples_; }
  SampleType* end() { return samples_ + size_; }
  const SampleType* begin() const { return samples_; }
  const SampleType* end() const { return samples_ + size_; }

 private:
  template <class Channel>
  friend class TypedSubscriber;
  void Add(Sample sample) { samples_[size_++] = SampleType(std::move(sample)); }

  SampleType samples_[SampleBatch::kMost];
  std::size_t size_ = 0;
};

}  // namespace shmcomm
