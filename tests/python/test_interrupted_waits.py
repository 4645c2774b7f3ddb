# SPDX-License-Identifier: Apache-2.0
"""How long a wait goes on after Ctrl-C: a figure for the goals, which no test may assert. Twenty of each, times SHMCOMM_SCALE."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from programs import end, hear, start, tell, wait_until_asleep

WAITING = """
import sys, time
import everything, patterns
root, kind = sys.argv[1:]
kinds = {"subscriber": everything.TreeSubscriber, "puller": patterns.JobsPuller, "replier": patterns.DriveReplier}
with kinds[kind](root=root) as waiting:
    while sys.stdin.readline():
        try:
            print("waiting")
            waiting.recv()
        except KeyboardInterrupt:
            print(time.monotonic_ns())
"""


@pytest.mark.parametrize("kind", ["subscriber", "puller", "replier"])
def test_control_c_ends_one_wait_after_another(generated: Path, root: Path, kind: str) -> None:
    child = start(WAITING, root, kind, generated=generated)
    ms = []
    for _ in range(20 * int(os.environ.get("SHMCOMM_SCALE", "1"))):
        tell(child)
        assert hear(child) == "waiting"
        wait_until_asleep(child.pid)
        sent_ns = time.monotonic_ns()
        child.send_signal(signal.SIGINT)
        ms.append((int(hear(child)) - sent_ns) / 1e6)

    assert end(child) == 0
    ms.sort()
    p99 = ms[len(ms) * 99 // 100]
    print(f"interrupted_wait ms of a {kind} in Python: p50 {ms[len(ms) // 2]:.2f}, p99 {p99:.2f}, max {ms[-1]:.2f} ({len(ms)} waits)")
