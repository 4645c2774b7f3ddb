// SPDX-License-Identifier: Apache-2.0
#include "wake/wake_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "support/forked_child.h"
#include "support/refused_calls.h"
#include "support/temporary_root.h"

namespace shmcomm::wake {
namespace {

constexpr std::uint32_t kLines = 70;  // of the second word of the bitmap, six bits belong to lines

class WakeFiles : public testing::Test {
 protected:
  /// How many rings came since the last look.
  static long RingsIn(const platform::Descriptor& file) {
    char bytes[64];
    return static_cast<long>(read(file.get(), bytes, sizeof(bytes)));
  }
  bool Exists(std::uint32_t line) const { return access((root_ / WakeFileName(line)).c_str(), F_OK) == 0; }

  test::TemporaryRoot root_;
  platform::Descriptor directory_{*platform::OpenDirectory(root_.path())};
  std::vector<layout::ReaderLine> lines_ = std::vector<layout::ReaderLine>(kLines);
  base::Atomic<std::uint64_t> bits_[2] = {};
  WakeFileTable table_{directory_.get(), bits_, lines_.data(), kLines};
};

TEST_F(WakeFiles, AreKnownByTheirNames) {
  EXPECT_TRUE(IsWakeFileName(WakeFileName(7)));
  EXPECT_FALSE(IsWakeFileName("wake."));
  EXPECT_FALSE(IsWakeFileName("wake.x"));
  EXPECT_FALSE(IsWakeFileName("ring"));
}

TEST_F(WakeFiles, AreRungOneByOneOrAllAndOnlyWhileTheyAreThere) {
  const platform::Descriptor first = *MakeWakeFile(table_, 0), last = *MakeWakeFile(table_, kLines - 1);
  WakeFileRinger ringer(table_);

  ringer.Ring(0);
  EXPECT_EQ(RingsIn(first), 1);
  EXPECT_EQ(RingsIn(last), -1);
  ringer.RingAll();
  EXPECT_EQ(RingsIn(first), 1);
  EXPECT_EQ(RingsIn(last), 1);
  ringer.Ring(1);  // has none
  RemoveWakeFileIfAny(table_, 0);
  RemoveWakeFileIfAny(table_, 1);
  ringer.RingAll();
  EXPECT_EQ(RingsIn(first), -1);
  EXPECT_EQ(RingsIn(last), 1);
  EXPECT_FALSE(Exists(0));
}

TEST_F(WakeFiles, ReplaceThoseOfADeadOwnerAndAreFoundAnew) {
  const platform::Descriptor dead = *MakeWakeFile(table_, 3);
  WakeFileRinger ringer(table_);
  ringer.Ring(3);

  const platform::Descriptor living = *MakeWakeFile(table_, 3);
  ringer.Ring(3);

  EXPECT_EQ(RingsIn(dead), 1);
  EXPECT_EQ(RingsIn(living), 1);
}

TEST_F(WakeFiles, NeverHaveTheGenerationThatMeansNone) {
  lines_[2].descriptor.store(0xFFFFFFFF);

  ASSERT_TRUE(MakeWakeFile(table_, 2).ok());

  EXPECT_EQ(lines_[2].descriptor.load(), 1u);
}

TEST_F(WakeFiles, ThatAreGoneAreLeftOut) {
  const platform::Descriptor file = *MakeWakeFile(table_, 4);
  ASSERT_EQ(unlink((root_ / WakeFileName(4)).c_str()), 0);
  WakeFileRinger ringer(table_);

  ringer.Ring(4);
  ringer.RingAll();

  EXPECT_EQ(RingsIn(file), -1);
}

TEST_F(WakeFiles, OfLinesThatThereAreNotAreNotLookedFor) {
  const platform::Descriptor file = *MakeWakeFile(table_, 65);
  bits_[1].store(~std::uint64_t{0});

  WakeFileRinger(table_).RingAll();  // a hostile bitmap

  EXPECT_EQ(RingsIn(file), 1);
}

TEST_F(WakeFiles, ThatCannotBeMadeAreErrorsAndNobodyIsToldOfThem) {
  ASSERT_EQ(mkdir((root_ / WakeFileName(5)).c_str(), 0700), 0);
  EXPECT_FALSE(MakeWakeFile(table_, 5).ok());

  for (const std::uint32_t refused : {std::uint32_t{SYS_mknodat}, std::uint32_t{SYS_openat}}) {
    const int status = test::ExitStatusOf([&] {
      if (!test::RefuseCall(refused, EMFILE)) return 77;
      return absl::IsResourceExhausted(MakeWakeFile(table_, 6).status()) && bits_[0].load() == 0 ? 0 : 1;
    });
    if (status == 77) GTEST_SKIP() << "system calls cannot be filtered here";
    EXPECT_EQ(status, 0) << refused;
  }
  EXPECT_EQ(bits_[0].load(), 0u);
}

}  // namespace
}  // namespace shmcomm::wake
