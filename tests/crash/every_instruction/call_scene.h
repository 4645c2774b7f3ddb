// SPDX-License-Identifier: Apache-2.0
// A reqrep channel: the others call and answer. A call of theirs is answered, or fails because its replier died at it, and
// the next are answered as if nothing had been.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "crash/every_instruction/scene.h"
#include "shmcomm/replier.h"
#include "shmcomm/requester.h"
#include "shmcomm/wait_set.h"
#include "support/temporary_root.h"

namespace shmcomm::crash {

/// What a victim has between its preparation and its step. What it still has when its step is over, it has when it dies.
struct CallEnds {
  std::string root;
  std::uint64_t schema = 1;
  std::optional<Requester> requester;
  std::optional<Replier> replier;
  std::optional<Request> request;
  WaitSet set;
  CallId call{};
};

struct CallOperation {
  const char* name;
  bool is_lifecycle;
  std::function<bool(CallEnds&)> before;
  std::function<bool(CallEnds&)> step;
  bool is_alone = false;   // nobody else is in the channel, which the step creates or removes
};

class CallScene final : public Scene {
 public:
  explicit CallScene(const CallOperation& operation);

  std::string directory() const override { return root_ / "default/test%2Fsums"; }
  TracedChild MakeVictim() override;
  void ExpectEverybodyGoesOn() override;
  void ExpectOthersGoOnBeside() override;
  void ExpectCopyRecovers() override;
  void ExpectNothingIsLeft() override;

 private:
  /// Answers what there is; whoever asked may have died.
  static void AnswerAll(Replier& replier);
  static void ExpectCallsAreAnswered(CallEnds& ends, int calls);
  void ExpectALoneNewcomerFindsNothing();

  test::TemporaryRoot root_;
  const CallOperation& operation_;
  CallEnds others_;
};

}  // namespace shmcomm::crash
