// SPDX-License-Identifier: Apache-2.0
// The directory of a channel and who may change what is in it. Everyone attached holds a shared lock on it; creating and
// removing need the exclusive one, so neither ever happens under somebody's feet.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "channel/place.h"
#include "platform/lock_descriptor.h"

namespace shmcomm::channel {

inline constexpr char kMetaFile[] = "meta";

enum class IfAbsent : std::uint8_t { kMake, kFail };

/// Opens a directory for locks, making it or failing with kNotFound where it is absent.
absl::StatusOr<platform::LockDescriptor> OpenForLocks(int parent, const std::string& name,
                                                      IfAbsent if_absent = IfAbsent::kMake);

/// An attached directory. When it goes, its shared lock goes, and if nobody else is attached the channel is removed. Never
/// waits. In a forked child it is inert. One inside a channel's (kOther) is not removed here.
class Directory {
 public:
  enum class Owner : std::uint8_t { kAttached, kOther };
  Directory(platform::LockDescriptor fd, Place place, Owner owner = Owner::kAttached)
      : fd_(std::move(fd)), place_(std::move(place)), owner_(owner) {}
  Directory(Directory&& other) noexcept = default;
  Directory& operator=(Directory&&) = delete;
  ~Directory();

  int fd() const { return fd_.get(); }
  const Place& place() const { return place_; }

 private:
  void RemoveWhatIsUnused() const;

  platform::LockDescriptor fd_;
  Place place_;
  Owner owner_;
};

/// Attaches to the channel at `place`. If nobody else is attached, `create` is called with its emptied directory, which
/// no other process enters meanwhile: what processes that all died left there is gone, their schema included. `create`
/// links the channel's files, meta last. Other channels of the domain that nobody is attached to are swept.
/// Errors: kUnavailable another process has been creating or removing it for several seconds · kDataLoss others
/// are attached, and its meta file has been missing for as long · those of `create`.
absl::StatusOr<Directory> Attach(const Place& place, absl::FunctionRef<absl::Status(int directory)> create);

}  // namespace shmcomm::channel
