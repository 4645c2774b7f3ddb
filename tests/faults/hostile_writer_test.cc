// SPDX-License-Identifier: Apache-2.0
// A process of the same user scribbles over all files of a channel at full speed while publishers and subscribers of ours
// work on them: every call returns, nothing outside the files is touched, and what is read of an untrusted message does not
// change. Pushers, pullers, requesters and repliers: hostile_jobs_test.cc, hostile_calls_test.cc.
#include <optional>
#include <vector>

#include "faults/hostile_writer.h"

namespace shmcomm::faults {
namespace {

struct Channel {
  const char* name;
  std::uint32_t max_publishers;
  Reliability reliability;
};
void PrintTo(const Channel& channel, std::ostream* out) { *out << channel.name; }

class HostileWriter : public UnderFire, public ::testing::WithParamInterface<Channel> {
 protected:
  static ChannelSpec Spec() {
    ChannelSpec spec = test::BytesSpec(8192);
    spec.qos.max_publishers = GetParam().max_publishers;
    spec.qos.reliability = GetParam().reliability;
    spec.qos.on_full = OnFull::kFail;
    return spec;
  }
  void OpenAll() override {
    Open(publisher_, Spec(), PublisherHere());
    Open(trusting_, Spec(), SubscriberHere());
    Open(copying_, Spec(), Untrusting());
  }
  void CloseAll() override {
    publisher_.reset();
    trusting_.reset();
    copying_.reset();
  }
  void ReopenOne() override {
    switch (Below(3)) {
      case 0: return Reopen(publisher_, Spec(), PublisherHere());
      case 1: return Reopen(trusting_, Spec(), SubscriberHere());
      default: return Reopen(copying_, Spec(), Untrusting());
    }
  }
  void Round() override {
    for (int i = 0; publisher_.has_value() && i < 4; ++i) {
      Went(publisher_->PublishCopy(content_.data(), Below(content_.size()), Codec::kBytes));
    }
    if (trusting_.has_value()) TakeSome(*trusting_);
    if (copying_.has_value()) TakeSome(*copying_);
  }

 private:
  SubscriberOptions Untrusting() const {
    SubscriberOptions options = SubscriberHere();
    options.verify = Verify::kUntrusted;
    return options;
  }
  void TakeSome(Subscriber& subscriber) {
    if (Below(16) == 0) Went(subscriber.Wait(AWhile()).status());
    for (int i = 0; i < 4; ++i) {
      const auto sample = subscriber.TryTake();
      if (!Went(sample.status())) continue;
      if (!sample->has_value()) return;
      Read(**sample, subscriber.verify());
    }
  }

  const std::vector<std::uint8_t> content_ = std::vector<std::uint8_t>(8192, 5);
  std::optional<Publisher> publisher_;
  std::optional<Subscriber> trusting_;
  std::optional<Subscriber> copying_;
};
INSTANTIATE_TEST_SUITE_P(On, HostileWriter,
                         ::testing::Values(Channel{"shared", 4, Reliability::kBestEffort},
                                           Channel{"sole", 1, Reliability::kBestEffort},
                                           Channel{"reliable", 4, Reliability::kReliable}),
                         [](const auto& info) { return info.param.name; });

TEST_P(HostileWriter, MakesErrorsAndNothingElse) { Fire(GetParam().name); }

}  // namespace
}  // namespace shmcomm::faults
