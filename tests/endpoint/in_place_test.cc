// SPDX-License-Identifier: Apache-2.0
// Messages are built where readers find them. Proven by addresses: an address belongs to a place in a file, and the
// publisher's and the reader's mappings of one file show the same bytes.
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>

#include "support/forked_child.h"
#include "support/start.h"
#include "support/test_channels.h"

namespace shmcomm {
namespace {

using test::CameraChannel;
using test::CameraPublisher;
using test::CameraSubscriber;

/// The place in a file that an address of this process shows.
struct FilePlace {
  std::uint64_t inode = 0;
  std::uint64_t offset = 0;
  bool operator==(const FilePlace& other) const { return inode == other.inode && offset == other.offset; }
};

FilePlace PlaceOf(const void* address) {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream fields(line);
    std::uint64_t start = 0, end = 0, offset = 0, inode = 0;
    std::string mode, device;
    char dash = 0;
    fields >> std::hex >> start >> dash >> end >> mode >> offset >> device >> std::dec >> inode;
    if (at >= start && at < end) return FilePlace{inode, offset + (at - start)};
  }
  return {};
}

class CameraTest : public test::EndpointTest {
 protected:
  CameraTest()
      : publisher_(*CameraPublisher::Open(PublisherHere())), subscriber_(*CameraSubscriber::Open(SubscriberHere())) {}

  /// The publisher's file of slots. What is mapped of it is what every reader maps.
  bool IsInDataFile(const FilePlace& place) const {
    struct stat file {};
    return stat((Directory("front%2Fcamera") + "/pub.1." + std::to_string(test::NthGeneration(1))).c_str(), &file) == 0 && file.st_ino == place.inode;
  }

