// SPDX-License-Identifier: Apache-2.0
#include "crash/every_instruction/attempts.h"

#include <cstddef>
#include <iterator>
#include <utility>

#include "crash/every_instruction/pubsub_operations.h"
#include "support/forked_child.h"
#include "support/test_channels.h"

namespace shmcomm::crash {
namespace {

absl::Status WaitForMembers(Ends& ends) { return ends.set->Wait(absl::Milliseconds(1)).status(); }

/// One of each kind: few enough to be waited for on their bells.
absl::Status OpenASetOfFew(Ends& ends) {
  absl::Status status = OpenSubscriber(ends);
  status.Update(OpenPuller(ends));
  status.Update(OpenRequester(ends));
  status.Update(OpenReplier(ends));
  if (!status.ok()) return status;
  ends.set.emplace();
  status.Update(ends.set->Add(*ends.subscriber).status());
  status.Update(ends.set->Add(*ends.puller).status());
  status.Update(ends.set->Add(*ends.requester).status());
  status.Update(ends.set->Add(*ends.replier).status());
  return status;
}

/// So many that it is done through their wake files.
absl::Status OpenASetOfMany(Ends& ends) {
  constexpr std::size_t kMany = 9;
  ChannelSpec spec = test::NumbersSpec();
  spec.qos.max_subscribers = kMany;
  absl::Status status = OpenASetOfFew(ends);
  while (status.ok() && ends.set->size() < kMany) {
    auto opened = Subscriber::Open(spec, SubscriberAt(ends.root));
    if (!opened.ok()) return opened.status();
    ends.others.push_back(*std::move(opened));
    status.Update(ends.set->Add(ends.others.back()).status());
  }
  return status;
}

std::vector<Attempt> WaitSetAttempts() {
  return {
      {"wait_for_few", OpenASetOfFew, WaitForMembers, true},
      {"wait_for_many", OpenASetOfMany, WaitForMembers, true},
  };
}

}  // namespace

absl::Status Nothing(Ends&) { return absl::OkStatus(); }

Attempt::Act InTurn(std::vector<Attempt::Act> acts) {
  return [acts = std::move(acts)](Ends& ends) {
    absl::Status status;
    for (const Attempt::Act& act : acts) {
      if (status.ok()) status = act(ends);
    }
    return status;
  };
}

Attempt::Act AfterTheDeathOf(Attempt::Act life) {
  return [life = std::move(life)](Ends& ends) {
    const test::StayingChild dead([&](const test::StayingChild::Stay& stay) {
      Ends own;
      own.root = ends.root;
      if (life(own).ok()) stay();
    });
    return dead.is_there() ? absl::OkStatus() : absl::InternalError("did not live up to its death");
  };
}

const std::vector<Attempt>& Attempts() {
  static const std::vector<Attempt>* const attempts = [] {
    auto* const all = new std::vector<Attempt>(PubSubAttempts());
    for (const auto& more : {JobAttempts(), CallAttempts(), WaitSetAttempts()}) all->insert(all->end(), more.begin(), more.end());
    return all;
  }();
  return *attempts;
}

}  // namespace shmcomm::crash
