// SPDX-License-Identifier: Apache-2.0
#include "crash/every_instruction/channel_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "registry/membership.h"
#include "registry/reply_directory.h"
#include "registry/site.h"
#include "ring/claim.h"
#include "ring/repair.h"
#include "ring/view.h"
#include "segment/validate.h"
#include "support/test_channels.h"
#include "wake/wake_file.h"

namespace shmcomm::crash {
namespace {

// Of a file with large slots: what lies in a slot is nobody's before its entry is.
constexpr std::size_t kMostWatchedBytes = 64 << 10;

std::shared_ptr<segment::Mapping> MapNamed(const std::string& directory, const std::string& name) {
  auto opened = platform::OpenDirectory(directory);
  if (!opened.ok()) return nullptr;
  auto file = platform::OpenFileAt(opened->get(), name, platform::Access::kRead);
  if (!file.ok()) return nullptr;
  auto mapping = segment::MapFile(*file, platform::Access::kRead, 1);
  return mapping.ok() ? *mapping : nullptr;
}

absl::Span<std::byte> BytesOf(const segment::Mapping& mapping) { return absl::MakeSpan(mapping.data(), mapping.size()); }

std::set<std::string> NamesIn(const std::string& directory) {
  std::set<std::string> names;
  std::error_code absent;
  for (const auto& entry : std::filesystem::directory_iterator(directory, absent)) names.insert(entry.path().filename());
  return names;
}

/// Files and pipes below the directory: also those of the reply directories in it.
std::set<std::string> NamesBelow(const std::string& directory) {
  std::set<std::string> names;
  for (const std::string& name : NamesIn(directory)) {
    if (!registry::ParseReplyDirectoryName(name).has_value()) {
      names.insert(name);
      continue;
    }
    for (const std::string& file : NamesIn(directory + "/" + name)) names.insert(name + "/" + file);
  }
  return names;
}

/// One channel's files, mapped to be looked at.
class Inspection {
 public:
  Inspection(const std::string& directory, const Living& living) : directory_(directory), living_(living) {}

  std::string FirstWrong() {
    if (std::string wrong = Open(); !wrong.empty()) return wrong;
    for (const auto check : {&Inspection::CheckRing, &Inspection::CheckLines, &Inspection::CheckClaims,
                             &Inspection::CheckWakeFiles, &Inspection::CheckDataFiles, &Inspection::CheckReplyDirectories}) {
      if (std::string wrong = (this->*check)(); !wrong.empty()) return wrong;
    }
    return {};
  }

 private:
  std::string Open() {
    meta_file_ = MapNamed(directory_, "meta");
    ring_file_ = MapNamed(directory_, "ring");
    readers_file_ = MapNamed(directory_, "readers");
    if (meta_file_ == nullptr || ring_file_ == nullptr || readers_file_ == nullptr) return "a file is missing";
    auto meta = segment::ValidateMeta(BytesOf(*meta_file_));
    if (!meta.ok()) return meta.status().ToString();
    if (absl::Status ring = segment::ValidateRing(BytesOf(*ring_file_), meta->header); !ring.ok()) return ring.ToString();
    if (absl::Status readers = segment::ValidateReaders(BytesOf(*readers_file_), meta->header); !readers.ok()) {
      return readers.ToString();
    }
    ring_ = ring::ViewRing(ring_file_->data(), meta->header.entries, meta->header.max_publishers, meta->header.first);
    readers_ = ring::ViewReaders(readers_file_->data(), meta->header.max_subscribers, layout::ClaimCount(meta->header));
    return {};
  }

  /// Head counts every published message, and each entry behind it is a message of its own lap or was withdrawn.
  std::string CheckRing() {
    const ring::Sequence head = ring_.head().load();
    for (ring::Sequence sequence = head - ring_.size; sequence != head; ++sequence) {
      const ring::Entry entry{ring_.At(sequence).load()};
      if (ring::Distance(ring_.first, sequence) < 0) {
        if (entry.publisher() != 0) return absl::StrCat("an entry beyond head ", head);
        continue;
      }
      if (entry.lap() != ring_.Lap(sequence)) return absl::StrCat("entry ", sequence, " is of lap ", entry.lap());
      if (entry.slot() == ring::kTombstone) continue;
      if (readers_.has_claims() && ring::IsOver(ring_, readers_, sequence)) continue;
      if (std::string wrong = CheckMessage(sequence, entry); !wrong.empty()) return wrong;
    }
    return {};
  }

