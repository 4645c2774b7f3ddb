// SPDX-License-Identifier: Apache-2.0
// What a process can leak.
#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <string>

namespace shmcomm::test {

struct Resources {
  std::size_t descriptors = 0;
  std::size_t mappings = 0;      // of files below the root

  bool operator==(const Resources& other) const {
    return descriptors == other.descriptors && mappings == other.mappings;
  }
};

inline void PrintTo(const Resources& resources, std::ostream* out) {
  *out << resources.descriptors << " descriptors, " << resources.mappings << " mappings";
}

inline Resources CountResources(const std::string& root) {
  Resources found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    static_cast<void>(entry);
    ++found.descriptors;
  }
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) found.mappings += line.find(root) != std::string::npos ? 1 : 0;
  return found;
}

inline std::size_t KilobytesInStatus(const std::string& row) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::size_t kilobytes = 0;
    if (word == row && status >> kilobytes) return kilobytes;
  }
  return 0;
}

/// Kilobytes of memory that are this process's alone.
inline std::size_t PrivateKilobytes() { return KilobytesInStatus("RssAnon:"); }

/// Kilobytes of all memory that this process has touched, that of channels among it.
inline std::size_t ResidentKilobytes() { return KilobytesInStatus("VmRSS:"); }

}  // namespace shmcomm::test
