// SPDX-License-Identifier: Apache-2.0
// Reads the text of Linux' /proc files (proc(5)) into numbers. Functions from text to values; files are opened elsewhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace computer {

/// Time since boot that one core spent in each way, in clock ticks.
struct CoreTicks {
  std::uint64_t user = 0, system = 0, iowait = 0, steal = 0, idle = 0;
  std::uint64_t total() const { return user + system + iowait + steal + idle; }
};

/// Bytes.
struct MemoryInfo {
  std::uint64_t total = 0, available = 0, cached = 0, swap_total = 0, swap_free = 0;
};

struct LoadInfo {
  float one = 0, five = 0, fifteen = 0;
  std::uint32_t runnable = 0, tasks = 0;
};

struct ProcessStat {
  std::uint32_t pid = 0;
  std::string name;
  char state = '?';
  std::uint64_t ticks = 0;           ///< processor time since it started
  std::uint32_t threads = 0;
  std::uint64_t resident_pages = 0;
};

std::vector<CoreTicks> ParseStat(std::string_view text);                  ///< /proc/stat; one element a core
MemoryInfo ParseMeminfo(std::string_view text);                           ///< /proc/meminfo
std::optional<LoadInfo> ParseLoadavg(std::string_view text);              ///< /proc/loadavg
double ParseUptime(std::string_view text);                                ///< /proc/uptime; seconds
std::optional<ProcessStat> ParseProcessStat(std::string_view text);       ///< /proc/<pid>/stat

}  // namespace computer
