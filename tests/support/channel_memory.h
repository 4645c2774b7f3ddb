// SPDX-License-Identifier: Apache-2.0
// The files of a running channel, or of one requester's replies, as any process of the same user may write them: for what a
// broken or hostile one leaves there.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "registry/site.h"
#include "ring/claim.h"
#include "ring/view.h"
#include "segment/layout.h"
#include "segment/slots.h"

namespace shmcomm::test {

/// A whole file, mapped for writing.
class MappedFile {
 public:
  explicit MappedFile(const std::string& path) {
    const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
    struct stat info {};
    if (file < 0 || fstat(file, &info) != 0) std::abort();
    bytes_ = static_cast<std::size_t>(info.st_size);
    void* data = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (data == MAP_FAILED) std::abort();
    data_ = static_cast<std::byte*>(data);
    close(file);
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile() { munmap(data_, bytes_); }

  std::byte* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  template <class Header>
  Header& As() const {
    return *reinterpret_cast<Header*>(data_);
  }

 private:
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

class ChannelMemory {
 public:
  explicit ChannelMemory(const std::string& directory)
      : ring_file_(directory + "/ring"), readers_file_(directory + "/readers") {
    const auto& ring = ring_file_.As<layout::RingHeader>();
    const std::uint32_t lines = readers_file_.As<layout::ReadersHeader>().lines;
    const std::size_t claims = (readers_file_.bytes() - layout::ClaimsOffset(lines)) / sizeof(std::uint64_t);
    this->ring = ring::ViewRing(ring_file_.data(), ring.entries, layout::kMaxPublishers, ring.first);
    readers = ring::ViewReaders(readers_file_.data(), lines, claims < ring.entries ? 0 : ring.entries);
  }

  ring::Sequence head() const { return ring.head().load(); }
  ring::Entry entry(ring::Sequence sequence) const { return ring::Entry{ring.At(sequence).load()}; }
  /// An entry of this lap that says what nobody published.
  void LayEntry(ring::Sequence sequence, std::uint32_t publisher, std::uint16_t slot) const {
    ring.At(sequence).store(ring::Entry::Make(ring.Lap(sequence), publisher, ring::SlotIndex{slot}).bits);
  }
  /// Every entry of the ring as of `laps` later.
  void AgeEntries(std::uint64_t laps) const {
    for (std::uint32_t i = 0; i < ring.size; ++i) {
      const ring::Entry seen = entry(i);
      ring.At(i).store(ring::Entry::Make(seen.lap() + laps, seen.publisher(), seen.slot()).bits);
    }
  }

  ring::RingView ring;
  ring::ReadersView readers;

 private:
  MappedFile ring_file_;
  MappedFile readers_file_;
};

/// The slots of one publisher.
class SlotsMemory {
 public:
  SlotsMemory(const std::string& directory, std::uint32_t publisher, std::uint32_t generation)
      : file_(directory + "/" + registry::DataFileName(publisher, generation)) {
    table_ = {file_.data() + header().slots_offset, header().stride, header().slots, header().stagger};
  }
  layout::DataHeader& header() const { return file_.As<layout::DataHeader>(); }
  /// Of the message that `entry` names.
  layout::SlotHeader& HeaderOf(ring::Entry entry) const { return *table_.Header(entry.slot()); }

 private:
  MappedFile file_;
  segment::SlotTable table_;
};

}  // namespace shmcomm::test
