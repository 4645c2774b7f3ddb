// SPDX-License-Identifier: Apache-2.0
// A pubsub channel: the others publish, and take every message that they are not told to have lost.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "crash/every_instruction/pubsub_operations.h"
#include "crash/every_instruction/scene.h"
#include "shmcomm/publisher.h"
#include "shmcomm/subscriber.h"
#include "support/temporary_root.h"

namespace shmcomm::crash {

class PubSubScene final : public Scene {
 public:
  explicit PubSubScene(const Operation& operation);

  std::string directory() const override { return root_ / "default/test%2Fnumbers"; }
  TracedChild MakeVictim() override;
  void ExpectEverybodyGoesOn() override;
  void ExpectOthersGoOnBeside() override;
  void ExpectCopyRecovers() override;
  void ExpectNothingIsLeft() override;

 private:
  bool has_reader() const { return operation_.others != Others::kNobody; }
  bool has_publisher() const { return operation_.others == Others::kReaderAndPublisher; }
  bool is_reliable() const { return operation_.spec.qos.reliability == Reliability::kReliable; }

  void Publish(Publisher& publisher, std::uint64_t value);
  void PublishAndTake(int count, std::uint64_t first_value);
  void TakeAll();
  void ExpectLaggardIsReliableAgain();
  void ExchangeWithNewcomers(const ChannelSpec& spec, const std::string& root);
  void ExpectALoneNewcomerFindsNothing();

  test::TemporaryRoot root_;
  const Operation& operation_;
  std::optional<Subscriber> reader_;
  std::optional<Publisher> publisher_;
  std::optional<Subscriber> laggard_;
  std::uint64_t next_sequence_ = 0;
  std::uint64_t laggards_next_sequence_ = 0;
};

}  // namespace shmcomm::crash
