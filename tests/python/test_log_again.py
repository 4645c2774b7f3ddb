# SPDX-License-Identifier: Apache-2.0
"""A warning that would be repeated by every message comes once a second: a library before libc's says what time it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from programs import environment, library

SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>

static long held_ms = -1;

void hold_monotonic_clock_at(long ms) { held_ms = ms; }

int clock_gettime(clockid_t clock, struct timespec* now) {
  static int (*real)(clockid_t, struct timespec*);
  if (!real) real = (int (*)(clockid_t, struct timespec*))dlsym(RTLD_NEXT, "clock_gettime");
  if (clock != CLOCK_MONOTONIC || held_ms < 0) return real(clock, now);
  now->tv_sec = held_ms / 1000;
  now->tv_nsec = held_ms % 1000 * 1000000;
  return 0;
}
"""
CHILD = """
import ctypes, logging, sys
import everything, shmcomm
root, kind = sys.argv[1:]
shim = ctypes.CDLL(None)
class Heard(logging.Handler):
    def emit(self, record): print(now, record.getMessage())
logging.getLogger("shmcomm").addHandler(Heard())
BEGIN = 1_000_000
def at(ms):
    global now
    now = ms
    shim.hold_monotonic_clock_at(ctypes.c_long(BEGIN + ms))
at(0)
if kind.startswith("typed"):
    pub, sub = everything.ScalarsPublisher(root=root), everything.ScalarsSubscriber(root=root)
    send = pub.send
else:
    options = {"reliable": True, "capacity": 1} if kind.endswith("not sent") else {}
    pub, sub = shmcomm.Publisher("x", root=root, **options), shmcomm.Subscriber("x", root=root)
    send = lambda: pub.send(b"abc")
for ms in (0, 1, 999, 1000, 1001, 1999, 2500, 3499, 3500):
    at(ms)
    for _ in range(16 if kind.endswith("full") else 64): send()
    while sub.try_recv() is not None: pass
pub.close(), sub.close()
"""
SAID = {
    "typed full": "everything/scalars: ring 93 % full, drops likely: 15 of 16 messages unread",
    "full": "x: ring 93 % full, drops likely: 15 of 16 messages unread",
    "typed lost": "everything/scalars: lost ",
    "lost": "x: lost ",
    "not sent": "x: ring full, a message of 3 B was not sent",
}


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that says what time it is."""
    return library(SHIM, tmp_path_factory.mktemp("shim"))


@pytest.mark.parametrize("kind", SAID)
def test_a_warning_comes_again_when_a_second_is_over_and_not_before(generated: Path, root: Path, shim: Path, kind: str) -> None:
    preloaded = " ".join(filter(None, [os.environ.get("LD_PRELOAD"), str(shim)]))
    child = subprocess.run(
        [sys.executable, "-c", CHILD, root, kind],
        env=environment(generated) | {"LD_PRELOAD": preloaded}, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip

    moments = [line.partition(" ")[0] for line in child.stdout.splitlines() if SAID[kind] in line]
    assert moments == ["0", "1000", "2500", "3500"], child.stdout
