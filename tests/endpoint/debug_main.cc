// SPDX-License-Identifier: Apache-2.0
// A program that says nothing of logs: one end of each kind, every message taken, and then more than a subscriber can hold.
//   debug_main ROOT
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "shmcomm/publisher.h"
#include "shmcomm/puller.h"
#include "shmcomm/pusher.h"
#include "shmcomm/replier.h"
#include "shmcomm/requester.h"
#include "shmcomm/subscriber.h"

namespace shmcomm::test {
namespace {

constexpr int kRing = 16;
constexpr std::uint8_t kMessage[5] = {1, 2, 3, 4, 5};

void Check(const absl::Status& status) {
  if (!status.ok()) std::abort();
}

template <class Value>
Value Get(absl::StatusOr<Value> value) {
  Check(value.status());
  return *std::move(value);
}

ChannelSpec Spec(const char* name, Pattern pattern) {
  ChannelSpec spec;
  spec.name = name;
  spec.pattern = pattern;
  spec.qos.max_size = 64;
  spec.qos.max_reply_size = 64;
  return spec;
}

template <class Options>
Options Here(const char* root) {
  Options options;
  options.root = root;
  return options;
}

void Publish(Publisher& publisher) { Check(publisher.PublishCopy(kMessage, sizeof(kMessage), Codec::kBytes)); }

/// One message that is taken; a ring of which nine tenths wait; twice more than the subscriber can catch up with.
void PubSub(const char* root) {
  const ChannelSpec spec = Spec("a", Pattern::kPubSub);
  Publisher publisher = Get(Publisher::Open(spec, Here<PublisherOptions>(root)));
  Subscriber subscriber = Get(Subscriber::Open(spec, Here<SubscriberOptions>(root)));
  Publish(publisher);
  Get(subscriber.TryTake());
  for (const int more : {kRing, 3 * kRing, 3 * kRing}) {
    for (int i = 0; i < more; ++i) Publish(publisher);
    while (Get(subscriber.TryTake()).has_value()) {
    }
  }
}

void PushPull(const char* root) {
  const ChannelSpec spec = Spec("b", Pattern::kPushPull);
  Pusher pusher = Get(Pusher::Open(spec, Here<PusherOptions>(root)));
  Puller puller = Get(Puller::Open(spec, Here<PullerOptions>(root)));
  Check(pusher.PushCopy(kMessage, 3, Codec::kBytes, absl::ZeroDuration()));
  Get(puller.TryTake());
}

void ReqRep(const char* root) {
  const ChannelSpec spec = Spec("c", Pattern::kReqRep);
  Replier replier = Get(Replier::Open(spec, Here<ReplierOptions>(root)));
  Requester requester = Get(Requester::Open(spec, Here<RequesterOptions>(root)));
  const CallId call = Get(requester.SendCopy(kMessage, 2, Codec::kBytes, absl::InfiniteDuration()));
  Check(Get(replier.Take(absl::InfiniteDuration())).ReplyCopy(kMessage, 4, Codec::kBytes));
  Get(requester.Receive(call));
}

}  // namespace
}  // namespace shmcomm::test

int main(int, char** arguments) {
  shmcomm::test::PubSub(arguments[1]);
  shmcomm::test::PushPull(arguments[1]);
  shmcomm::test::ReqRep(arguments[1]);
}
