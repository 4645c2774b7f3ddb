// SPDX-License-Identifier: Apache-2.0
// This computer's load, memory, temperatures and processes, from /proc and /sys.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "proc_text.h"

namespace computer {

/// Parts of 1 of the time between two readings.
struct CoreShare {
  float user = 0, system = 0, iowait = 0, steal = 0, idle = 0;
};

struct ProcessShare {
  ProcessStat stat;
  float cores = 0;              ///< processor time per time passed
  std::uint64_t resident_bytes = 0;
};

struct TemperatureReading {
  std::string sensor;
  float celsius = 0;
};

struct Reading {
  std::string host;
  double uptime_s = 0;
  std::vector<CoreShare> cores;
  MemoryInfo memory;
  LoadInfo load;
  std::vector<TemperatureReading> temperatures;
  std::vector<ProcessShare> busiest;
};

/// Remembers the counters of its last reading, because shares are differences. One thread.
class Computer {
 public:
  /// The folders are parameters for tests.
  explicit Computer(std::filesystem::path proc = "/proc", std::filesystem::path sys = "/sys")
      : proc_(std::move(proc)), sys_(std::move(sys)) {}

  /// Everything now, with at most `process_limit` processes, the busiest first. What cannot be read is left empty.
  /// The first reading's shares are averages since boot, its processes' shares zero.
  Reading Read(std::size_t process_limit);

 private:
  std::vector<CoreShare> ReadCores();
  std::vector<ProcessShare> ReadProcesses(std::size_t limit);
  std::vector<TemperatureReading> ReadTemperatures() const;

  std::filesystem::path proc_;
  std::filesystem::path sys_;
  std::vector<CoreTicks> last_cores_;
  std::map<std::uint32_t, std::uint64_t> last_process_ticks_;
  std::chrono::steady_clock::time_point last_processes_at_;
};

}  // namespace computer
