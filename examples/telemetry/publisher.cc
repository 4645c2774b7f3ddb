// SPDX-License-Identifier: Apache-2.0
// Publishes this computer's telemetry: a Snapshot every 100 ms and a Pulse every millisecond, until SIGINT or SIGTERM.
#include <csignal>
#include <ctime>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "computer.h"
#include "telemetry.shm.h"

namespace {

constexpr std::int64_t kPulsePeriodNs = 1'000'000;
constexpr std::int64_t kSnapshotPeriodNs = 100'000'000;
constexpr std::size_t kProcesses = 12;

std::int64_t NowNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

timespec Timespec(std::int64_t ns) { return {static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)}; }

// The tick after `due_ns`; ticks that have passed meanwhile are left out, not caught up.
std::int64_t NextTick(std::int64_t due_ns, std::int64_t period_ns) {
  const std::int64_t missed = std::max<std::int64_t>(0, (NowNs() - due_ns) / period_ns);
  return due_ns + (missed + 1) * period_ns;
}

absl::Status PublishPulses(telemetry::PulsePublisher& publisher, const std::atomic<bool>& stop) {
  std::int64_t due_ns = NowNs();
  for (std::uint64_t count = 0; !stop.load(std::memory_order_relaxed); ++count) {
    const timespec due = Timespec(due_ns);
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, nullptr);
    if (absl::Status s = publisher.Publish(telemetry::Pulse(count, due_ns, NowNs() - due_ns)); !s.ok()) return s;
    due_ns = NextTick(due_ns, kPulsePeriodNs);
  }
  return absl::OkStatus();
}

telemetry::ProcessState State(char letter) {
  switch (letter) {
    case 'R': return telemetry::ProcessState_Running;
    case 'S': return telemetry::ProcessState_Sleeping;
    case 'D': return telemetry::ProcessState_DiskWait;
    case 'T':
    case 't': return telemetry::ProcessState_Stopped;
    case 'Z': return telemetry::ProcessState_Zombie;
    case 'I': return telemetry::ProcessState_Idle;
    default: return telemetry::ProcessState_Unknown;
  }
}

// Writes the message into shared memory, where the builder works: children first, the root last.
flatbuffers::Offset<telemetry::Snapshot> Build(flatbuffers::FlatBufferBuilder& builder, const computer::Reading& reading) {
  std::vector<flatbuffers::Offset<telemetry::Process>> processes;
  for (const computer::ProcessShare& one : reading.busiest) {
    processes.push_back(telemetry::CreateProcessDirect(builder, one.stat.pid, one.stat.name.c_str(), State(one.stat.state), one.cores,
                                                       one.resident_bytes, one.stat.threads));
  }
  std::vector<flatbuffers::Offset<telemetry::Temperature>> temperatures;
  for (const computer::TemperatureReading& one : reading.temperatures) {
    temperatures.push_back(telemetry::CreateTemperatureDirect(builder, one.sensor.c_str(), one.celsius));
  }
  std::vector<telemetry::CoreLoad> cores;
  for (const computer::CoreShare& one : reading.cores) cores.emplace_back(one.user, one.system, one.iowait, one.steal, one.idle);
  const computer::MemoryInfo& m = reading.memory;
  const telemetry::Memory memory(m.total, m.available, m.cached, m.swap_total, m.swap_free);
  const computer::LoadInfo& l = reading.load;
  const telemetry::LoadAverage load(l.one, l.five, l.fifteen, l.runnable, l.tasks);
  return telemetry::CreateSnapshotDirect(builder, reading.host.c_str(), reading.uptime_s, &cores, &memory, &load, &temperatures, &processes);
}

// True when SIGINT or SIGTERM arrived before `due_ns`. Both are blocked, so they wait for this call.
bool SignalledBefore(std::int64_t due_ns, const sigset_t& signals) {
  const timespec left = Timespec(std::max<std::int64_t>(0, due_ns - NowNs()));
  return sigtimedwait(&signals, nullptr, &left) > 0;
}

absl::Status PublishSnapshots(telemetry::SnapshotPublisher& publisher, const sigset_t& signals, const std::atomic<bool>& stop) {
  computer::Computer computer;
  std::int64_t due_ns = NowNs();
  while (!stop.load(std::memory_order_relaxed) && !SignalledBefore(due_ns, signals)) {
    const computer::Reading reading = computer.Read(kProcesses);
    absl::Status s = publisher.Publish([&](flatbuffers::FlatBufferBuilder& builder) { return Build(builder, reading); });
    if (!s.ok()) return s;
    due_ns = NextTick(due_ns, kSnapshotPeriodNs);
  }
  return absl::OkStatus();
}

absl::Status Run(const sigset_t& signals) {
  absl::StatusOr<telemetry::SnapshotPublisher> snapshots = telemetry::SnapshotPublisher::Open();
  if (!snapshots.ok()) return snapshots.status();
  absl::StatusOr<telemetry::PulsePublisher> pulses = telemetry::PulsePublisher::Open();
  if (!pulses.ok()) return pulses.status();

  std::atomic<bool> stop = false;
  absl::Status pulse_status;
  std::thread pulse_thread([&] {
    pulse_status = PublishPulses(*pulses, stop);
    if (!pulse_status.ok()) stop = true;
  });
  absl::Status status = PublishSnapshots(*snapshots, signals, stop);
  stop = true;
  pulse_thread.join();
  status.Update(pulse_status);
  return status;
}

}  // namespace

int main() {
  // A shell starts background programs with SIGINT ignored; an ignored signal would never arrive.
  std::signal(SIGINT, SIG_DFL);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  const absl::Status status = Run(signals);
  if (!status.ok()) std::cerr << "telemetry_publisher: " << status.message() << "\n";
  return status.ok() ? 0 : 1;
}
