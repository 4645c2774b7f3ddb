// SPDX-License-Identifier: Apache-2.0
// A channel's directory with a lock file, its ring and readers laid by hand: what the registry works on.
#pragma once

#include <string>

#include "platform/os.h"
#include "registry/site.h"
#include "support/hand_laid.h"
#include "support/temporary_root.h"

namespace shmcomm::test {

class LaidSite {
 public:
  explicit LaidSite(const LaidSizes& sizes = {}) : laid(sizes), directory_(*platform::OpenDirectory(root.path())) {
    WriteFile(root / "lock", "");
    site.directory = directory_.get();
    site.ring = laid.ring();
    site.readers = laid.readers();
    site.is_ring_writable = true;
  }

  void LayDataFile(std::uint32_t publisher, std::uint32_t generation) {
    WriteFile(root / registry::DataFileName(publisher, generation), "slots");
  }
  bool HasDataFile(std::uint32_t publisher, std::uint32_t generation) const {
    return Exists(root / registry::DataFileName(publisher, generation));
  }
  /// What an announced publisher leaves: its row and its file.
  void LayPublisher(std::uint32_t publisher, std::uint32_t generation) {
    laid.ring().publishers[publisher].generation.store(generation);
    LayDataFile(publisher, generation);
  }

  TemporaryRoot root;
  HandLaid laid;
  registry::Site site;

 private:
  platform::Descriptor directory_;
};

}  // namespace shmcomm::test
