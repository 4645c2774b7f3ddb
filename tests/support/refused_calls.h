// SPDX-License-Identifier: Apache-2.0
// A system that refuses a call, as an old kernel or a strict container does. For forked children: it cannot be undone.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace shmcomm::test {

/// From now on the system call `number` fails with `error` in this process. False if the system does not let us.
inline bool RefuseCall(std::uint32_t number, int error = ENOSYS) {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{sizeof(filter) / sizeof(filter[0]), filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/// Looking at an open file, whichever call the C library makes of it.
inline bool RefuseFstat(int error) { return RefuseCall(SYS_fstat, error) && RefuseCall(SYS_newfstatat, error); }

inline bool RefuseMembarrier() { return RefuseCall(SYS_membarrier); }

inline bool RefuseSleepingOnManyWords() {
#if defined(SYS_futex_waitv)
  return RefuseCall(SYS_futex_waitv);
#else
  return true;
#endif
}

}  // namespace shmcomm::test
