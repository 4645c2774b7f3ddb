# SPDX-License-Identifier: Apache-2.0
"""Setting the computer's clock changes no timeout: a library before libc's sets it again and again during each wait."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from programs import environment, library

# An hour between any two readings: whatever is made of the first and compared with a later one goes wrong.
SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>

static long shift, step;

void jump_at_each_reading(long seconds) { step = seconds; }

int clock_gettime(clockid_t clock, struct timespec* now) {
  static int (*real)(clockid_t, struct timespec*);
  if (!real) real = (int (*)(clockid_t, struct timespec*))dlsym(RTLD_NEXT, "clock_gettime");
  const int result = real(clock, now);
  if (clock != CLOCK_REALTIME) return result;
  now->tv_sec += shift;
  shift += step;
  return result;
}
"""
CHILD = """
import ctypes, sys, time
import everything, patterns, shmcomm
root, how, jump = sys.argv[1], sys.argv[2], int(sys.argv[3])
shim = ctypes.CDLL(None)
ends = []

def end_of(kind, *arguments, **options):
    ends.append(kind(*arguments, root=root, **options))
    return ends[-1]
def typed_recv():
    sub = end_of(everything.TreeSubscriber)
    return lambda: sub.recv(timeout=150)
def typed_send():
    pub, sub = end_of(everything.SurePublisher, timeout=150), end_of(everything.SureSubscriber)
    for _ in range(4): pub.send(id=1)
    return lambda: pub.send(id=2)
def typed_push():
    pusher = end_of(patterns.JobsPusher)
    for _ in range(16): pusher.push(id=1)
    return lambda: pusher.push(id=2, timeout=150)
def typed_loan():
    pusher = end_of(patterns.JobsPusher, timeout=150)
    for _ in range(16): pusher.push(id=1)
    def lend():
        with pusher.loan(id=2): pass
    return lend
def typed_call():
    replier, requester = end_of(patterns.DriveReplier), end_of(patterns.DriveRequester)
    return lambda: requester.call(linear=1.0, timeout=150)
def typed_result():
    replier, requester = end_of(patterns.DriveReplier), end_of(patterns.DriveRequester)
    call = requester.start(linear=1.0)
    ends.append(call)
    return lambda: call.result(timeout=150)
def untyped_recv():
    sub = end_of(shmcomm.Subscriber, "plain")
    return lambda: sub.recv(timeout=150)
def untyped_send():
    pub = end_of(shmcomm.Publisher, "plain", reliable=True, capacity=4)
    sub = end_of(shmcomm.Subscriber, "plain", reliable=True, capacity=4)
    for _ in range(4): pub.send(1)
    return lambda: pub.send(2, timeout=150)
def untyped_call():
    replier, requester = end_of(shmcomm.Replier, "plain"), end_of(shmcomm.Requester, "plain")
    return lambda: requester.call(1, timeout=150)

wait = globals()[how]()
shim.jump_at_each_reading(ctypes.c_long(jump))
begin = time.monotonic()
try:
    answer = wait()
except shmcomm.SHMError as error:
    answer = type(error).__name__
waited = time.monotonic() - begin
first, second = time.time(), time.time()
assert abs(second - first - jump) < 1000, "the clock did not jump"
print(answer, "too soon" if waited < 0.15 else "in time")
"""
TIMED_OUT = "SHMTimeoutError in time"
FULL = "SHMBufferFullError in time"
WAITS = {
    "typed_recv": TIMED_OUT,
    "typed_send": FULL,
    "typed_push": FULL,
    "typed_loan": FULL,
    "typed_call": TIMED_OUT,
    "typed_result": TIMED_OUT,
    "untyped_recv": TIMED_OUT,
    "untyped_send": "False in time",
    "untyped_call": TIMED_OUT,
}


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that jumps."""
    return library(SHIM, tmp_path_factory.mktemp("shim"))


@pytest.mark.parametrize("hours", [1, -1], ids=["forward", "back"])
@pytest.mark.parametrize("how", WAITS)
def test_setting_the_clock_changes_no_timeout(generated: Path, root: Path, shim: Path, how: str, hours: int) -> None:
    preloaded = " ".join(filter(None, [os.environ.get("LD_PRELOAD"), str(shim)]))
    child = subprocess.run(
        [sys.executable, "-c", CHILD, root, how, str(hours * 3600)],
        env=environment(generated) | {"LD_PRELOAD": preloaded},
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,  # a watchdog: a deadline an hour away is found by it
    )

    assert child.stdout.strip() == WAITS[how]
    assert child.returncode == 0
