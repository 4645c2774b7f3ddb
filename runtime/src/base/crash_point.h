// SPDX-License-Identifier: Apache-2.0
// Names the places between two writes of shared memory at which a process may die. Nothing in a shipped build; the
// model checker and the kill tests stop there.
#pragma once

#if defined(SHMCOMM_CHECKED_ATOMICS)
#include "sched/checked_atomic.h"
#define SHMCOMM_CRASH_POINT(name) ::shmcomm::base::CrashPoint(name)
#elif defined(SHMCOMM_CRASH_POINTS)
namespace shmcomm::base {
extern void (*crash_point_hook)(const char* name);
}
#define SHMCOMM_CRASH_POINT(name)                                                       \
  do {                                                                                  \
    if (::shmcomm::base::crash_point_hook) ::shmcomm::base::crash_point_hook(name);     \
  } while (false)
#else
#define SHMCOMM_CRASH_POINT(name) static_cast<void>(0)
#endif
