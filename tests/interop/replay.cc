// SPDX-License-Identifier: Apache-2.0
// `interop_replay FILE SUBSCRIBERS`: publishes the samples of a CSV recording once that many subscribers have joined, never
// further ahead of the slowest than the channel holds. Ends when all have taken everything.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "recording.shm.h"

namespace {

constexpr unsigned kHungAfterSeconds = 240;
constexpr std::uint64_t kAhead = 8;  // what the channel holds for a subscriber: profile sensor_data
constexpr std::size_t kColumns = 10;

using Row = std::array<double, kColumns>;

// strtod rounds correctly, as Python's float() does, so both read the same doubles.
Row ParseRow(const std::string& line) {
  Row row{};
  const char* at = line.c_str();
  for (double& value : row) {
    char* end = nullptr;
    value = std::strtod(at, &end);
    at = *end == ',' ? end + 1 : end;
  }
  return row;
}

std::vector<Row> ReadRecording(const std::string& path) {
  std::ifstream file(path);
  std::vector<Row> rows;
  std::string line;
  std::getline(file, line);  // names of the columns
  while (std::getline(file, line)) rows.push_back(ParseRow(line));
  return rows;
}

recording::Sample MakeSample(const std::vector<Row>& rows, std::uint64_t index) {
  const Row& r = rows[index];
  return recording::Sample(index, rows.size(), r[0], recording::Axes(r[1], r[2], r[3]), recording::Axes(r[4], r[5], r[6]),
                           recording::Axes(r[7], r[8], r[9]));
}

// What the subscribers reported last.
class Pace {
 public:
  Pace(recording::ProgressSubscriber subscriber, std::size_t subscribers) : reports_(std::move(subscriber)), subscribers_(subscribers) {}

  // Waits until every subscriber has joined and has taken at least `taken` samples.
  absl::Status WaitFor(std::uint64_t taken) {
    while (taken_.size() < subscribers_ || Slowest() < taken) {
      const auto report = reports_.Take(absl::InfiniteDuration());
      if (!report.ok()) return report.status();
      if (report->lost() != 0) return absl::DataLossError("progress reports were lost");
      taken_[(*report)->subscriber()] = (*report)->taken();
    }
    return absl::OkStatus();
  }

 private:
  std::uint64_t Slowest() const {
    return std::min_element(taken_.begin(), taken_.end(), [](const auto& a, const auto& b) { return a.second < b.second; })->second;
  }

  recording::ProgressSubscriber reports_;
  std::size_t subscribers_;
  std::map<std::uint32_t, std::uint64_t> taken_;
};

absl::Status Replay(const std::vector<Row>& rows, std::size_t subscribers) {
  absl::StatusOr<recording::ImuPublisher> publisher = recording::ImuPublisher::Open();
  if (!publisher.ok()) return publisher.status();
  absl::StatusOr<recording::ProgressSubscriber> reports = recording::ProgressSubscriber::Open();
  if (!reports.ok()) return reports.status();
  if (rows.empty()) return absl::NotFoundError("the recording has no samples");
  Pace pace(*std::move(reports), subscribers);
  std::cout << "ready" << std::endl;

  for (std::uint64_t i = 0; i < rows.size(); ++i) {
    const std::uint64_t needed = i < kAhead ? 0 : i - kAhead + 1;
    if (absl::Status s = pace.WaitFor(needed); !s.ok()) return s;
    if (absl::Status s = publisher->Publish(MakeSample(rows, i)); !s.ok()) return s;
  }
  return pace.WaitFor(rows.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: interop_replay FILE SUBSCRIBERS\n";
    return 2;
  }
  alarm(kHungAfterSeconds);
  const absl::Status status = Replay(ReadRecording(argv[1]), std::strtoull(argv[2], nullptr, 10));
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
