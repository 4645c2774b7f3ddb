// SPDX-License-Identifier: Apache-2.0
// A file system that is soon full. For forked children: the mount namespace is theirs and goes with them.
#pragma once

#include <sched.h>
#include <sys/mount.h>

#include <string>

namespace shmcomm::test {

/// Mounts an empty tmpfs of `size` ("64k") over `path`, for this process alone. False without the right to.
inline bool MountSmallTmpfs(const std::string& path, const std::string& size) {
  return unshare(CLONE_NEWNS) == 0 && mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount("tmpfs", path.c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0;
}

}  // namespace shmcomm::test
