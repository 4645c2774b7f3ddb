// SPDX-License-Identifier: Apache-2.0
#include "segment/mapping.h"

#include <cstdint>
#include <map>
#include <mutex>
#include <tuple>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"

namespace shmcomm::segment {
namespace {

// ThreadSanitizer knows addresses, not pages: readers and writers of one process must share one mapping to be seen as
// touching the same memory.
#if defined(SHMCOMM_TSAN)
constexpr bool kShareAcrossAccess = true;
#else
constexpr bool kShareAcrossAccess = false;
#endif

using Key = std::tuple<std::uint64_t, std::uint64_t, platform::Access>;

struct Cache {
  std::mutex mutex;
  std::map<Key, std::weak_ptr<Mapping>> mappings;
};

Cache& TheCache() {
  // Never destroyed: samples may outlive static destructors.
  static Cache* cache = [] {
    auto* made = new Cache;
    platform::HoldDuringFork(&made->mutex);
    return made;
  }();
  return *cache;
}

}  // namespace

platform::Access AccessToOpen(platform::Access access) { return kShareAcrossAccess ? platform::Access::kReadWrite : access; }

absl::StatusOr<std::shared_ptr<Mapping>> MapFile(const platform::Descriptor& file, platform::Access access,
                                                 std::size_t least_bytes) {
  absl::StatusOr<platform::FileIdentity> identity = platform::Identify(file.get());
  if (!identity.ok()) return identity.status();
  if (identity->bytes == 0 || identity->bytes < least_bytes) {
    return absl::DataLossError(
        absl::StrCat("file is truncated: ", identity->bytes, " B, at least ", least_bytes, " B expected"));
  }
  const platform::Access mapped = AccessToOpen(access);
  Cache& cache = TheCache();
  const std::lock_guard<std::mutex> lock(cache.mutex);
  // An inode is not given out again while a mapping keeps it alive, so a live cache entry is this very file.
  std::weak_ptr<Mapping>& known = cache.mappings[Key{identity->device, identity->inode, mapped}];
  if (std::shared_ptr<Mapping> mapping = known.lock(); mapping != nullptr && mapping->size() == identity->bytes) {
    return mapping;
  }
  absl::StatusOr<void*> address = platform::Map(file.get(), identity->bytes, mapped);
  if (!address.ok()) return address.status();
  absl::Cleanup unmap = [&] { platform::Unmap(*address, identity->bytes); };  // if the next line finds no memory
  auto mapping = std::make_shared<Mapping>(*address, identity->bytes);
  std::move(unmap).Cancel();
  known = mapping;
  for (auto it = cache.mappings.begin(); it != cache.mappings.end();) {
    it = it->second.expired() ? cache.mappings.erase(it) : std::next(it);
  }
  return mapping;
}

}  // namespace shmcomm::segment
