// SPDX-License-Identifier: Apache-2.0
// A reqrep channel for tests: numbers in, numbers out, as plain bytes.
#pragma once

#include <cstdint>
#include <cstring>
#include <utility>

#include "shmcomm/replier.h"
#include "shmcomm/requester.h"
#include "support/test_channels.h"

namespace shmcomm::test {

inline ChannelSpec SumsSpec() {
  ChannelSpec spec;
  spec.name = "test/sums";
  spec.declared_at = "test.channel:3";
  spec.pattern = Pattern::kReqRep;
  spec.qos.max_size = sizeof(Numbers);
  spec.qos.max_reply_size = sizeof(std::uint64_t);
  spec.qos.max_subscribers = 4;
  spec.qos.max_in_flight = 4;
  spec.message.name = "test.Numbers";
  spec.message.fingerprint = 0x1234;
  spec.message.is_struct = true;
  spec.message.struct_bytes = sizeof(Numbers);
  spec.reply.name = "test.Sum";
  spec.reply.fingerprint = 0x5678;
  spec.reply.is_struct = true;
  spec.reply.struct_bytes = sizeof(std::uint64_t);
  return spec;
}

inline absl::StatusOr<CallId> SendNumber(Requester& requester, std::uint64_t value, absl::Duration timeout) {
  const Numbers numbers{value, {}};
  return requester.SendCopy(&numbers, sizeof(numbers), Codec::kStruct, timeout);
}

inline std::uint64_t NumberIn(const std::uint8_t* data) {
  std::uint64_t value = 0;
  std::memcpy(&value, data, sizeof(value));
  return value;
}

inline absl::Status ReplyNumber(Request& request, std::uint64_t value) {
  return request.ReplyCopy(&value, sizeof(value), Codec::kStruct);
}

class ReqRepTest : public EndpointTest {
 protected:
  static constexpr absl::Duration kLong = absl::Seconds(60);

  RequesterOptions RequesterHere() const {
    RequesterOptions options;
    options.root = root_.path();
    options.spin = absl::ZeroDuration();
    return options;
  }
  ReplierOptions ReplierHere() const {
    ReplierOptions options;
    options.root = root_.path();
    options.spin = absl::ZeroDuration();
    return options;
  }
  Requester OpenRequester(const ChannelSpec& spec) const {
    auto requester = Requester::Open(spec, RequesterHere());
    EXPECT_TRUE(requester.ok()) << requester.status();
    return *std::move(requester);
  }
  Replier OpenReplier(const ChannelSpec& spec) const {
    auto replier = Replier::Open(spec, ReplierHere());
    EXPECT_TRUE(replier.ok()) << replier.status();
    return *std::move(replier);
  }
  /// Answers the next request with its number and one.
  static void AnswerNext(Replier& replier) {
    auto request = replier.Take(kLong);
    ASSERT_TRUE(request.ok()) << request.status();
    EXPECT_TRUE(ReplyNumber(*request, NumberIn(request->data()) + 1).ok());
  }
  static std::uint64_t ValueOf(const absl::StatusOr<Sample>& reply) {
    EXPECT_TRUE(reply.ok()) << reply.status();
    return reply.ok() ? NumberIn(reply->data()) : 0;
  }
  std::set<std::string> Files() const { return EndpointTest::Files("test%2Fsums"); }
};

}  // namespace shmcomm::test