  std::string CheckMessage(ring::Sequence sequence, ring::Entry entry) {
    const std::uint32_t generation = ring_.publishers[entry.publisher()].generation.load();
    const auto file = MapNamed(directory_, registry::DataFileName(entry.publisher(), generation));
    const std::string where = absl::StrCat("message ", sequence, " of publisher ", entry.publisher(), " ");
    if (file == nullptr) return where + "has no file";
    auto info = segment::ValidateData(BytesOf(*file));
    if (!info.ok()) return where + info.status().ToString();
    if (ring::Distance(info->start_sequence, sequence) < 0) return {};  // of an earlier owner of the id
    const layout::SlotHeader* header = info->slots.Header(entry.slot());
    const std::uint32_t bytes = header->message_bytes;
    const bool is_whole = bytes >= sizeof(test::Numbers) && bytes <= info->slots.Room();
    if (header->sequence != sequence || !is_whole) return where + "has another's header";
    test::Numbers numbers;
    std::memcpy(&numbers, info->slots.MessageEnd(entry.slot()) - bytes, sizeof(numbers));
    for (const std::uint64_t word : numbers.rest) {
      if (word != numbers.value) return where + "is torn";
    }
    return {};
  }

  std::string CheckLines() {
    for (std::uint32_t line = 0; line < readers_.count; ++line) {
      const layout::ReaderLine& mine = readers_.lines[line];
      const bool is_active = (readers_.active[line / 64].load() >> (line % 64) & 1) != 0;
      const bool is_free = ring::CursorWord{mine.cursor.load()}.state() == ring::ReaderState::kFree;
      const bool is_alive = living_.lines.count(line) != 0;
      const bool counts_active = !readers_.has_claims();  // no scan looks at a line that claims
      if ((counts_active && is_alive != is_active) || is_alive == is_free) return absl::StrCat("reader line ", line, " is not as its owner");
      for (const auto& hazard : mine.hazards) {
        if (!is_alive && hazard.load() != 0) return absl::StrCat("reader line ", line, " of nobody holds a message");
      }
    }
    return {};
  }

  /// Whoever has a job or stands in the queue of sleepers is alive.
  std::string CheckClaims() {
    for (std::uint32_t i = 0; i < readers_.claim_count; ++i) {
      const ring::ClaimWord claim{readers_.claims[i].load()};
      const bool is_claimed = claim.state() == ring::ClaimState::kClaimed;
      if (is_claimed && living_.lines.count(claim.owner() - 1) == 0) return absl::StrCat("claim ", i, " is a dead one's");
    }
    for (std::uint32_t line = 0; line < readers_.count; ++line) {
      const bool is_idle = (readers_.IdleWord(line).load() >> (line % 64) & 1) != 0;
      if (is_idle && living_.lines.count(line) == 0) return absl::StrCat("reader line ", line, " of nobody waits for its turn");
    }
    return {};
  }

  /// A wake file is somebody's who lives, and who is told of one has it.
  std::string CheckWakeFiles() {
    const std::set<std::string> names = NamesIn(directory_);
    for (std::uint32_t line = 0; line < readers_.count; ++line) {
      const bool is_told = (readers_.descriptors[line / 64].load() >> (line % 64) & 1) != 0;
      const bool is_there = names.count(wake::WakeFileName(line)) != 0;
      const bool is_alive = living_.lines.count(line) != 0;
      if (is_told != is_there || (is_there && !is_alive)) return wake::WakeFileName(line) + " is not as its owner";
    }
    return {};
  }

  /// A reply directory is that of a requester that lives.
  std::string CheckReplyDirectories() {
    for (const std::string& name : NamesIn(directory_)) {
      const auto replies = registry::ParseReplyDirectoryName(name);
      if (!replies.has_value()) continue;
      const bool is_current = replies->generation == ring_.publishers[replies->publisher].generation.load();
      if (!is_current || living_.publishers.count(replies->publisher) == 0) return name + " is nobody's";
    }
    return {};
  }

  /// A data file is somebody's who lives, or holds messages that are still in the ring.
  std::string CheckDataFiles() {
    for (const std::string& name : NamesIn(directory_)) {
      const auto file = registry::ParseDataFileName(name);
      if (!file.has_value()) continue;
      if (file->generation != ring_.publishers[file->publisher].generation.load()) return name + " is of an earlier owner";
      if (living_.publishers.count(file->publisher) == 0 && !IsNamed(file->publisher)) return name + " is nobody's";
    }
    return {};
  }

