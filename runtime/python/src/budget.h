// SPDX-License-Identifier: Apache-2.0
// How much a message may unfold to.
#pragma once

#include <algorithm>

#include "errors.h"
#include "region.h"
#include "schema.h"

namespace shmcomm::python {

/// A hostile message may share one table, string or vector between many parents and so unfold without end. Records that
/// share nothing take a byte each at least; the most of them and the depth are those of FlatBuffers' own verifier. An honest
/// message shares short texts that repeat: they may unfold to many times its size.
class Budget {
 public:
  explicit Budget(Region message)
      : most_(std::max<std::uint64_t>(message.size, 1'000'000)),
        most_bytes_(std::max<std::uint64_t>(kMostCopies * message.size, 64 * 1024 * 1024)) {}

  /// A record within those entered before; false with SHMCorruptionError if it is one too many or too deep.
  bool Enter(const Type& type) {
    if (++records_ <= most_ && ++depth_ <= kDeepest) return true;
    SetError(ErrorKind::kCorruption, "%s: message unfolds to more than %llu records or %d levels%s", type.name.c_str(),
             static_cast<unsigned long long>(most_), kDeepest, kDamaged);
    return false;
  }
  void Leave() { --depth_; }

  /// Bytes of a string or vector; false with SHMCorruptionError if they are more than an honest message has.
  bool Spend(const Type& type, std::uint64_t bytes) {
    if (bytes <= most_bytes_ - bytes_) {
      bytes_ += bytes;
      return true;
    }
    SetError(ErrorKind::kCorruption, "%s: message unfolds to more than %llu bytes of strings and vectors%s", type.name.c_str(),
             static_cast<unsigned long long>(most_bytes_), kDamaged);
    return false;
  }

 private:
  static constexpr std::uint64_t kMostCopies = 16;
  static constexpr int kDeepest = 64;

  const std::uint64_t most_;
  const std::uint64_t most_bytes_;
  std::uint64_t records_ = 0;
  std::uint64_t bytes_ = 0;
  int depth_ = 0;
};

}  // namespace shmcomm::python
