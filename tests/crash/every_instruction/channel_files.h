// SPDX-License-Identifier: Apache-2.0
// The files of one channel as somebody outside sees them: have they changed, a copy of them, and what is wrong in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "segment/mapping.h"

namespace shmcomm::crash {

/// Watches the bytes of all files below a channel's directory, which may come and go.
class WatchedFiles {
 public:
  explicit WatchedFiles(std::string directory) : directory_(std::move(directory)) { FindFiles(); }

  /// True when any byte differs from what the last call saw.
  bool HaveChanged();
  /// The same after a system call: files may have appeared or gone.
  bool HaveChangedOrCome();

 private:
  struct File {
    std::shared_ptr<segment::Mapping> mapping;
    std::vector<std::byte> seen;
  };
  bool FindFiles();

  std::string directory_;
  std::map<std::string, File> files_;
};

/// Copies the files and pipes below one directory into another, which is made.
void CopyFiles(const std::string& from, const std::string& to);

/// Who lives in a channel, by reader line and publisher id.
struct Living {
  std::set<std::uint32_t> lines;
  std::set<std::uint32_t> publishers;
};

/// The locks of processes that live in a channel: as long as this lives, the channel counts as attached to and these
/// participants as alive.
class HeldLocks {
 public:
  HeldLocks(const std::string& directory, const Living& living);
  HeldLocks(const HeldLocks&) = delete;
  HeldLocks& operator=(const HeldLocks&) = delete;
  ~HeldLocks();

 private:
  std::vector<int> descriptors_;
};

/// The first thing that must not be in a channel in which `living` are all that live and the dead have been cleaned up;
/// empty when there is none. Messages begin with test::Numbers. Where messages are claimed, those that are over are not
/// looked at: their files may be gone.
std::string WhatIsWrong(const std::string& directory, const Living& living);

/// The first reader line and publisher id whose locks somebody holds.
Living WhoLives(const std::string& directory);

}  // namespace shmcomm::crash