  bool IsNamed(std::uint32_t publisher) const {
    if (readers_.has_claims()) return ring::HasOpenJob(ring_, readers_, publisher);
    for (std::uint32_t i = 0; i < ring_.size; ++i) {
      const ring::Entry entry{ring_.entries[i].load()};
      if (entry.publisher() == publisher && entry.slot() != ring::kTombstone) return true;
    }
    return false;
  }

  std::string directory_;
  Living living_;
  std::shared_ptr<segment::Mapping> meta_file_;
  std::shared_ptr<segment::Mapping> ring_file_;
  std::shared_ptr<segment::Mapping> readers_file_;
  ring::RingView ring_;
  ring::ReadersView readers_;
};

int LockedByte(const std::string& path, std::uint64_t byte) {
  const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
  struct flock range {};
  range.l_type = F_WRLCK;
  range.l_start = static_cast<off_t>(byte);
  range.l_len = 1;
  fcntl(file, F_OFD_SETLK, &range);
  return file;
}

}  // namespace

bool WatchedFiles::FindFiles() {
  const std::set<std::string> names = NamesBelow(directory_);
  bool changed = false;
  for (auto it = files_.begin(); it != files_.end();) {
    const bool is_gone = names.count(it->first) == 0;
    changed = changed || is_gone;
    it = is_gone ? files_.erase(it) : std::next(it);
  }
  for (const std::string& name : names) {
    File& file = files_[name];
    if (file.mapping != nullptr || (file.mapping = MapNamed(directory_, name)) == nullptr) continue;
    file.seen.resize(std::min<std::size_t>(file.mapping->size(), kMostWatchedBytes));
    std::memcpy(file.seen.data(), file.mapping->data(), file.seen.size());
    changed = true;
  }
  return changed;
}

bool WatchedFiles::HaveChanged() {
  bool changed = false;
  for (auto& [name, file] : files_) {
    if (file.mapping == nullptr || std::memcmp(file.mapping->data(), file.seen.data(), file.seen.size()) == 0) continue;
    std::memcpy(file.seen.data(), file.mapping->data(), file.seen.size());
    changed = true;
  }
  return changed;
}

bool WatchedFiles::HaveChangedOrCome() {
  const bool has_come = FindFiles();
  return HaveChanged() || has_come;
}

void CopyFiles(const std::string& from, const std::string& to) {
  std::filesystem::create_directories(to);
  std::filesystem::permissions(to, std::filesystem::perms::owner_all);
  for (const std::string& name : NamesBelow(from)) {
    const std::filesystem::path source = from + "/" + name;
    const std::filesystem::path copy = to + "/" + name;
    std::filesystem::create_directory(copy.parent_path(), source.parent_path());
    if (!std::filesystem::is_fifo(source)) {
      std::filesystem::copy_file(source, copy);
    } else if (mkfifo(copy.c_str(), 0600) != 0) {
      std::perror(copy.c_str());
    }
  }
}

HeldLocks::HeldLocks(const std::string& directory, const Living& living) {
  descriptors_.push_back(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  flock(descriptors_.back(), LOCK_SH);
  const std::string path = directory + "/" + registry::kLockFile;
  for (const std::uint32_t line : living.lines) descriptors_.push_back(LockedByte(path, layout::ReaderLockByte(line)));
  for (const std::uint32_t id : living.publishers) descriptors_.push_back(LockedByte(path, layout::PublisherLockByte(id)));
}

HeldLocks::~HeldLocks() {
  for (const int descriptor : descriptors_) close(descriptor);
}

std::string WhatIsWrong(const std::string& directory, const Living& living) {
  return Inspection(directory, living).FirstWrong();
}

Living WhoLives(const std::string& directory) {
  Living living;
  auto opened = platform::OpenDirectory(directory);
  if (!opened.ok()) return living;
  auto lock = platform::OpenFileAt(opened->get(), registry::kLockFile, platform::Access::kReadWrite);
  if (!lock.ok()) return living;
  for (std::uint32_t line = 0; line < 64; ++line) {
    if (*platform::IsByteLocked(lock->get(), layout::ReaderLockByte(line))) living.lines.insert(line);
  }
  for (std::uint32_t id = 1; id <= layout::kMaxPublishers; ++id) {
    if (*platform::IsByteLocked(lock->get(), layout::PublisherLockByte(id))) living.publishers.insert(id);
  }
  return living;
}

}  // namespace shmcomm::crash
