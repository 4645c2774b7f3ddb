// SPDX-License-Identifier: Apache-2.0
// Linux: tmpfs files, OFD locks, futexes, membarrier.
#include <dirent.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <mutex>
#include <string>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "platform/os.h"

namespace shmcomm::platform {

namespace {

absl::StatusCode CodeOf(int error) {
  switch (error) {
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::StatusCode::kPermissionDenied;
    case ENOENT:
      return absl::StatusCode::kNotFound;
    case EEXIST:
      return absl::StatusCode::kAlreadyExists;
    case ENOSPC:
    case EDQUOT:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case EFBIG:
    case ENOLCK:
    case EAGAIN:
      return absl::StatusCode::kResourceExhausted;
    case ELOOP:
    case ENXIO:
    case ENODEV:
    case ENOTDIR:
    case EISDIR:
    case ENAMETOOLONG:
    case EOPNOTSUPP:
      return absl::StatusCode::kFailedPrecondition;
    default:
      return absl::StatusCode::kInternal;
  }
}

absl::Status Failure(const char* call, const std::string& object, int error) {
  return absl::Status(CodeOf(error), absl::StrCat(call, " ", object, ": ", std::strerror(error)));
}

/// Repeats a call that a signal interrupted.
template <class Call>
auto Retry(Call&& call) {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

absl::Status CheckOwner(int fd, const std::string& object) {
  struct stat info {};
  if (fstat(fd, &info) != 0) return Failure("fstat", object, errno);
  if (info.st_uid == geteuid() || info.st_uid == 0) return absl::OkStatus();
  return absl::PermissionDeniedError(
      absl::StrCat(object, " belongs to user ", info.st_uid, ", not to this process's user ", geteuid(),
                   "; choose another root (SHMCOMM_ROOT), one for each user"));
}

absl::StatusOr<Descriptor> OpenOwned(int directory, const std::string& name, int flags) {
  Descriptor fd(Retry([&] { return openat(directory, name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC); }));
  if (!fd.valid()) return Failure("open", name, errno);
  if (absl::Status owner = CheckOwner(fd.get(), name); !owner.ok()) return owner;
  return fd;
}

absl::StatusOr<Descriptor> OpenOrMake(int parent, const std::string& name) {
  if (mkdirat(parent, name.c_str(), 0700) == 0) {
    fchmodat(parent, name.c_str(), 0700, 0);  // whatever the umask says
  } else if (errno != EEXIST) {
    return Failure("mkdir", name, errno);
  }
  return OpenOwned(parent, name, O_RDONLY | O_DIRECTORY);
}

struct flock ByteRange(short type, std::uint64_t byte) {
  struct flock range {};
  range.l_type = type;
  range.l_whence = SEEK_SET;
  range.l_start = static_cast<off_t>(byte);
  range.l_len = 1;
  return range;
}

long Futex(const base::Atomic<std::uint32_t>& word, int operation, std::uint32_t value, const timespec* timeout) {
  return syscall(SYS_futex, &word, operation, value, timeout, nullptr, 0);
}

// A file size limit must be an error, not a signal.
class BlockFileSizeSignal {
 public:
  BlockFileSizeSignal() {
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &only, &old_);
    had_it_ = sigismember(&old_, SIGXFSZ) == 1;
  }
  ~BlockFileSizeSignal() {
    if (had_it_) return;
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, SIGXFSZ);
    const timespec now{};
    while (sigtimedwait(&only, nullptr, &now) == SIGXFSZ) {
    }
    pthread_sigmask(SIG_SETMASK, &old_, nullptr);
  }

 private:
  sigset_t old_{};
  bool had_it_ = false;
};

struct ChosenName {
  std::mutex mutex;
  std::string name;
};

ChosenName& TheChosenName() {
  // Never destroyed: endpoints may be opened during exit.
  static ChosenName* the_name = [] {
    auto* made = new ChosenName;
    HoldDuringFork(&made->mutex);
    return made;
  }();
  return *the_name;
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    Reset();
    fd_ = other.Release();
  }
  return *this;
}

void Descriptor::Reset() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

absl::StatusOr<Descriptor> OpenOrMakeDirectory(const std::string& path) { return OpenOrMake(AT_FDCWD, path); }

absl::StatusOr<Descriptor> OpenOrMakeDirectoryAt(int parent, const std::string& name) { return OpenOrMake(parent, name); }

absl::StatusOr<Descriptor> OpenDirectory(const std::string& path) { return OpenDirectoryAt(AT_FDCWD, path); }

