// SPDX-License-Identifier: Apache-2.0
// What is walked instruction by instruction of publishers and subscribers: one row an operation.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "crash/every_instruction/traced_child.h"
#include "shmcomm/channel_spec.h"
#include "shmcomm/options.h"

namespace shmcomm::crash {

/// Who else lives in the channel and must go on.
enum class Others { kNobody, kReader, kReaderAndPublisher };

struct Operation {
  const char* name;
  ChannelSpec spec;
  Others others;
  /// Opens, creates and removes files: many instructions, few of them on shared memory, and the directory's lock is held
  /// in between, so that nobody joins meanwhile.
  bool is_lifecycle;
  /// In the victim: opens what the step needs, and returns the step.
  std::function<Step(const std::string& root)> prepare;
  /// The survivors' reader is watched through a descriptor, which a publisher must ring.
  bool reader_has_descriptor = false;
  /// Messages of the survivors' publisher that the victim finds before its step.
  int published_before = 3;
  /// Reliable: a subscriber that stays where it was before those messages. All publishers demote who does not move.
  bool has_laggard = false;
  /// The survivors' publisher does.
  bool others_demote = false;
};

const std::vector<Operation>& PubSubOperations();

PublisherOptions PublisherAt(const std::string& root);
/// Takes the cursor of a subscriber that does not move, at once.
PublisherOptions DemotingPublisherAt(const std::string& root);
SubscriberOptions SubscriberAt(const std::string& root);

}  // namespace shmcomm::crash
