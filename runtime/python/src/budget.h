// SPDX-License-Identifier: Apache-2.0
// How much a message may unfold to.
#pragma once

#include <algorithm>

#include "errors.h"
#include "region.h"
#include "schema.h"

namespace shmcomm::python {

/// A hostile message may share one table between many parents and so unfold without end. Records that share nothing take a
/// byte each at least; the other figures are those of FlatBuffers' own verifier.
class Budget {
 public:
  explicit Budget(Region message) : most_(std::max<std::uint64_t>(message.size, 1'000'000)) {}

  /// A record within those entered before; false with SHMCorruptionError if it is one too many or too deep.
  bool Enter(const Type& type) {
    if (++records_ <= most_ && ++depth_ <= kDeepest) return true;
    SetError(ErrorKind::kCorruption, "%s: message unfolds to more than %llu records or %d levels", type.name.c_str(),
             static_cast<unsigned long long>(most_), kDeepest);
    return false;
  }
  void Leave() { --depth_; }

 private:
  static constexpr int kDeepest = 64;

  const std::uint64_t most_;
  std::uint64_t records_ = 0;
  int depth_ = 0;
};

}  // namespace shmcomm::python
