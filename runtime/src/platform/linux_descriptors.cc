// SPDX-License-Identifier: Apache-2.0
// Linux: sleeping on several words, and descriptors for epoll: FIFOs, events, timers.
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "absl/strings/str_cat.h"
#include "platform/os.h"

namespace shmcomm::platform {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;

timespec TimeOf(std::int64_t ns) { return timespec{ns / kNsPerSecond, ns % kNsPerSecond}; }

absl::Status Failed(const char* call, const std::string& object, int error) {
  const std::string text = absl::StrCat(call, " ", object, ": ", std::strerror(error));
  switch (error) {
    case EEXIST:
      return absl::AlreadyExistsError(text);
    case EISDIR:
    case ELOOP:
    case ENXIO:
      return absl::FailedPreconditionError(text);
    case ENOENT:
      return absl::NotFoundError(text);
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(text);
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOSPC:
      return absl::ResourceExhaustedError(text);
    default:
      return absl::InternalError(text);
  }
}

absl::StatusOr<Descriptor> Owned(int fd, const char* what) {
  if (fd < 0) return Failed("make", what, errno);
  return Descriptor(fd);
}

}  // namespace

bool FutexWaitMany(const FutexTerm* terms, std::size_t count, std::int64_t timeout_ns) {
  if (timeout_ns <= 0) return true;
#if defined(SYS_futex_waitv)
  futex_waitv waiters[kMaxFutexTerms] = {};
  count = std::min(count, kMaxFutexTerms);
  for (std::size_t i = 0; i < count; ++i) {
    waiters[i].val = terms[i].expected;
    waiters[i].uaddr = reinterpret_cast<std::uintptr_t>(terms[i].word);
    waiters[i].flags = FUTEX_32;
  }
  timespec end;
  clock_gettime(CLOCK_MONOTONIC, &end);  // the call takes a point in time
  const timespec span = TimeOf(timeout_ns);
  end.tv_sec += span.tv_sec + (end.tv_nsec + span.tv_nsec) / kNsPerSecond;
  end.tv_nsec = (end.tv_nsec + span.tv_nsec) % kNsPerSecond;
  return syscall(SYS_futex_waitv, waiters, count, 0, &end, CLOCK_MONOTONIC) >= 0 || (errno != ENOSYS && errno != EPERM);
#else
  static_cast<void>(terms), static_cast<void>(count);
  return false;
#endif
}

absl::Status MakeFifoAt(int directory, const std::string& name) {
  if (mkfifoat(directory, name.c_str(), 0600) == 0) return absl::OkStatus();
  return Failed("mkfifo", name, errno);
}

absl::StatusOr<Descriptor> OpenFifoAt(int directory, const std::string& name) {
  int opened = -1;
  do {
    opened = openat(directory, name.c_str(), O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
  } while (opened < 0 && errno == EINTR);
  Descriptor fd(opened);
  if (!fd.valid()) return Failed("open", name, errno);
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return Failed("fstat", name, errno);
  if (!S_ISFIFO(info.st_mode)) return absl::FailedPreconditionError(absl::StrCat(name, " is not a named pipe"));
  if (info.st_nlink > 1) return absl::FailedPreconditionError(absl::StrCat(name, " is a hard link to a pipe of another name"));
  if (info.st_uid == geteuid() || info.st_uid == 0) return fd;
  return absl::PermissionDeniedError(absl::StrCat(name, " belongs to user ", info.st_uid));
}

void WriteByte(int file) {
  const char byte = 1;
  while (write(file, &byte, 1) < 0 && errno == EINTR) {
  }
}

void Drain(int file) {
  char bytes[64];
  // Ends: a full buffer means that there may be more, which only other processes' bytes can prolong.
  for (int rounds = 0; rounds < 1024; ++rounds) {
    const ssize_t got = read(file, bytes, sizeof(bytes));
    if (got < 0 && errno == EINTR) continue;
    if (got < static_cast<ssize_t>(sizeof(bytes))) return;
  }
}

absl::StatusOr<Descriptor> MakeEvent() { return Owned(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "an event"); }

void WriteEvent(int event) {
  const std::uint64_t one = 1;
  while (write(event, &one, sizeof(one)) < 0 && errno == EINTR) {
  }
}

absl::StatusOr<Descriptor> MakeTimer() {
  return Owned(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), "a timer");
}

void SetTimer(int timer, std::int64_t after_ns) {
  itimerspec setting{};
  setting.it_value = TimeOf(std::max<std::int64_t>(after_ns, 1));
  timerfd_settime(timer, 0, &setting, nullptr);
}

absl::StatusOr<Descriptor> MakePoll() { return Owned(epoll_create1(EPOLL_CLOEXEC), "an epoll"); }

absl::Status PollAdd(int poll, int file, std::uint64_t tag) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = tag;
  if (epoll_ctl(poll, EPOLL_CTL_ADD, file, &event) == 0) return absl::OkStatus();
  return Failed("watch", "a descriptor", errno);
}

std::size_t PollWait(int poll, std::uint64_t* tags, std::size_t count, std::int64_t timeout_ns) {
  constexpr std::size_t kMost = 32;
  constexpr std::int64_t kNsPerMs = 1'000'000;
  epoll_event events[kMost];
  const int wanted = static_cast<int>(std::min(count, kMost));
  const std::int64_t timeout_ms = std::min<std::int64_t>((std::max<std::int64_t>(timeout_ns, 0) + kNsPerMs - 1) / kNsPerMs, 1000);
  const int got = epoll_wait(poll, events, wanted, static_cast<int>(timeout_ms));
  for (int i = 0; i < got; ++i) tags[i] = events[i].data.u64;
  return got < 0 ? 0 : static_cast<std::size_t>(got);
}

}  // namespace shmcomm::platform
