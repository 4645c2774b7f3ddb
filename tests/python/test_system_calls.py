# SPDX-License-Identifier: Apache-2.0
"""What the documentation promises of system calls: none where nobody sleeps and something is there. The kernel counts them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from programs import environment

CHILD = """
import os, sys
import everything, patterns, shmcomm
root, ROUNDS = sys.argv[1], int(sys.argv[2])
def end(kind, *name): return kind(*name, root=root)
pub, sub = end(shmcomm.Publisher, "x"), end(shmcomm.Subscriber, "x")
pusher, puller = end(shmcomm.Pusher, "y"), end(shmcomm.Puller, "y")
client, server = end(shmcomm.Requester, "z"), end(shmcomm.Replier, "z")
tree_pub, tree_sub = end(everything.TreePublisher), end(everything.TreeSubscriber)
jobs_pusher, jobs_puller = end(patterns.JobsPusher), end(patterns.JobsPuller)
drive, driver = end(patterns.DriveRequester), end(patterns.DriveReplier)
large = bytes(100_000)
def messages():
    pub.send(b"abc"), sub.recv(), sub.try_recv(), sub.metadata, sub.stats
    pub.send({"a": 1}), sub.poll(), sub.try_recv()
    pub.send(large), sub.latest()
    pub.send(1), pub.send(2), sub.recv_many()
    with pub.loan(1000): pass
    sub.recv()
def jobs():
    pusher.send(1), puller.poll(), puller.recv(), puller.done(), puller.try_recv()
    pusher.send(1), puller.recv(), puller.give_back(), puller.recv(), puller.done()
def calls():
    call = client.start(1)
    server.poll(), server.take().reply(2), call.poll(), call.result(), server.try_take()
def typed_messages():
    tree_pub.send(id=1, data=large), tree_sub.poll(), tree_sub.recv().data, tree_sub.try_recv()
    with tree_pub.loan(data=100): pass
    tree_sub.latest()
def typed_jobs():
    jobs_pusher.push(id=1)
    with jobs_puller.recv(): pass
    jobs_puller.try_recv()
def typed_calls():
    call = drive.start(linear=1.0)
    driver.recv().reply(ok=True), call.result(), driver.try_recv()
work = globals()[sys.argv[3]]
for _ in range(3000): work()
os.write(2, b"begin\\n")
for _ in range(ROUNDS): work()
os.write(2, b"end\\n")
"""
ROUNDS = 1000
# Now and then an end looks whether its lock is still its own.
OF_LOCK_CHECKS = ROUNDS // 50


@pytest.mark.parametrize("kind", ["messages", "jobs", "calls", "typed_messages", "typed_jobs", "typed_calls"])
def test_sending_and_receiving_what_is_there_makes_no_system_call(generated: Path, root: Path, tmp_path: Path, kind: str) -> None:
    if "LD_PRELOAD" in os.environ:
        pytest.skip("a sanitizer keeps what is freed and asks the kernel for more")
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    command = ["strace", "-o", tmp_path / "trace", sys.executable, "-c", CHILD, root, str(ROUNDS), kind]
    run = subprocess.run(command, env=environment(generated), capture_output=True, text=True)
    if run.returncode != 0 and "PTRACE" in run.stderr:
        pytest.skip("strace may not trace here")
    assert run.returncode == 0, run.stderr

    trace = (tmp_path / "trace").read_text()
    between = trace.partition('"begin')[2].partition('"end')[0].splitlines()[1:-1]
    assert len(between) <= OF_LOCK_CHECKS, sorted({re.split(r"[( ]", line)[0] for line in between})
