// SPDX-License-Identifier: Apache-2.0
#include "proc_text.h"

#include <sstream>

namespace computer {
namespace {

// The streams below take copies: a few kilobytes ten times a second.
std::istringstream Stream(std::string_view text) { return std::istringstream(std::string(text)); }

template <class Each>
void ForEachLine(std::string_view text, Each each) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    each(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
}

bool StartsWith(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }

bool IsCoreLine(std::string_view line) { return StartsWith(line, "cpu") && line.size() > 3 && line[3] >= '0' && line[3] <= '9'; }

}  // namespace

std::vector<CoreTicks> ParseStat(std::string_view text) {
  std::vector<CoreTicks> cores;
  ForEachLine(text, [&](std::string_view line) {
    if (!IsCoreLine(line)) return;
    std::string label;
    std::uint64_t user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0;
    Stream(line) >> label >> user >> nice >> system >> idle >> iowait >> irq >> softirq >> steal;
    cores.push_back({user + nice, system + irq + softirq, iowait, steal, idle});
  });
  return cores;
}

MemoryInfo ParseMeminfo(std::string_view text) {
  MemoryInfo info;
  ForEachLine(text, [&](std::string_view line) {
    std::string label;
    std::uint64_t kib = 0;
    Stream(line) >> label >> kib;
    const std::uint64_t bytes = kib * 1024;
    if (label == "MemTotal:") info.total = bytes;
    if (label == "MemAvailable:") info.available = bytes;
    if (label == "Cached:") info.cached = bytes;
    if (label == "SwapTotal:") info.swap_total = bytes;
    if (label == "SwapFree:") info.swap_free = bytes;
  });
  return info;
}

std::optional<LoadInfo> ParseLoadavg(std::string_view text) {
  LoadInfo load;
  char slash = 0;
  std::istringstream stream = Stream(text);
  stream >> load.one >> load.five >> load.fifteen >> load.runnable >> slash >> load.tasks;
  if (!stream || slash != '/') return std::nullopt;
  return load;
}

double ParseUptime(std::string_view text) {
  double seconds = 0;
  Stream(text) >> seconds;
  return seconds;
}

std::optional<ProcessStat> ParseProcessStat(std::string_view text) {
  // The name stands in parentheses and may itself contain parentheses and spaces: it ends at the last one.
  const std::size_t open = text.find('(');
  const std::size_t close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return std::nullopt;

  ProcessStat stat;
  Stream(text.substr(0, open)) >> stat.pid;
  stat.name = std::string(text.substr(open + 1, close - open - 1));

  std::istringstream rest = Stream(text.substr(close + 1));
  std::string skipped;
  std::uint64_t user_ticks = 0, system_ticks = 0;
  rest >> stat.state;                                       // field 3 of proc(5)
  for (int field = 4; field <= 13; ++field) rest >> skipped;
  rest >> user_ticks >> system_ticks;                       // 14, 15
  for (int field = 16; field <= 19; ++field) rest >> skipped;
  rest >> stat.threads;                                     // 20
  for (int field = 21; field <= 23; ++field) rest >> skipped;
  rest >> stat.resident_pages;                              // 24
  if (!rest || stat.pid == 0) return std::nullopt;
  stat.ticks = user_ticks + system_ticks;
  return stat;
}

}  // namespace computer
