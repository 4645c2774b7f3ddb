// SPDX-License-Identifier: Apache-2.0
// Several samples taken at once.
#pragma once

#include <cstddef>
#include <utility>

#include "shmcomm/sample.h"

namespace shmcomm {

/// Up to max_borrowed samples, in the order of their messages. Each can be moved out or released by itself; those that are
/// left are released together. Move-only.
class SampleBatch {
 public:
  static constexpr std::size_t kMost = 6;

  SampleBatch() = default;
  SampleBatch(SampleBatch&& other) noexcept : size_(std::exchange(other.size_, 0)) {
    for (std::size_t i = 0; i < size_; ++i) samples_[i] = std::move(other.samples_[i]);
  }
  SampleBatch& operator=(SampleBatch&& other) noexcept {
    for (std::size_t i = 0; i < kMost; ++i) samples_[i] = std::move(other.samples_[i]);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  Sample& operator[](std::size_t index) { return samples_[index]; }
  const Sample& operator[](std::size_t index) const { return samples_[index]; }
  Sample* begin() { return samples_; }
  Sample* end() { return samples_ + size_; }
  const Sample* begin() const { return samples_; }
  const Sample* end() const { return samples_ + size_; }

 private:
  friend class endpoint::SubscriberCore;
  Sample& Add() { return samples_[size_++]; }

  Sample samples_[kMost];
  std::size_t size_ = 0;
};

}  // namespace shmcomm