absl::StatusOr<Descriptor> OpenDirectoryAt(int parent, const std::string& name) {
  return OpenOwned(parent, name, O_RDONLY | O_DIRECTORY);
}

absl::StatusOr<Descriptor> OpenFileAt(int directory, const std::string& name, Access access) {
  absl::StatusOr<Descriptor> fd =
      OpenOwned(directory, name, (access == Access::kRead ? O_RDONLY : O_RDWR) | O_NONBLOCK);
  if (!fd.ok()) return fd;
  struct stat info {};
  if (fstat(fd->get(), &info) != 0) return Failure("fstat", name, errno);
  if (!S_ISREG(info.st_mode)) return absl::FailedPreconditionError(absl::StrCat(name, " is not a regular file"));
  if (info.st_nlink > 1) return absl::FailedPreconditionError(absl::StrCat(name, " is a hard link to a file of another name"));
  return fd;
}

absl::StatusOr<Descriptor> CreateUnnamedFile(int directory, std::uint64_t bytes) {
  const BlockFileSizeSignal blocked;
  Descriptor fd(Retry([&] { return openat(directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600); }));
  if (!fd.valid()) return Failure("create an unnamed file in", "the channel's directory", errno);
  if (fchmod(fd.get(), 0600) != 0) return Failure("fchmod", "a new file", errno);  // whatever the umask says
  if (ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0) return Failure("ftruncate", absl::StrCat(bytes, " B"), errno);
  return fd;
}

absl::Status LinkFile(int file, int directory, const std::string& name) {
  const std::string source = absl::StrCat("/proc/self/fd/", file);
  if (linkat(AT_FDCWD, source.c_str(), directory, name.c_str(), AT_SYMLINK_FOLLOW) == 0) return absl::OkStatus();
  return Failure("link", name, errno);
}

absl::Status WriteAll(int file, const void* data, std::size_t bytes) {
  const BlockFileSizeSignal blocked;
  const auto* next = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t written = Retry([&] { return write(file, next, bytes); });
    if (written < 0) return Failure("write", absl::StrCat(bytes, " B"), errno);
    next += written;
    bytes -= static_cast<std::size_t>(written);
  }
  return absl::OkStatus();
}

absl::Status UnlinkAt(int directory, const std::string& name) {
  if (unlinkat(directory, name.c_str(), 0) == 0 || errno == ENOENT) return absl::OkStatus();
  return Failure("unlink", name, errno);
}

absl::Status RemoveDirectory(const std::string& path) { return RemoveDirectoryAt(AT_FDCWD, path); }

absl::Status RemoveDirectoryAt(int parent, const std::string& name) {
  if (unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0) return absl::OkStatus();
  if (errno == ENOENT || errno == ENOTEMPTY || errno == EEXIST) return absl::OkStatus();
  return Failure("rmdir", name, errno);
}

