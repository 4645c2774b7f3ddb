// SPDX-License-Identifier: Apache-2.0
// A pushpull channel: the others push jobs and take them. Every job is done by somebody: by the victim, if its step is to
// do jobs, or else by the others, whom it comes to once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "crash/every_instruction/scene.h"
#include "shmcomm/puller.h"
#include "shmcomm/pusher.h"
#include "shmcomm/wait_set.h"
#include "support/temporary_root.h"

namespace shmcomm::crash {

/// What a victim has between its preparation and its step. What it still has when its step is over, it has when it dies.
struct JobEnds {
  std::string root;
  std::uint64_t schema = 1;
  std::optional<Puller> puller;
  std::optional<Pusher> pusher;
  std::optional<Job> job;
  WaitSet set;
};

struct JobOperation {
  const char* name;
  bool is_lifecycle;
  bool finds_jobs;         // two of the others'; otherwise their puller stands in the queue of sleepers
  std::size_t most_done;   // how many of the others' jobs the step may do
  std::function<bool(JobEnds&)> before;
  std::function<bool(JobEnds&)> step;
  bool is_alone = false;   // nobody else is in the channel, which the step creates or removes
};

class JobScene final : public Scene {
 public:
  explicit JobScene(const JobOperation& operation);

  std::string directory() const override { return root_ / "default/test%2Fjobs"; }
  TracedChild MakeVictim() override;
  void ExpectEverybodyGoesOn() override;
  void ExpectOthersGoOnBeside() override;
  void ExpectCopyRecovers() override;
  void ExpectNothingIsLeft() override;

 private:
  using Values = std::set<std::uint64_t>;

  void PushOne();
  void PushAndTakeLaps();
  /// Takes and does all there is; each is one of `open`, which it leaves, or the victim's own.
  static void DoAll(Puller& puller, Values& open);
  void ExchangeWithNewcomers(const std::string& root, Values& open);
  void ExpectALoneNewcomerFindsNothing();

  test::TemporaryRoot root_;
  const JobOperation& operation_;
  JobEnds others_;
  Values open_;                  // pushed by the others and not known to be done
  std::uint64_t last_value_ = 100;
};

}  // namespace shmcomm::crash
