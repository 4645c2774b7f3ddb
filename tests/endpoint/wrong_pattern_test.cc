// SPDX-License-Identifier: Apache-2.0
// A channel joined by an end of another pattern, and an end opened from the spec of another one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "shmcomm/typed.h"
#include "support/test_channels.h"

namespace shmcomm::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Kind {
  Pattern pattern;
  const char* name;
  const char* roles;
};
constexpr Kind kPubSub{Pattern::kPubSub, "pubsub", "publisher or subscriber"};
constexpr Kind kPushPull{Pattern::kPushPull, "pushpull", "pusher or puller"};
constexpr Kind kReqRep{Pattern::kReqRep, "reqrep", "requester or replier"};

/// The same name, whatever the pattern.
ChannelSpec SpecOf(const Kind& kind) {
  ChannelSpec spec = BytesSpec(64);
  spec.pattern = kind.pattern;
  spec.qos.max_reply_size = 64;
  spec.reply = spec.message;
  return spec;
}

class WrongPattern : public EndpointTest, public ::testing::WithParamInterface<std::tuple<Kind, Kind>> {
 protected:
  template <class Options>
  Options Here() const {
    Options options;
    options.root = root_.path();
    return options;
  }
  template <class End, class Options>
  absl::Status Join(const ChannelSpec& spec, bool stays) {
    absl::StatusOr<End> end = End::Open(spec, Here<Options>());
    if (end.ok() && stays) stays_ = std::make_shared<End>(*std::move(end));
    return end.status();
  }
  absl::Status JoinAsWriter(const Kind& kind, const ChannelSpec& spec, bool stays = false) {
    if (kind.pattern == Pattern::kPubSub) return Join<Publisher, PublisherOptions>(spec, stays);
    if (kind.pattern == Pattern::kPushPull) return Join<Pusher, PusherOptions>(spec, stays);
    return Join<Requester, RequesterOptions>(spec, stays);
  }
  absl::Status JoinAsReader(const Kind& kind, const ChannelSpec& spec) {
    if (kind.pattern == Pattern::kPubSub) return Join<Subscriber, SubscriberOptions>(spec, false);
    if (kind.pattern == Pattern::kPushPull) return Join<Puller, PullerOptions>(spec, false);
    return Join<Replier, ReplierOptions>(spec, false);
  }

  std::shared_ptr<void> stays_;
};

TEST_P(WrongPattern, OfARunningChannelIsSaidWithWhatMayJoin) {
  const auto [running, wanted] = GetParam();
  const absl::Status opened = JoinAsWriter(running, SpecOf(running), true);
  ASSERT_TRUE(opened.ok()) << opened;

  for (const absl::Status& refused : {JoinAsWriter(wanted, SpecOf(wanted)), JoinAsReader(wanted, SpecOf(wanted))}) {
    EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
    const std::string message(refused.message());
    EXPECT_THAT(message, HasSubstr(absl::StrCat("pattern: ", running.name, " -> ", wanted.name, "\n  fix: join it as ",
                                                running.roles, ", or give this one another channel name")));
    EXPECT_THAT(message, Not(HasSubstr("option")));   // which differ, too, and explain nothing
  }
}

TEST_P(WrongPattern, OfASpecIsRefused) {
  const auto [declared, wanted] = GetParam();

  EXPECT_TRUE(absl::IsInvalidArgument(JoinAsWriter(wanted, SpecOf(declared))));
  EXPECT_TRUE(absl::IsInvalidArgument(JoinAsReader(wanted, SpecOf(declared))));
}

INSTANTIATE_TEST_SUITE_P(All, WrongPattern,
                         ::testing::Values(std::tuple(kPubSub, kPushPull), std::tuple(kPubSub, kReqRep),
                                           std::tuple(kPushPull, kPubSub), std::tuple(kPushPull, kReqRep),
                                           std::tuple(kReqRep, kPubSub), std::tuple(kReqRep, kPushPull)),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param).name) + "_" + std::get<1>(info.param).name;
                         });

}  // namespace
}  // namespace shmcomm::test
