// SPDX-License-Identifier: Apache-2.0
// `interop_record FILE ID`: writes the ten doubles of every replayed sample to a file, as they lie in shared memory, and
// reports each one taken.
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "recording.shm.h"

namespace {

constexpr unsigned kHungAfterSeconds = 240;

void Write(std::ofstream& file, const recording::Sample& sample) {
  const recording::Axes& g = sample.gyroscope();
  const recording::Axes& a = sample.accelerometer();
  const recording::Axes& m = sample.magnetometer();
  const std::array<double, 10> row = {sample.time_s(), g.x(), g.y(), g.z(), a.x(), a.y(), a.z(), m.x(), m.y(), m.z()};
  file.write(reinterpret_cast<const char*>(row.data()), sizeof row);
}

absl::Status Record(std::ofstream file, std::uint32_t id) {
  if (!file) return absl::NotFoundError("the output file cannot be written");
  absl::StatusOr<recording::ImuSubscriber> subscriber = recording::ImuSubscriber::Open();
  if (!subscriber.ok()) return subscriber.status();
  absl::StatusOr<recording::ProgressPublisher> reports = recording::ProgressPublisher::Open();
  if (!reports.ok()) return reports.status();
  std::cout << "ready" << std::endl;

  if (absl::Status s = reports->Publish(recording::Progress(id, 0)); !s.ok()) return s;
  for (std::uint64_t taken = 0, count = 1; taken < count;) {
    const auto sample = subscriber->Take(absl::InfiniteDuration());
    if (!sample.ok()) return sample.status();
    if (sample->lost() != 0 || (*sample)->index() != taken) return absl::DataLossError(absl::StrCat("sample ", taken, " was lost"));
    Write(file, **sample);
    count = (*sample)->count();
    ++taken;
    if (absl::Status s = reports->Publish(recording::Progress(id, taken)); !s.ok()) return s;
  }
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: interop_record FILE ID\n";
    return 2;
  }
  alarm(kHungAfterSeconds);
  const auto id = static_cast<std::uint32_t>(std::strtoul(argv[2], nullptr, 10));
  const absl::Status status = Record(std::ofstream(argv[1], std::ios::binary), id);
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
