// SPDX-License-Identifier: Apache-2.0
// Requesters and repliers killed at random moments: every call ends, with its reply or because its replier was killed.
// SHMCOMM_KILLS sets how many die (300), SHMCOMM_SEED repeats a run's choices.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <string>

#include "base/atomic.h"
#include "crash/killing.h"
#include "shmcomm/replier.h"
#include "shmcomm/requester.h"

namespace shmcomm::crash {
namespace {

constexpr std::uint64_t kMostCalls = 1 << 24;  // what is not used is not backed

struct CallEntry {
  std::atomic<std::uint32_t> replier;       // the life that has begun it
  std::atomic<std::uint32_t> runs;
};

struct CallBook : KillingShared {
  std::atomic<std::uint64_t> next;
  std::atomic<std::uint64_t> answered;
  std::atomic<std::uint64_t> died;
  std::atomic<std::uint32_t> repliers;      // that have opened
  std::atomic<bool> is_enough;              // requesters end; repliers go on until `stop`
  CallEntry calls[kMostCalls];
};

ChannelSpec Spec(bool is_idempotent) {
  ChannelSpec spec;
  spec.name = "kill/calls";
  spec.declared_at = "kill.channel:1";
  spec.pattern = Pattern::kReqRep;
  spec.qos.max_size = sizeof(std::uint64_t);
  spec.qos.max_reply_size = sizeof(std::uint64_t);
  spec.qos.max_publishers = 8;
  spec.qos.max_subscribers = 8;
  spec.qos.max_in_flight = 4;
  spec.qos.idempotent = is_idempotent;
  spec.message = {"kill.Question", 7, true, sizeof(std::uint64_t), nullptr, 0};
  spec.reply = {"kill.Answer", 8, true, sizeof(std::uint64_t), nullptr, 0};
  return spec;
}

constexpr std::uint64_t AnswerTo(std::uint64_t number) { return number * 0x9E3779B97F4A7C15u + 1; }

/// Not idempotent, and idempotent.
class KillCalls : public KillingTest<CallBook>, public ::testing::WithParamInterface<bool> {
 protected:
  static constexpr std::size_t kInFlight = 3;
  struct Call {
    std::uint64_t number;
    CallId id;
  };

  static std::uint64_t NumberIn(const std::uint8_t* data) {
    std::uint64_t number = 0;
    std::memcpy(&number, data, sizeof(number));
    return number;
  }

  void CallUntilEnough() const {
    auto requester = Requester::Open(Spec(GetParam()), Here<RequesterOptions>());
    if (!requester.ok()) return shared_->Wrong(requester.status().ToString());
    while (!shared_->is_enough && shared_->wrongs == 0) {
      std::array<Call, kInFlight> calls;
      for (Call& call : calls) {
        call.number = shared_->next.fetch_add(1);
        if (call.number >= kMostCalls) return;
        // Nothing but a reply or a death can end it.
        const auto id = requester->SendCopy(&call.number, sizeof(call.number), Codec::kStruct, absl::InfiniteDuration());
        if (!id.ok()) return shared_->Wrong("send: " + id.status().ToString());
        call.id = *id;
      }
      for (const std::size_t i : {1u, 0u, 2u}) Judge(calls[i].number, requester->Receive(calls[i].id));
    }
  }

  void Judge(std::uint64_t number, const absl::StatusOr<Sample>& reply) const {
    if (reply.ok()) {
      shared_->answered.fetch_add(1);
      if (reply->size() != sizeof(number) || NumberIn(reply->data()) != AnswerTo(number)) {
        shared_->Wrong("call " + std::to_string(number) + " has the reply of another");
      }
      return;
    }
    shared_->died.fetch_add(1);
    const std::uint32_t replier = shared_->calls[number].replier;   // 0: killed before it could sign
    const bool is_death = absl::IsUnavailable(reply.status()) && MaybeExecuted(reply.status());
    if (!is_death || GetParam() || (replier != 0 && !shared_->is_killed[replier])) {
      shared_->Wrong("call " + std::to_string(number) + ": " + reply.status().ToString());
    }
  }

  void AnswerUntilStopped(std::uint32_t life) const {
    auto replier = Replier::Open(Spec(GetParam()), Here<ReplierOptions>());
    if (!replier.ok()) return shared_->Wrong(replier.status().ToString());
    shared_->repliers.fetch_add(1);
    while (!shared_->stop) {
      absl::StatusOr<Request> request = replier->Take(absl::Milliseconds(20));
      if (request.ok()) {
        Answer(*request, life);
      } else if (!absl::IsDeadlineExceeded(request.status())) {
        return shared_->Wrong(request.status().ToString());
      }
    }
  }

  void Answer(Request& request, std::uint32_t life) const {
    const std::uint64_t number = NumberIn(request.data());
    CallEntry& entry = shared_->calls[number];
    const std::uint32_t before = entry.replier.exchange(life);
    if (before != 0 && !shared_->is_killed[before]) shared_->Wrong("a request was given to two that live");
    const std::uint32_t runs = entry.runs.fetch_add(1);
    if (runs > request.attempt()) shared_->Wrong("a request was run more often than its attempt says");
    if (!GetParam() && runs + request.attempt() != 0) shared_->Wrong("a request that may run once was given on");
    for (int i = 0; i < 200; ++i) base::Pause();
    const std::uint64_t answer = AnswerTo(number);
    const absl::Status replied = request.ReplyCopy(&answer, sizeof(answer), Codec::kStruct);
    const bool is_requester_gone = absl::IsUnavailable(replied) || absl::IsDeadlineExceeded(replied);
    if (!replied.ok() && !is_requester_gone) shared_->Wrong("reply: " + replied.ToString());
  }
};

TEST_P(KillCalls, EveryCallEndsWithItsReplyOrAfterADeath) {
  for (int i = 0; i < 6; ++i) {
    const bool is_victim = i % 3 != 0;
    Start(is_victim, [this](std::uint32_t life) { AnswerUntilStopped(life); });
  }
  while (shared_->repliers < 6) usleep(100);
  for (int i = 0; i < 6; ++i) {
    const bool is_victim = i % 3 != 0;
    Start(is_victim, [this](std::uint32_t) { CallUntilEnough(); });
  }

  KillAndReplace(FromEnvironment("SHMCOMM_KILLS", 300));
  shared_->is_enough = true;
  AwaitEndFrom(6);
  StopAll();

  EXPECT_GT(shared_->answered, 0u);
  std::printf("%llu answered, %llu died\n", static_cast<unsigned long long>(shared_->answered.load()),
              static_cast<unsigned long long>(shared_->died.load()));
  EXPECT_EQ(FilesLeft(), std::vector<std::string>{});
}
INSTANTIATE_TEST_SUITE_P(Idempotent, KillCalls, ::testing::Bool());

}  // namespace
}  // namespace shmcomm::crash
