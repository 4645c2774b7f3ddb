// SPDX-License-Identifier: Apache-2.0
// What is walked instruction by instruction: one row an operation. A new operation is a new row.
#pragma once

#include <functional>
#include <ostream>
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
};

const std::vector<Operation>& AllOperations();

/// For GoogleTest.
inline void PrintTo(const Operation& operation, std::ostream* out) { *out << operation.name; }

PublisherOptions PublisherAt(const std::string& root);
SubscriberOptions SubscriberAt(const std::string& root);

}  // namespace shmcomm::crash
