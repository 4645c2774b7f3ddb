// SPDX-License-Identifier: Apache-2.0
#include "channel/place.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <string>

#include "support/temporary_root.h"

namespace shmcomm::channel {
namespace {

using absl::StatusCode;
using ::testing::HasSubstr;

TEST(EncodedName, KeepsWhatEveryFileSystemTakes) {
  EXPECT_EQ(EncodeComponent("aZ09-_.x"), "aZ09-_.x");
}

TEST(EncodedName, EscapesEverythingElse) {
  EXPECT_EQ(EncodeComponent("robot/imu"), "robot%2Fimu");
  EXPECT_EQ(EncodeComponent("a b%\n"), "a%20b%25%0A");
  EXPECT_EQ(EncodeComponent("\xC3\xA9"), "%C3%A9");
}

TEST(EncodedName, NeverBeginsWithADot) {
  EXPECT_EQ(EncodeComponent("."), "%2E");
  EXPECT_EQ(EncodeComponent(".."), "%2E.");
  EXPECT_EQ(EncodeComponent(".hidden"), "%2Ehidden");
}

TEST(DecodedName, IsWhatWasEncodedWhateverTheBytes) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 1000; ++i) {
    std::string name(1 + random() % 50, '\0');
    for (char& c : name) c = static_cast<char>(random());

    EXPECT_EQ(DecodeComponent(EncodeComponent(name)), name);
  }
}

TEST(DecodedName, LeavesAloneWhatIsNoEscape) {
  for (const char* text : {"%", "%2", "%ZZ", "100%", "%2f", "a%G0b"}) EXPECT_EQ(DecodeComponent(text), text);
}

TEST(DecodedName, ReadsAnEscapeAtTheVeryEnd) { EXPECT_EQ(DecodeComponent("a%2F"), "a/"); }

class FoundPlace : public testing::Test {
 protected:
  FoundPlace() {
    unsetenv("SHMCOMM_ROOT");
    unsetenv("SHMCOMM_DOMAIN");
  }
  EndpointOptions options_;
};

TEST_F(FoundPlace, IsBelowTheUsersDefaultRoot) {
  const auto place = FindPlace("robot/imu", options_);

  ASSERT_TRUE(place.ok());
  EXPECT_EQ(place->root, "/dev/shm/shmcomm-" + std::to_string(platform::UserId()));
  EXPECT_EQ(place->domain, "default");
  EXPECT_EQ(place->channel, "robot/imu");
  EXPECT_EQ(place->component, "robot%2Fimu");
  EXPECT_TRUE(place->is_default_root);
}

TEST_F(FoundPlace, FollowsTheEnvironment) {
  setenv("SHMCOMM_ROOT", "/somewhere", 1);
  setenv("SHMCOMM_DOMAIN", "lab/1", 1);

  const auto place = FindPlace("c", options_);

  ASSERT_TRUE(place.ok());
  EXPECT_EQ(place->root, "/somewhere");
  EXPECT_EQ(place->domain, "lab%2F1");
  EXPECT_FALSE(place->is_default_root);
}

TEST_F(FoundPlace, FollowsOptionsBeforeTheEnvironment) {
  setenv("SHMCOMM_ROOT", "/somewhere", 1);
  setenv("SHMCOMM_DOMAIN", "lab", 1);
  options_.root = "/elsewhere";
  options_.domain = "mine";
  options_.channel = "other";

  const auto place = FindPlace("c", options_);

  ASSERT_TRUE(place.ok());
  EXPECT_EQ(place->root, "/elsewhere");
  EXPECT_EQ(place->domain, "mine");
  EXPECT_EQ(place->channel, "other");
}

TEST_F(FoundPlace, HoldsNamesUpToTwoHundredBytes) {
  EXPECT_TRUE(FindPlace(std::string(200, 'x'), options_).ok());
  EXPECT_EQ(FindPlace(std::string(201, 'x'), options_).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(FoundPlace, HoldsNoNameThatIsTooLongOnceEncoded) {
  EXPECT_TRUE(FindPlace(std::string(85, '/'), options_).ok());

  const absl::Status status = FindPlace(std::string(86, '/'), options_).status();

  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("86 B (258 encoded)"));
}

TEST_F(FoundPlace, HoldsNoEmptyName) {
  EXPECT_THAT(std::string(FindPlace("", options_).status().message()), HasSubstr("the channel name is empty"));
}

TEST_F(FoundPlace, HoldsNoNul) {
  EXPECT_EQ(FindPlace(std::string("a\0b", 3), options_).status().code(), StatusCode::kInvalidArgument);
  options_.domain = std::string("\0", 1);
  EXPECT_THAT(std::string(FindPlace("c", options_).status().message()), HasSubstr("the domain name contains a NUL"));
}

TEST_F(FoundPlace, HoldsNoOverlongDomain) {
  options_.domain = std::string(201, 'd');

  EXPECT_THAT(std::string(FindPlace("c", options_).status().message()), HasSubstr("the domain name has 201 B"));
}

Place PlaceIn(const std::string& root) { return Place{root, "domain", "c", "c", false}; }

TEST(Domain, IsMadeWithItsRoot) {
  const test::TemporaryRoot parent;

  ASSERT_TRUE(OpenDomain(PlaceIn(parent / "root")).ok());

  EXPECT_TRUE(test::Exists(parent / "root/domain"));
}

TEST(Domain, IsNotMadeBelowARootThatIsNeitherThereNorOurs) {
  const test::TemporaryRoot parent;

  const absl::StatusOr<platform::Descriptor> domain = OpenDomain(PlaceIn(parent / "no/root"));

  EXPECT_EQ(domain.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(domain.status().message(), HasSubstr("no/root"));
}

TEST(EmptyParents, AreRemovedUpToARootOfTheUsers) {
  const test::TemporaryRoot parent;
  ASSERT_TRUE(OpenDomain(PlaceIn(parent / "root")).ok());

  RemoveEmptyParents(PlaceIn(parent / "root"));

  EXPECT_TRUE(test::Exists(parent / "root"));
  EXPECT_FALSE(test::Exists(parent / "root/domain"));
}

TEST(EmptyParents, AreRemovedWithTheDefaultRoot) {
  const test::TemporaryRoot parent;
  Place place = PlaceIn(parent / "root");
  place.is_default_root = true;
  ASSERT_TRUE(OpenDomain(place).ok());

  RemoveEmptyParents(place);

  EXPECT_FALSE(test::Exists(parent / "root"));
}

TEST(EmptyParents, StayWhileSomethingIsInThem) {
  const test::TemporaryRoot parent;
  Place place = PlaceIn(parent / "root");
  place.is_default_root = true;
  ASSERT_TRUE(OpenDomain(place).ok());
  test::WriteFile(parent / "root/domain/something", "");

  RemoveEmptyParents(place);

  EXPECT_TRUE(test::Exists(parent / "root/domain/something"));
}

}  // namespace
}  // namespace shmcomm::channel
