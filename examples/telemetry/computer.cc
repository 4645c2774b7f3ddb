// SPDX-License-Identifier: Apache-2.0
#include "computer.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>

namespace computer {
namespace {

namespace fs = std::filesystem;

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::string FirstLine(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// The entries of a folder by name; none if it is missing. Folders of /proc change while they are listed.
std::vector<fs::path> List(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) paths.push_back(entry->path());
  std::sort(paths.begin(), paths.end());
  return paths;
}

bool IsNumber(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

CoreShare Share(const CoreTicks& now, const CoreTicks& before) {
  // Counters of a core may step back a little (idle and iowait do); such a step counts as nothing.
  const auto grown = [](std::uint64_t a, std::uint64_t b) { return a > b ? a - b : 0; };
  const CoreTicks d = {grown(now.user, before.user), grown(now.system, before.system), grown(now.iowait, before.iowait),
                       grown(now.steal, before.steal), grown(now.idle, before.idle)};
  if (d.total() == 0) return {0, 0, 0, 0, 1};
  const auto part = [&](std::uint64_t ticks) { return static_cast<float>(ticks) / static_cast<float>(d.total()); };
  return {part(d.user), part(d.system), part(d.iowait), part(d.steal), part(d.idle)};
}

// Sensors report thousandths of a degree.
std::optional<TemperatureReading> ReadSensor(const std::string& name, const fs::path& file) {
  std::ifstream stream(file);
  double thousandths = 0;
  if (!(stream >> thousandths)) return std::nullopt;
  return TemperatureReading{name, static_cast<float>(thousandths / 1000)};
}

std::string HostName() {
  char name[256] = {};
  if (gethostname(name, sizeof name - 1) != 0) return "unknown";
  return name;
}

}  // namespace

std::vector<CoreShare> Computer::ReadCores() {
  const std::vector<CoreTicks> now = ParseStat(ReadFile(proc_ / "stat"));
  last_cores_.resize(now.size());
  std::vector<CoreShare> shares;
  for (std::size_t i = 0; i < now.size(); ++i) shares.push_back(Share(now[i], last_cores_[i]));
  last_cores_ = now;
  return shares;
}

std::vector<ProcessShare> Computer::ReadProcesses(std::size_t limit) {
  const auto now = std::chrono::steady_clock::now();
  const double passed_ticks = std::chrono::duration<double>(now - last_processes_at_).count() * static_cast<double>(sysconf(_SC_CLK_TCK));
  const auto page_bytes = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  std::map<std::uint32_t, std::uint64_t> ticks;
  std::vector<ProcessShare> all;
  for (const fs::path& folder : List(proc_)) {
    if (!IsNumber(folder.filename())) continue;
    std::optional<ProcessStat> stat = ParseProcessStat(ReadFile(folder / "stat"));
    if (!stat) continue;  // it ended meanwhile
    ticks[stat->pid] = stat->ticks;
    const auto before = last_process_ticks_.find(stat->pid);
    const std::uint64_t used = before == last_process_ticks_.end() || before->second > stat->ticks ? 0 : stat->ticks - before->second;
    const std::uint64_t resident = stat->resident_pages * page_bytes;
    all.push_back({*std::move(stat), static_cast<float>(static_cast<double>(used) / passed_ticks), resident});
  }
  last_process_ticks_ = std::move(ticks);
  last_processes_at_ = now;

  const std::size_t kept = std::min(limit, all.size());
  const auto busier = [](const ProcessShare& a, const ProcessShare& b) {
    return a.cores != b.cores ? a.cores > b.cores : a.stat.ticks != b.stat.ticks ? a.stat.ticks > b.stat.ticks : a.stat.pid < b.stat.pid;
  };
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(kept), all.end(), busier);
  all.resize(kept);
  return all;
}

std::vector<TemperatureReading> Computer::ReadTemperatures() const {
  std::vector<TemperatureReading> readings;
  const auto add = [&](const std::string& name, const fs::path& file) {
    if (auto reading = ReadSensor(name, file)) readings.push_back(*std::move(reading));
  };
  for (const fs::path& zone : List(sys_ / "class/thermal")) {
    if (zone.filename().string().rfind("thermal_zone", 0) == 0) add(FirstLine(zone / "type"), zone / "temp");
  }
  for (const fs::path& chip : List(sys_ / "class/hwmon")) {
    for (const fs::path& file : List(chip)) {
      const std::string name = file.filename();
      if (name.rfind("temp", 0) != 0 || name.find("_input") == std::string::npos) continue;
      const std::string label = FirstLine(chip / (name.substr(0, name.find('_')) + "_label"));
      add(FirstLine(chip / "name") + " " + (label.empty() ? name.substr(0, name.find('_')) : label), file);
    }
  }
  return readings;
}

Reading Computer::Read(std::size_t process_limit) {
  Reading reading;
  reading.host = HostName();
  reading.uptime_s = ParseUptime(ReadFile(proc_ / "uptime"));
  reading.cores = ReadCores();
  reading.memory = ParseMeminfo(ReadFile(proc_ / "meminfo"));
  reading.load = ParseLoadavg(ReadFile(proc_ / "loadavg")).value_or(LoadInfo());
  reading.temperatures = ReadTemperatures();
  reading.busiest = ReadProcesses(process_limit);
  return reading;
}

}  // namespace computer
