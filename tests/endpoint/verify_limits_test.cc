// SPDX-License-Identifier: Apache-2.0
// Messages that are made to be dear: checking one costs no more than its size allows. Work is counted in tables looked at.
#include <gmock/gmock.h>

#include <cstdint>
#include <string>
#include <vector>

#include "support/test_channels.h"

namespace shmcomm {
namespace {

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;
using flatbuffers::Vector;

/// `table Node { children:[Node]; content:[ubyte] (nested_flatbuffer: "Node"); }`, which counts how often one is verified.
struct Node : private flatbuffers::Table {
  enum Field : flatbuffers::voffset_t { kChildren = 4, kContent = 6 };
  const Vector<Offset<Node>>* children() const { return GetPointer<const Vector<Offset<Node>>*>(kChildren); }
  const Vector<std::uint8_t>* content() const { return GetPointer<const Vector<std::uint8_t>*>(kContent); }
  bool Verify(flatbuffers::Verifier& verifier) const {
    ++verified;
    return VerifyTableStart(verifier) && VerifyOffset(verifier, kChildren) && verifier.VerifyVector(children()) &&
           verifier.VerifyVectorOfTables(children()) && VerifyOffset(verifier, kContent) && verifier.VerifyVector(content()) &&
           verifier.VerifyNestedFlatBuffer<Node>(content(), nullptr) && verifier.EndTable();
  }
  static std::uint64_t verified;
};
std::uint64_t Node::verified = 0;

struct TreeChannel {
  using Message = Node;
  static const ChannelSpec& Spec() {
    static const ChannelSpec spec = [] {
      ChannelSpec s;
      s.name = "test/trees";
      s.declared_at = "test.channel:9";
      s.message.name = "test.Node";
      s.message.fingerprint = 0x7ee;
      return s;
    }();
    return spec;
  }
};

Offset<Node> MakeNode(FlatBufferBuilder& builder, const std::vector<Offset<Node>>& children, const std::string& content = {}) {
  const auto vector = builder.CreateVector(children);
  const auto bytes = builder.CreateVector(reinterpret_cast<const std::uint8_t*>(content.data()), content.size());
  const flatbuffers::uoffset_t start = builder.StartTable();
  if (!children.empty()) builder.AddOffset(Node::kChildren, vector);
  if (!content.empty()) builder.AddOffset(Node::kContent, bytes);
  return Offset<Node>(builder.EndTable(start));
}

std::string Finished(FlatBufferBuilder& builder, Offset<Node> root) {
  builder.Finish(root);
  return {reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize()};
}

/// Each of `depth` tables has `fork` times the next for its children: fork to the power of depth paths.
std::string Shared(std::uint32_t depth, std::uint32_t fork) {
  FlatBufferBuilder builder;
  Offset<Node> node = MakeNode(builder, {});
  for (std::uint32_t i = 1; i < depth; ++i) node = MakeNode(builder, std::vector<Offset<Node>>(fork, node));
  return Finished(builder, node);
}

std::string Nested(std::uint32_t levels) {
  std::string message;
  for (std::uint32_t i = 0; i < levels; ++i) {
    FlatBufferBuilder builder;
    message = Finished(builder, MakeNode(builder, {}, message));
  }
  return message;
}

class VerifyLimits : public test::EndpointTest, public ::testing::WithParamInterface<Verify> {
 protected:
  /// What a subscriber says of the message.
  absl::Status Take(const std::string& message) {
    EXPECT_TRUE(publisher_.raw().PublishCopy(message.data(), message.size(), Codec::kFlatBuffer).ok());
    Node::verified = 0;
    return subscriber_.Take(absl::ZeroDuration()).status();
  }
  SubscriberOptions Checking() const {
    SubscriberOptions options = SubscriberHere();
    options.verify = GetParam();
    return options;
  }

  TypedPublisher<TreeChannel> publisher_ = *TypedPublisher<TreeChannel>::Open(PublisherHere());
  TypedSubscriber<TreeChannel> subscriber_ = *TypedSubscriber<TreeChannel>::Open(Checking());
};
INSTANTIATE_TEST_SUITE_P(Policies, VerifyLimits, ::testing::Values(Verify::kVerify, Verify::kUntrusted),
                         [](const auto& info) { return info.param == Verify::kVerify ? "verify" : "untrusted"; });

TEST_P(VerifyLimits, ATableThatIsSharedOnEachOfManyLevelsIsRefusedAfterWorkInProportionToItsSize) {
  for (const std::uint32_t fork : {2u, 3u, 100u}) {
    const std::string message = Shared(60, fork);

    EXPECT_TRUE(absl::IsDataLoss(Take(message))) << fork;
    EXPECT_LE(Node::verified, message.size() / 4 + 2) << fork;
  }
}

TEST_P(VerifyLimits, ATableMayBeSharedByAllOffsetsThatThereIsRoomFor) {
  EXPECT_TRUE(Take(Shared(2, 100'000)).ok());
  EXPECT_EQ(Node::verified, 100'001u);
}

TEST_P(VerifyLimits, AMessageOfMoreThanAMillionTablesIsTaken) {
  constexpr std::uint32_t kTables = 1'200'000;
  FlatBufferBuilder builder;
  std::vector<Offset<Node>> children;
  for (std::uint32_t i = 0; i < kTables; ++i) children.emplace_back(builder.EndTable(builder.StartTable()));
  const std::string message = Finished(builder, MakeNode(builder, children));

  EXPECT_TRUE(Take(message).ok());
  EXPECT_EQ(Node::verified, kTables + 1);
}

TEST_P(VerifyLimits, TablesMayNestSixtyFourDeep) {
  EXPECT_TRUE(Take(Shared(64, 1)).ok());
  EXPECT_TRUE(absl::IsDataLoss(Take(Shared(65, 1))));
  EXPECT_TRUE(absl::IsDataLoss(Take(Shared(100'000, 1))));
  EXPECT_LE(Node::verified, 65u);
}

TEST_P(VerifyLimits, ABufferWithinAMessageIsNotLookedInto) {
  EXPECT_TRUE(Take(Nested(300)).ok());
  EXPECT_EQ(Node::verified, 1u);
}

}  // namespace
}  // namespace shmcomm
