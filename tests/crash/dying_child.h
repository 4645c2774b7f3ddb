// SPDX-License-Identifier: Apache-2.0
// A child that kills itself at the n-th crash point it meets.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace shmcomm::crash {

class DyingChild {
 public:
  DyingChild();
  DyingChild(const DyingChild&) = delete;
  DyingChild& operator=(const DyingChild&) = delete;
  ~DyingChild();

  /// Runs `life` in a child that dies at its n-th crash point. True when it died; false when it got through, which is a
  /// failure of the test unless `life` said true.
  bool Dies(std::uint64_t n, const std::function<bool()>& life);

  /// Runs `life` in a child that dies at the first crash point of this name. False when it met none.
  bool DiesAt(const std::string& point, const std::function<bool()>& life);

  /// The point that the last child met last.
  std::string last() const;

 private:
  static bool Run(const std::function<bool()>& life);
};

}  // namespace shmcomm::crash
