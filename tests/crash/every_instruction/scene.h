// SPDX-License-Identifier: Apache-2.0
// A channel, a victim that is walked through one operation, and the others in it, who must go on whatever becomes of the
// victim. The others live in the test's own process.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "crash/every_instruction/channel_files.h"
#include "crash/every_instruction/operations.h"
#include "shmcomm/publisher.h"
#include "shmcomm/subscriber.h"
#include "support/temporary_root.h"

namespace shmcomm::crash {

class Scene {
 public:
  explicit Scene(const Operation& operation);

  std::string directory() const { return root_ / "default/test%2Fnumbers"; }
  const Operation& operation() const { return operation_; }

  /// A new victim that stands before its step, with messages to take and somebody who sleeps and must be woken.
  TracedChild MakeVictim();

  /// The victim is dead: the others do not notice, newcomers find a place, nothing stays behind.
  void ExpectEverybodyGoesOn();
  /// The victim is stopped: the others publish and take for some laps as if it were not.
  void ExpectOthersGoOnBeside();
  /// The same files, somewhere else, where only the others live: a newcomer repairs them.
  void ExpectCopyRecovers();

  /// Everybody leaves; no file stays.
  void ExpectNothingIsLeft();

 private:
  bool has_reader() const { return operation_.others != Others::kNobody; }
  bool has_publisher() const { return operation_.others == Others::kReaderAndPublisher; }
  bool is_reliable() const { return operation_.spec.qos.reliability == Reliability::kReliable; }

  void Publish(Publisher& publisher, std::uint64_t value);
  void TakeAll();
  void ExchangeWithNewcomers(const ChannelSpec& spec, const std::string& root);
  void ExpectALoneNewcomerFindsNothing();

  test::TemporaryRoot root_;
  const Operation& operation_;
  std::optional<Subscriber> reader_;
  std::optional<Publisher> publisher_;
  std::uint64_t next_sequence_ = 0;
};

/// The step of an operation, as one child made it.
struct Walk {
  std::vector<std::uint64_t> pcs;      // where it stood before each instruction
  std::vector<std::size_t> writes;     // the instructions that changed a shared file

  /// How often the instruction at `index` had been met before.
  std::uint64_t OccurrenceOf(std::size_t index) const;
};

/// Kills an operation, spread evenly over its instructions; 0 is at every one. SHMCOMM_KILL_POINTS says how many.
std::size_t KillPoints();

}  // namespace shmcomm::crash
