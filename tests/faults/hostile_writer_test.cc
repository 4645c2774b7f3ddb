// SPDX-License-Identifier: Apache-2.0
// A process of the same user scribbles over all files of a channel at full speed while publishers and subscribers of ours
// work on them: every call returns, nothing outside the files is touched, and what is read of an untrusted message does not
// change. Pushers, pullers, requesters and repliers: hostile_jobs_test.cc, hostile_calls_test.cc.
#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "faults/hostile_writer.h"
#include "shmcomm/wait_set.h"

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
    spec.qos.history = 8;
    return spec;
  }
  void OpenAll() override {
    Open(publisher_, Spec(), PublisherHere());
    for (Taker& taker : takers_) Open(taker.subscriber, Spec(), taker.options);
  }
  void CloseAll() override {
    ClosePublisher();
    for (Taker& taker : takers_) {
      if (Below(2) == 0) taker.subscriber.reset();   // its samples may outlive it
      taker.samples.clear();
      taker.subscriber.reset();
    }
  }
  void ReopenOne() override {
    const std::uint64_t which = Below(3);
    if (which < 2) return Reopen(takers_.at(which).subscriber, Spec(), takers_.at(which).options);
    ClosePublisher();
    Reopen(publisher_, Spec(), PublisherHere());
  }
  void Round() override {
    for (int i = 0; publisher_.has_value() && i < 4; ++i) Publish();
    while (loans_.size() > Below(2)) loans_.pop_back();
    if (Below(16) == 0) WaitForAny();
    for (Taker& taker : takers_) {
      if (taker.subscriber.has_value()) TakeSome(taker);
      while (taker.samples.size() > Below(4)) taker.samples.pop_back();
    }
  }

 private:
  struct Taker {
    SubscriberOptions options;
    std::optional<Subscriber> subscriber;
    std::vector<Sample> samples;
  };

  Taker MakeTaker(Verify verify) const {
    Taker taker;
    taker.options = SubscriberHere();
    taker.options.verify = verify;
    return taker;
  }
  void ClosePublisher() {
    loans_.clear();
    publisher_.reset();
  }

  void Publish() {
    const std::uint64_t bytes = Below(content_.size());
    if (Below(16) == 0) Went(publisher_->WaitForRoom(AWhile()).status());
    if (Below(4) != 0) {
      Went(publisher_->PublishCopy(content_.data(), bytes, Codec::kBytes));
      return;
    }
    auto loan = publisher_->Loan();
    if (!Went(loan.status())) return;
    switch (Below(4)) {
      case 0: return loans_.push_back(*std::move(loan));   // which comes to nothing
      case 1: return Build(*std::move(loan), bytes);
      default: break;
    }
    if (const auto raw = loan->Raw(bytes); Went(raw.status())) {
      std::copy_n(content_.data(), bytes, *raw);
      Went(publisher_->PublishRaw(*std::move(loan), Codec::kBytes));
    }
  }
  void Build(Loan loan, std::uint64_t bytes) {
    flatbuffers::FlatBufferBuilder& builder = loan.builder();
    builder.Finish(builder.CreateVector(content_.data(), bytes));
    Went(publisher_->Publish(std::move(loan)));
  }

  void WaitForAny() {
    WaitSet set;
    std::vector<WaitSet::Key> keys;
    for (Taker& taker : takers_) {
      if (!taker.subscriber.has_value()) continue;
      const auto key = set.Add(*taker.subscriber);
      if (Went(key.status())) keys.push_back(*key);
    }
    const auto ready = set.Wait(AWhile());
    if (!Went(ready.status())) return;
    for (const WaitSet::Key key : *ready) EXPECT_NE(std::find(keys.begin(), keys.end(), key), keys.end());
  }

  void TakeSome(Taker& taker) {
    Subscriber& subscriber = *taker.subscriber;
    if (Below(16) == 0) Went(subscriber.Wait(AWhile()).status());
    if (Below(64) == 0) Went(subscriber.fd().status());
    static_cast<void>(subscriber.backlog());
    bool is_more = true;
    for (int i = 0; is_more && i < 4; ++i) is_more = Below(4) == 0 ? TakeMany(taker) : TakeOne(taker);
  }
  /// False when there is none.
  bool TakeOne(Taker& taker) {
    auto sample = Below(4) == 0 ? taker.subscriber->TakeLatest() : taker.subscriber->TryTake();
    if (!Went(sample.status())) return true;
    if (!sample->has_value()) return false;
    Look(taker, **sample);
    if (Below(4) == 0) taker.samples.push_back(**std::move(sample));
    return true;
  }
  bool TakeMany(Taker& taker) {
    auto batch = taker.subscriber->TakeMany(static_cast<std::uint32_t>(1 + Below(SampleBatch::kMost)));
    if (!Went(batch.status())) return true;
    for (Sample& sample : *batch) {
      Look(taker, sample);
      if (Below(8) == 0) taker.samples.push_back(std::move(sample));
    }
    return !batch->empty();
  }
  void Look(const Taker& taker, const Sample& sample) {
    Read(sample, taker.subscriber->verify());
    static_cast<void>(taker.subscriber->IsFromThisUser(sample));
  }

  const std::vector<std::uint8_t> content_ = std::vector<std::uint8_t>(8192, 5);
  std::optional<Publisher> publisher_;
  std::vector<Loan> loans_;
  std::array<Taker, 2> takers_{MakeTaker(Verify::kTrusted), MakeTaker(Verify::kUntrusted)};
};
INSTANTIATE_TEST_SUITE_P(On, HostileWriter,
                         ::testing::Values(Channel{"shared", 4, Reliability::kBestEffort},
                                           Channel{"sole", 1, Reliability::kBestEffort},
                                           Channel{"reliable", 4, Reliability::kReliable}),
                         [](const auto& info) { return info.param.name; });

TEST_P(HostileWriter, MakesErrorsAndNothingElse) { Fire(GetParam().name); }

}  // namespace
}  // namespace shmcomm::faults