absl::StatusOr<std::vector<std::string>> ListDirectory(int directory) {
  // A description of its own: reading moves the offset.
  Descriptor fresh(Retry([&] { return openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (!fresh.valid()) return Failure("open", "a directory", errno);
  DIR* stream = fdopendir(fresh.get());
  if (stream == nullptr) return Failure("fdopendir", "a directory", errno);
  fresh.Release();
  const absl::Cleanup close_stream = [stream] { closedir(stream); };
  std::vector<std::string> names;
  while (const dirent* entry = readdir(stream)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

namespace {

FileIdentity IdentityOf(const struct stat& info) {
  return FileIdentity{info.st_dev, info.st_ino, info.st_nlink, static_cast<std::uint64_t>(info.st_size), info.st_uid};
}

}  // namespace

absl::StatusOr<FileIdentity> Identify(int file) {
  struct stat info {};
  if (fstat(file, &info) != 0) return Failure("fstat", "an open file", errno);
  return IdentityOf(info);
}

bool IsFile(int file, std::uint64_t device, std::uint64_t inode) {
  struct stat info {};
  return fstat(file, &info) == 0 && info.st_dev == device && info.st_ino == inode;
}

absl::StatusOr<FileIdentity> IdentifyAt(int directory, const std::string& name) {
  struct stat info {};
  if (fstatat(directory, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return Failure("stat", name, errno);
  return IdentityOf(info);
}

absl::Status CommitPages(int file, std::uint64_t offset, std::uint64_t bytes) {
  const BlockFileSizeSignal blocked;
  const int result = Retry(
      [&] { return fallocate(file, 0, static_cast<off_t>(offset), static_cast<off_t>(bytes)); });
  return result == 0 ? absl::OkStatus() : Failure("fallocate", absl::StrCat(bytes, " B"), errno);
}

Space FreeSpace(int file) {
  struct statvfs info {};
  if (fstatvfs(file, &info) != 0) return {};
  return Space{std::uint64_t{info.f_bavail} * info.f_frsize, std::uint64_t{info.f_blocks} * info.f_frsize};
}

absl::StatusOr<void*> Map(int file, std::size_t bytes, Access access) {
  const int protection = access == Access::kRead ? PROT_READ : PROT_READ | PROT_WRITE;
  void* address = mmap(nullptr, bytes, protection, MAP_SHARED | MAP_NORESERVE, file, 0);
  if (address == MAP_FAILED) return Failure("mmap", absl::StrCat(bytes, " B"), errno);
  madvise(address, bytes, MADV_DONTDUMP);  // a core dump holds the locks until it is written: keep it short
  return address;
}

void Unmap(void* address, std::size_t bytes) { munmap(address, bytes); }

std::size_t PageBytes() {
  static const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return page;
}

void Populate(void* address, std::size_t bytes, Access access) {
#if defined(MADV_POPULATE_READ) && defined(MADV_POPULATE_WRITE)
  madvise(address, bytes, access == Access::kRead ? MADV_POPULATE_READ : MADV_POPULATE_WRITE);
#else
  static_cast<void>(address), static_cast<void>(bytes), static_cast<void>(access);
#endif
}

absl::StatusOr<bool> TryLockByte(int file, std::uint64_t byte) {
  struct flock range = ByteRange(F_WRLCK, byte);
  if (Retry([&] { return fcntl(file, F_OFD_SETLK, &range); }) == 0) return true;
  if (errno == EAGAIN || errno == EACCES) return false;
  return Failure("lock", absl::StrCat("byte ", byte), errno);
}

void UnlockByte(int file, std::uint64_t byte) {
  struct flock range = ByteRange(F_UNLCK, byte);
  fcntl(file, F_OFD_SETLK, &range);
}

absl::StatusOr<bool> IsByteLocked(int file, std::uint64_t byte) {
  struct flock range = ByteRange(F_WRLCK, byte);
  if (fcntl(file, F_OFD_GETLK, &range) != 0) return Failure("probe lock", absl::StrCat("byte ", byte), errno);
  return range.l_type != F_UNLCK;
}

absl::StatusOr<bool> TryLockDirectory(int directory, Sharing sharing) {
  const int operation = (sharing == Sharing::kShared ? LOCK_SH : LOCK_EX) | LOCK_NB;
  if (Retry([&] { return flock(directory, operation); }) == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  return Failure("flock", "a channel's directory", errno);
}

WaitResult FutexWait(const base::Atomic<std::uint32_t>& word, std::uint32_t expected, std::int64_t timeout_ns) {
  if (timeout_ns <= 0) return WaitResult::kTimedOut;
  const timespec timeout{timeout_ns / 1'000'000'000, timeout_ns % 1'000'000'000};
  if (Futex(word, FUTEX_WAIT, expected, &timeout) == 0) return WaitResult::kWoken;
  return errno == ETIMEDOUT ? WaitResult::kTimedOut : WaitResult::kWoken;
}

void FutexWakeAll(base::Atomic<std::uint32_t>& word) { Futex(word, FUTEX_WAKE, 0x7FFFFFFF, nullptr); }

void FutexWakeOne(base::Atomic<std::uint32_t>& word) { Futex(word, FUTEX_WAKE, 1, nullptr); }

bool RegisterForBarrier() {
  return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0) == 0;
}

bool BarrierAll() { return syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) == 0; }

void Yield() { sched_yield(); }

std::uint32_t ProcessId() { return static_cast<std::uint32_t>(getpid()); }

std::uint32_t UserId() { return geteuid(); }

std::string ProgramName() {
  ChosenName& chosen = TheChosenName();
  const std::lock_guard<std::mutex> lock(chosen.mutex);
  return chosen.name.empty() ? program_invocation_short_name : chosen.name;
}

void SetProgramName(std::string name) {
  ChosenName& chosen = TheChosenName();
  const std::lock_guard<std::mutex> lock(chosen.mutex);
  chosen.name = std::move(name);
}

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

}  // namespace shmcomm::platform