  CameraPublisher publisher_;
  CameraSubscriber subscriber_;
};

class InPlaceTest : public CameraTest, public ::testing::WithParamInterface<std::size_t> {};

TEST_P(InPlaceTest, ATableIsReadAtTheVeryBytesItsBuilderWrote) {
  auto loan = publisher_.Loan();
  ASSERT_TRUE(loan.ok()) << loan.status();
  std::uint8_t* written = nullptr;
  const auto data = loan->builder().CreateUninitializedVector(GetParam(), &written);
  std::memset(written, 0xA5, GetParam());
  const FilePlace before = PlaceOf(written);
  ASSERT_TRUE(IsInDataFile(before));

  const auto image_in_slot = test::CreateImage(loan->builder(), 1, data);   // before the loan moves: arguments have no order
  ASSERT_TRUE(publisher_.Publish(*std::move(loan), image_in_slot).ok());
  const auto image = subscriber_.Take(absl::ZeroDuration());

  ASSERT_TRUE(image.ok()) << image.status();
  ASSERT_EQ((*image)->data()->size(), GetParam());
  EXPECT_EQ(PlaceOf((*image)->data()->data()), before);
  EXPECT_TRUE(IsInDataFile(PlaceOf(image->raw().data())));
  EXPECT_TRUE(IsInDataFile(PlaceOf(image->raw().data() + image->raw().size() - 1)));
}

TEST_P(InPlaceTest, PublishCopiesNothing) {
  auto loan = publisher_.Loan();
  ASSERT_TRUE(loan.ok());
  std::uint8_t* written = nullptr;
  const auto data = loan->builder().CreateUninitializedVector(GetParam(), &written);
  std::memset(written, 0xA5, GetParam());

  const auto image_in_slot = test::CreateImage(loan->builder(), 1, data);   // before the loan moves: arguments have no order
  ASSERT_TRUE(publisher_.Publish(*std::move(loan), image_in_slot).ok());
  written[GetParam() - 1] = 0x5A;  // had publish copied, the reader would not see this
  const auto image = subscriber_.Take(absl::ZeroDuration());

  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ((*image)->data()->Get(static_cast<flatbuffers::uoffset_t>(GetParam() - 1)), 0x5A);
}

INSTANTIATE_TEST_SUITE_P(Sizes, InPlaceTest,
                         ::testing::Values(1, 1000, 5000, 100'000, 3'000'000, CameraChannel::kMaxSize - 64));

class GrowingMessage : public CameraTest {};

TEST_F(GrowingMessage, NeverMovesUpToMaxSize) {
  auto loan = *publisher_.Loan();
  flatbuffers::FlatBufferBuilder& builder = loan.builder();
  constexpr std::size_t kPiece = 1024;
  constexpr std::size_t kBytes = CameraChannel::kMaxSize - kPiece;
  builder.StartVector(kBytes, 1);
  const std::uint8_t piece[kPiece] = {9};
  FilePlace end;
  for (std::size_t done = 0; done < kBytes; done += kPiece) {
    builder.PushBytes(piece, kPiece);
    if (done == 0) end = PlaceOf(builder.GetCurrentBufferPointer() + kPiece - 1);
  }
  const FilePlace low = PlaceOf(builder.GetCurrentBufferPointer());
  const flatbuffers::Offset<flatbuffers::Vector<std::uint8_t>> data(builder.EndVector(kBytes));
  ASSERT_TRUE(IsInDataFile(end));
  EXPECT_EQ(low.inode, end.inode);
  EXPECT_EQ(low.offset, end.offset + 1 - kBytes);  // the first piece still lies where it was written

  ASSERT_TRUE(publisher_.Publish(std::move(loan), test::CreateImage(builder, 1, data)).ok());
  const auto image = *subscriber_.Take(absl::ZeroDuration());

  EXPECT_EQ(PlaceOf(image->data()->data()), low);
}

TEST_F(GrowingMessage, AReaderInAnotherProcessReadsTheSameBytesOfTheFile) {
  int ready[2], answer[2];
  ASSERT_EQ(pipe(ready), 0);
  ASSERT_EQ(pipe(answer), 0);
  const pid_t child = test::ForkBound();
  if (child == 0) {
    auto subscriber = CameraSubscriber::Open(SubscriberHere());
    if (!subscriber.ok() || write(ready[1], "r", 1) != 1) _exit(1);
    const auto image = subscriber->Take(absl::InfiniteDuration());
    if (!image.ok()) _exit(2);
    const FilePlace place = PlaceOf((*image)->data()->data());
    _exit(write(answer[1], &place, sizeof(place)) == sizeof(place) ? 0 : 3);
  }
  char byte;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  auto loan = *publisher_.Loan();
  std::uint8_t* written = nullptr;
  const auto data = loan.builder().CreateUninitializedVector(4'000'000, &written);
  const FilePlace mine = PlaceOf(written);
  const auto root = test::CreateImage(loan.builder(), 1, data);
  ASSERT_TRUE(publisher_.Publish(std::move(loan), root).ok());

  FilePlace theirs;
  ASSERT_EQ(read(answer[0], &theirs, sizeof(theirs)), static_cast<ssize_t>(sizeof(theirs)));
  int status = 0;
  waitpid(child, &status, 0);

  EXPECT_EQ(status, 0);
  EXPECT_EQ(theirs, mine);
  for (const int fd : {ready[0], ready[1], answer[0], answer[1]}) close(fd);
}

TEST_F(GrowingMessage, RawBytesAreReadWhereTheyWereWritten) {
  const ChannelSpec spec = test::BytesSpec(10u << 20);
  Publisher publisher = OpenPublisher(spec);
  Subscriber subscriber = OpenSubscriber(spec);
  auto loan = *publisher.Loan();
  std::uint8_t* bytes = *loan.Raw(10u << 20);
  std::memset(bytes, 0x3C, 10u << 20);
  const FilePlace mine = PlaceOf(bytes);

  ASSERT_TRUE(publisher.PublishRaw(std::move(loan), Codec::kBytes).ok());
  const Sample sample = *subscriber.Take(absl::ZeroDuration());

  EXPECT_EQ(sample.size(), 10u << 20);
  EXPECT_EQ(PlaceOf(sample.data()), mine);
  EXPECT_EQ(sample.data()[0], 0x3C);
  EXPECT_EQ(sample.data()[(10u << 20) - 1], 0x3C);
}

#if !defined(__SANITIZE_THREAD__)  // there readers share the publisher's mapping
TEST_F(GrowingMessage, AReaderCannotWriteIt) {
  Publisher publisher = OpenPublisher(test::NumbersSpec());
  Subscriber subscriber = OpenSubscriber(test::NumbersSpec());
  ASSERT_TRUE(test::Send(publisher, 1).ok());
  const Sample sample = *subscriber.Take(absl::ZeroDuration());

  const auto page = reinterpret_cast<std::uintptr_t>(sample.data()) / 4096 * 4096;
  int pipes[2];
  ASSERT_EQ(pipe(pipes), 0);
  // The kernel copies from a pipe into memory it may write; into anything else it says EFAULT.
  ASSERT_EQ(write(pipes[1], "x", 1), 1);
  EXPECT_EQ(read(pipes[0], const_cast<std::uint8_t*>(sample.data()), 1), -1);
  EXPECT_EQ(errno, EFAULT);
  EXPECT_NE(mprotect(reinterpret_cast<void*>(page), 4096, PROT_READ | PROT_WRITE), 0);

  close(pipes[0]);
  close(pipes[1]);
}
#endif

}  // namespace
}  // namespace shmcomm
