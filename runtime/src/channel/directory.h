// SPDX-License-Identifier: Apache-2.0
// The directory of a channel and who may change what is in it. Everyone attached holds a shared lock on it; creating and
// removing need the exclusive one, so neither ever happens under somebody's feet.
#pragma once

#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "channel/place.h"
#include "platform/lock_descriptor.h"

namespace shmcomm::channel {

inline constexpr char kMetaFile[] = "meta";
inline constexpr char kRingFile[] = "ring";
inline constexpr char kReadersFile[] = "readers";

/// An attached directory. When it goes, its shared lock goes, and if nobody else is attached the channel is removed. Never
/// waits. In a forked child it is inert.
class Directory {
 public:
  Directory(platform::LockDescriptor fd, Place place) : fd_(std::move(fd)), place_(std::move(place)) {}
  Directory(Directory&& other) noexcept = default;
  Directory& operator=(Directory&&) = delete;
  ~Directory();

  int fd() const { return fd_.get(); }
  const Place& place() const { return place_; }

 private:
  void RemoveWhatIsUnused() const;

  platform::LockDescriptor fd_;
  Place place_;
};

/// Attaches to the channel at `place`. If nobody else is attached, `create` is called with its emptied directory, which
/// no other process enters meanwhile: what processes that all died left there is gone, their schema included. `create`
/// links the channel's files, meta last. Other channels of the domain that nobody is attached to are swept.
/// Errors: kUnavailable another process has been creating or removing it for several seconds · those of `create`.
absl::StatusOr<Directory> Attach(const Place& place, absl::FunctionRef<absl::Status(int directory)> create);

}  // namespace shmcomm::channel
