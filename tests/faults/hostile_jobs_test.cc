// SPDX-License-Identifier: Apache-2.0
// As hostile_writer_test.cc, for jobs: pushed, claimed, acknowledged, given back and redelivered, pullers taking turns.
#include <optional>
#include <utility>
#include <vector>

#include "faults/hostile_writer.h"

namespace shmcomm::faults {
namespace {

struct Channel {
  const char* name;
  OnFull on_full;
  std::uint32_t max_attempts;
};
void PrintTo(const Channel& channel, std::ostream* out) { *out << channel.name; }

class HostileWriterAtJobs : public UnderFire, public ::testing::WithParamInterface<Channel> {
 protected:
  static ChannelSpec Spec() {
    ChannelSpec spec = test::BytesSpec(8192);
    spec.pattern = Pattern::kPushPull;
    spec.qos.max_publishers = 4;
    spec.qos.max_subscribers = 4;
    spec.qos.on_full = GetParam().on_full;
    spec.qos.max_attempts = GetParam().max_attempts;
    spec.qos.lifespan_ns = GetParam().max_attempts == 1 ? 1'000'000'000 : 0;
    return spec;
  }
  void OpenAll() override {
    Open(pusher_, Spec(), Pushing());
    for (Worker& worker : workers_) Open(worker.puller, Spec(), worker.options);
  }
  void CloseAll() override {
    pusher_.reset();
    for (Worker& worker : workers_) {
      if (Below(2) == 0) worker.puller.reset();   // its jobs may outlive it
      worker.jobs.clear();
      worker.puller.reset();
    }
  }
  void ReopenOne() override {
    const std::uint64_t which = Below(4);
    if (which == 3) return Reopen(pusher_, Spec(), Pushing());
    Reopen(workers_[which].puller, Spec(), workers_[which].options);
  }
  void Round() override {
    for (int i = 0; pusher_.has_value() && i < 4; ++i) Push(*pusher_);
    if (pusher_.has_value() && Below(16) == 0) Went(pusher_->WaitForRoom(AWhile()).status());
    if (workers_[2].puller.has_value() && Below(64) == 0) Went(workers_[2].puller->fd().status());   // then it gives way
    for (Worker& worker : workers_) Work(worker);
  }

 private:
  struct Worker {
    PullerOptions options;
    std::optional<Puller> puller;
    std::vector<Job> jobs;
  };

  PusherOptions Pushing() const {
    PusherOptions options = PusherHere();
    options.on_dead_letters = [](std::uint64_t) {};
    return options;
  }
  Worker MakeWorker(Verify verify) const {
    Worker worker;
    worker.options = PullerHere();
    worker.options.verify = verify;
    worker.options.on_dead_letters = [](std::uint64_t) {};
    return worker;
  }
  void Push(Pusher& pusher) {
    const std::uint64_t bytes = Below(content_.size());
    if (Below(4) != 0) {
      Went(pusher.PushCopy(content_.data(), bytes, Codec::kBytes, AWhile()));
      return;
    }
    auto loan = pusher.Loan();
    if (!Went(loan.status())) return;
    if (Below(8) == 0) return;   // abandoned
    if (Went(loan->Raw(bytes).status())) Went(pusher.PushRaw(*std::move(loan), Codec::kBytes, AWhile()));
  }
  void Work(Worker& worker) {
    if (worker.puller.has_value()) Take(worker);
    while (worker.jobs.size() > Below(4)) End(worker);
  }
  void Take(Worker& worker) {
    if (Below(16) == 0) Went(worker.puller->Wait(AWhile()).status());
    for (int i = 0; i < 4; ++i) {
      auto job = Below(4) == 0 ? Waited(*worker.puller) : worker.puller->TryTake();
      if (!Went(job.status())) continue;
      if (!job->has_value()) return;
      Read(**job, worker.puller->verify());
      worker.puller->IsFromThisUser(**job);
      worker.jobs.push_back(**std::move(job));
    }
  }
  absl::StatusOr<std::optional<Job>> Waited(Puller& puller) {
    auto job = puller.Take(AWhile());
    if (!job.ok()) return job.status();
    return std::optional<Job>(*std::move(job));
  }
  void End(Worker& worker) {
    std::swap(worker.jobs[Below(worker.jobs.size())], worker.jobs.back());
    Job job = std::move(worker.jobs.back());
    worker.jobs.pop_back();
    switch (Below(4)) {
      case 0: Went(job.GiveBack()); return;
      case 1: return;   // which acknowledges it
      default: Went(job.Ack()); return;
    }
  }

  const std::vector<std::uint8_t> content_ = std::vector<std::uint8_t>(8192, 5);
  std::optional<Pusher> pusher_;
  Worker workers_[3] = {MakeWorker(Verify::kTrusted), MakeWorker(Verify::kUntrusted), MakeWorker(Verify::kTrusted)};
};
INSTANTIATE_TEST_SUITE_P(On, HostileWriterAtJobs,
                         ::testing::Values(Channel{"jobs", OnFull::kBlock, 15}, Channel{"jobs_at_most_once", OnFull::kFail, 1}),
                         [](const auto& info) { return info.param.name; });

TEST_P(HostileWriterAtJobs, MakesErrorsAndNothingElse) { Fire(GetParam().name); }

}  // namespace
}  // namespace shmcomm::faults
