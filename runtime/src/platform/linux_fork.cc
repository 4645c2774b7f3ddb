// SPDX-License-Identifier: Apache-2.0
// What fork() must find in order, and what must not live on in the child.
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <new>
#include <vector>

#include "platform/os.h"

namespace shmcomm::platform {

std::uint32_t internal::fork_generation = 0;

namespace {

struct ToClose {
  std::uint64_t entry = 0;
  int file = -1;
  bool is_known = false;           // device and inode are
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
};

struct ForkList {
  std::recursive_mutex mutex;
  std::uint64_t last_entry = 0;
  std::vector<ToClose> descriptors;
  std::vector<std::mutex*> mutexes;
};

ForkList& TheForkList() {
  static ForkList* list = new ForkList;  // never destroyed: fork may happen during exit
  return *list;
}

void BeforeFork() {
  TheForkList().mutex.lock();
  for (std::mutex* mutex : TheForkList().mutexes) mutex->lock();
}
void AfterForkInParent() {
  for (std::mutex* mutex : TheForkList().mutexes) mutex->unlock();
  TheForkList().mutex.unlock();
}
void AfterForkInChild() {
  ++internal::fork_generation;
  for (const ToClose& each : TheForkList().descriptors) {
    // The program may have closed it, and have a file of its own under the number.
    if (!each.is_known || IsFile(each.file, each.device, each.inode)) close(each.file);
  }
  TheForkList().descriptors.clear();
  for (std::mutex* mutex : TheForkList().mutexes) mutex->unlock();
  // A recursive mutex belongs to its thread, which has another number here: made anew instead of unlocked.
  new (&TheForkList().mutex) std::recursive_mutex;
}

void InstallForkHandlers() {
  static const int installed = pthread_atfork(&BeforeFork, &AfterForkInParent, &AfterForkInChild);
  static_cast<void>(installed);
}

}  // namespace

NoFork::NoFork() {
  InstallForkHandlers();
  TheForkList().mutex.lock();
}

NoFork::~NoFork() { TheForkList().mutex.unlock(); }

void HoldDuringFork(std::mutex* mutex) {
  const NoFork guard;
  TheForkList().mutexes.push_back(mutex);
}

std::uint64_t CloseInForkedChild(int file) {
  const NoFork guard;
  ToClose added;
  added.entry = ++TheForkList().last_entry;
  added.file = file;
  if (const absl::StatusOr<FileIdentity> identity = Identify(file); identity.ok()) {
    added.is_known = true;
    added.device = identity->device;
    added.inode = identity->inode;
  }
  TheForkList().descriptors.push_back(added);
  return added.entry;
}

void ForgetForkedChild(std::uint64_t entry) {
  const NoFork guard;
  std::vector<ToClose>& list = TheForkList().descriptors;
  list.erase(std::remove_if(list.begin(), list.end(), [entry](const ToClose& each) { return each.entry == entry; }), list.end());
}

}  // namespace shmcomm::platform
