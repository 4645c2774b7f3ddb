// SPDX-License-Identifier: Apache-2.0
#include "segment/mapping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <string>

#include "support/temporary_root.h"

namespace shmcomm::segment {
namespace {

using platform::Access;

class Mapped : public testing::Test {
 protected:
  Mapped() : directory_(*platform::OpenDirectory(root_.path())) {
    test::WriteFile(root_ / "file", std::string(5000, 'x'));
  }
  platform::Descriptor Open(Access access, const std::string& name = "file") {
    return *platform::OpenFileAt(directory_.get(), name, AccessToOpen(access));
  }

  test::TemporaryRoot root_;
  platform::Descriptor directory_;
};

TEST_F(Mapped, ShowsTheWholeFile) {
  const auto mapping = MapFile(Open(Access::kRead), Access::kRead, 1);

  ASSERT_TRUE(mapping.ok());
  EXPECT_EQ((*mapping)->size(), 5000u);
  EXPECT_EQ((*mapping)->data()[4999], std::byte{'x'});
}

TEST_F(Mapped, IsSharedByAllWhoMapTheFile) {
  const auto first = MapFile(Open(Access::kRead), Access::kRead, 1);
  const auto second = MapFile(Open(Access::kRead), Access::kRead, 1);

  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->get(), second->get());
}

TEST_F(Mapped, IsSharedThroughAnotherNameOfTheFileToo) {
  const auto first = MapFile(Open(Access::kRead), Access::kRead, 1);
  std::filesystem::rename(root_ / "file", root_ / "other");
  const auto second = MapFile(Open(Access::kRead, "other"), Access::kRead, 1);

  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->get(), second->get());
}

TEST_F(Mapped, IsNotSharedWithAFileThatTookItsName) {
  const auto first = MapFile(Open(Access::kRead), Access::kRead, 1);
  std::filesystem::remove(root_ / "file");
  test::WriteFile(root_ / "file", "new");

  const auto second = MapFile(Open(Access::kRead), Access::kRead, 1);

  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_NE(first->get(), second->get());
  EXPECT_EQ((*second)->data()[0], std::byte{'n'});
}

TEST_F(Mapped, IsMadeAnewWhenTheFileHasGrown) {
  const auto first = MapFile(Open(Access::kRead), Access::kRead, 1);
  test::WriteFile(root_ / "file", std::string(9000, 'y'));

  const auto second = MapFile(Open(Access::kRead), Access::kRead, 1);

  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ((*second)->size(), 9000u);
}

TEST_F(Mapped, GoesWithItsLastOwner) {
  auto mapping = MapFile(Open(Access::kRead), Access::kRead, 1);
  ASSERT_TRUE(mapping.ok());
  const std::weak_ptr<Mapping> observer = *mapping;

  mapping->reset();

  EXPECT_TRUE(observer.expired());
  EXPECT_TRUE(MapFile(Open(Access::kRead), Access::kRead, 1).ok());
}

TEST_F(Mapped, WritesReachTheFile) {
  const auto mapping = MapFile(Open(Access::kReadWrite), Access::kReadWrite, 1);
  ASSERT_TRUE(mapping.ok());

  (*mapping)->data()[0] = std::byte{'w'};

  EXPECT_EQ(test::ReadFile(root_ / "file")[0], 'w');
}

#if defined(SHMCOMM_TSAN)
TEST_F(Mapped, IsSharedByReadersAndWritersWhereOnlyAddressesAreSeen) {
  const auto readable = MapFile(Open(Access::kRead), Access::kRead, 1);
  const auto writable = MapFile(Open(Access::kReadWrite), Access::kReadWrite, 1);

  ASSERT_TRUE(readable.ok() && writable.ok());
  EXPECT_EQ(readable->get(), writable->get());
}
#else
/// The flags of the mapping that holds `address`, as the kernel tells them.
std::string FlagsOfMappingAt(const void* address) {
  std::ifstream maps("/proc/self/smaps");
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  bool is_inside = false;
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t from = 0, to = 0;
    if (std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR, &from, &to) == 2) is_inside = from <= wanted && wanted < to;
    if (is_inside && line.rfind("VmFlags:", 0) == 0) return line;
  }
  return "";
}

TEST_F(Mapped, IsLeftOutOfCoreDumps) {
  for (const Access access : {Access::kRead, Access::kReadWrite}) {
    const auto mapping = MapFile(Open(access), access, 1);

    ASSERT_TRUE(mapping.ok());
    EXPECT_THAT(FlagsOfMappingAt((*mapping)->data()), testing::HasSubstr(" dd"));
  }
}

TEST_F(Mapped, ReadOnlyCannotBeMadeWritable) {
  const auto mapping = MapFile(Open(Access::kRead), Access::kRead, 1);
  ASSERT_TRUE(mapping.ok());

  const int result = mprotect((*mapping)->data(), (*mapping)->size(), PROT_READ | PROT_WRITE);

  EXPECT_EQ(result, -1);
  EXPECT_EQ(errno, EACCES);
}

TEST_F(Mapped, ReadOnlyIsKeptApartFromWritable) {
  const auto readable = MapFile(Open(Access::kRead), Access::kRead, 1);
  const auto writable = MapFile(Open(Access::kReadWrite), Access::kReadWrite, 1);

  ASSERT_TRUE(readable.ok() && writable.ok());
  EXPECT_NE(readable->get(), writable->get());
}
#endif

TEST_F(Mapped, RefusesAnEmptyAndATruncatedFile) {
  test::WriteFile(root_ / "empty", "");

  EXPECT_EQ(MapFile(Open(Access::kRead, "empty"), Access::kRead, 0).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(MapFile(Open(Access::kRead), Access::kRead, 5001).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(MapFile(Open(Access::kRead), Access::kRead, 5000).ok());
}

TEST_F(Mapped, SaysSoWhenTheDescriptorIsNone) {
  EXPECT_FALSE(MapFile(platform::Descriptor(), Access::kRead, 1).ok());
}

TEST_F(Mapped, SaysSoWhenTheFileMayNotBeWritten) {
  const platform::Descriptor file = *platform::OpenFileAt(directory_.get(), "file", Access::kRead);

  EXPECT_EQ(MapFile(file, Access::kReadWrite, 1).status().code(), absl::StatusCode::kPermissionDenied);
}

}  // namespace
}  // namespace shmcomm::segment
