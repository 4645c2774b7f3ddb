// SPDX-License-Identifier: Apache-2.0
#include "registry/reply_directory.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "registry/membership.h"
#include "ring/claim.h"
#include "support/laid_site.h"

namespace shmcomm::registry {
namespace {

using test::Exists;
using test::LaidSite;
using test::LaidSizes;
using test::WriteFile;

class ReplyDirectory : public ::testing::Test {
 protected:
  static LaidSizes WithClaims() {
    LaidSizes sizes;
    sizes.has_claims = true;
    return sizes;
  }
  void Lay(const std::string& name) const {
    std::filesystem::create_directory(laid_.root / name);
    for (const char* file : {"ring", "readers", "lock", "pub.3.1"}) WriteFile(laid_.root / (name + "/" + file), "");
  }
  bool Has(const std::string& name) const { return Exists(laid_.root / name); }

  LaidSite laid_{WithClaims()};
};

TEST_F(ReplyDirectory, IsNamedForItsRequesterAndGeneration) {
  EXPECT_EQ(ReplyDirectoryName(7, 12), "reply.7.12");
  const auto numbers = ParseReplyDirectoryName("reply.7.12");
  ASSERT_TRUE(numbers.has_value());
  EXPECT_EQ(numbers->publisher, 7u);
  EXPECT_EQ(numbers->generation, 12u);
  for (const char* other : {"reply.0.1", "reply.256.1", "reply.1", "reply.1.2.3", "reply.a.1", "pub.1.1", "reply."}) {
    EXPECT_FALSE(ParseReplyDirectoryName(other).has_value()) << other;
  }
}

TEST_F(ReplyDirectory, GoesWithItsFiles) {
  Lay("reply.1.1");
  Lay("reply.1.2");
  Lay("reply.2.1");

  RemoveReplyDirectoriesOf(laid_.site.directory, 1);

  EXPECT_FALSE(Has("reply.1.1"));
  EXPECT_FALSE(Has("reply.1.2"));
  EXPECT_TRUE(Has("reply.2.1"));
}

TEST_F(ReplyDirectory, ThatHoldsForeignFilesIsLeftAlone) {
  Lay("reply.1.1");
  WriteFile(laid_.root / "reply.1.1/notes.txt", "");

  RemoveReplyDirectory(laid_.site.directory, "reply.1.1");

  EXPECT_TRUE(Has("reply.1.1/notes.txt"));
}

TEST_F(ReplyDirectory, OfADeadRequesterIsRemovedWithTheRequestsNobodyBegan) {
  Lay("reply.1.1");
  laid_.laid.LayMessages(0, 2, 1);

  ASSERT_TRUE(CleanDeadRequesters(laid_.site).ok());

  EXPECT_FALSE(Has("reply.1.1"));
  EXPECT_TRUE(ring::IsOver(laid_.site.ring, laid_.site.readers, 0));
  EXPECT_TRUE(ring::IsOver(laid_.site.ring, laid_.site.readers, 1));
}

TEST_F(ReplyDirectory, OfTheLivingStaysUnlessASuccessorHasItsId) {
  Lay("reply.1.1");
  Lay("reply.1.2");
  Lay("reply.1.3");
  laid_.site.ring.publishers[1].generation.store(2);
  absl::StatusOr<LockFile> lock = LockFile::Open(laid_.site.directory);
  ASSERT_TRUE(*lock->TryLock(layout::PublisherLockByte(1)));

  ASSERT_TRUE(CleanDeadRequesters(laid_.site).ok());

  EXPECT_FALSE(Has("reply.1.1"));
  EXPECT_TRUE(Has("reply.1.2"));
  EXPECT_TRUE(Has("reply.1.3")) << "its requester has not announced itself yet";
}

}  // namespace
}  // namespace shmcomm::registry
