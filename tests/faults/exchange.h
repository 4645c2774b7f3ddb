// SPDX-License-Identifier: Apache-2.0
// Both ends of a channel of any pattern are opened and exchange messages, where much of it may be refused.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/all_patterns.h"

namespace shmcomm::faults {

/// By its name in the test's.
inline std::string NameOf(Pattern pattern) {
  return pattern == Pattern::kPubSub ? "messages" : pattern == Pattern::kPushPull ? "jobs" : "calls";
}

class ExchangeTest : public test::AllPatternsTest {
 protected:
  /// Opens a publisher and a subscriber, or the like, and exchanges a message of each of these sizes.
  void Exchange(const ChannelSpec& spec, const std::vector<std::size_t>& sizes) {
    switch (spec.pattern) {
      case Pattern::kPubSub:
        return Exchange(Subscriber::Open(spec, SubscriberHere()), Publisher::Open(spec, PublisherHere()), spec, sizes);
      case Pattern::kPushPull:
        return Exchange(Puller::Open(spec, PullerHere()), Pusher::Open(spec, PusherHere()), spec, sizes);
      case Pattern::kReqRep:
        return Exchange(Replier::Open(spec, ReplierHere()), Requester::Open(spec, RequesterHere()), spec, sizes);
    }
  }

  /// Whether an open, or what came after, was not refused; the test looks at the reason of what was.
  virtual bool Opened(const absl::Status& status) = 0;
  virtual bool Went(const absl::Status& status) = 0;
  /// A message that was taken, while `bytes` of sevens are sent.
  virtual void Got(const std::uint8_t* data, std::size_t size, std::size_t bytes) = 0;

 private:
  template <class Taking, class Giving>
  void Exchange(absl::StatusOr<Taking> taking, absl::StatusOr<Giving> giving, const ChannelSpec& spec,
                const std::vector<std::size_t>& sizes) {
    const bool can_take = Opened(taking.status());
    const bool can_give = Opened(giving.status());
    for (const std::size_t bytes : sizes) {
      if (can_give) Give(*giving, bytes, spec);
      if (can_take) TakeAndEnd(*taking, bytes, spec);
      if (can_give) Receive(*giving, bytes);
    }
  }

  void Give(Publisher& publisher, std::size_t bytes, const ChannelSpec& spec) {
    Went(publisher.PublishCopy(content_.data(), bytes, CodecOf(spec.message)));
  }
  void Give(Pusher& pusher, std::size_t bytes, const ChannelSpec& spec) {
    Went(pusher.PushCopy(content_.data(), bytes, CodecOf(spec.message), absl::ZeroDuration()));
  }
  void Give(Requester& requester, std::size_t bytes, const ChannelSpec& spec) {
    const auto call = requester.SendCopy(content_.data(), bytes, CodecOf(spec.message), kLong);
    if (Went(call.status())) call_ = *call;
  }

  void TakeAndEnd(Subscriber& subscriber, std::size_t bytes, const ChannelSpec&) {
    const auto sample = subscriber.TryTake();
    if (Went(sample.status()) && sample->has_value()) Got((*sample)->data(), (*sample)->size(), bytes);
  }
  void TakeAndEnd(Puller& puller, std::size_t bytes, const ChannelSpec&) {
    auto job = puller.TryTake();
    if (!Went(job.status()) || !job->has_value()) return;
    Got((*job)->data(), (*job)->size(), bytes);
    Went((*job)->Ack());
  }
  void TakeAndEnd(Replier& replier, std::size_t bytes, const ChannelSpec& spec) {
    auto request = replier.TryTake();
    if (!Went(request.status()) || !request->has_value()) return;
    Got((*request)->data(), (*request)->size(), bytes);
    const std::size_t reply_bytes = spec.reply.is_struct ? spec.reply.struct_bytes : bytes;
    Went((*request)->ReplyCopy(content_.data(), reply_bytes, CodecOf(spec.reply)));
  }

  static void Receive(Publisher&, std::size_t) {}
  static void Receive(Pusher&, std::size_t) {}
  void Receive(Requester& requester, std::size_t bytes) {
    if (!call_.has_value()) return;
    const CallId call = *std::exchange(call_, std::nullopt);
    const auto reply = requester.TryReceive(call);
    if (Went(reply.status()) && reply->has_value()) Got((*reply)->data(), (*reply)->size(), bytes);
    requester.Forget(call);
  }

  static Codec CodecOf(const MessageType& type) { return type.is_struct ? Codec::kStruct : Codec::kBytes; }

  const std::vector<std::uint8_t> content_ = std::vector<std::uint8_t>(1 << 20, 7);  // before memory is limited
  std::optional<CallId> call_;
};

}  // namespace shmcomm::faults
