# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C where a replier serves: the caller is told, and the replier can go on or be closed."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
import shmcomm
from programs import end, hear, start, wait_until_asleep

LONG = 60_000

PROGRAM = """
import sys
def handle(request):
    print("handles")
    sys.stdin.readline()
{opened}
with server:
    try:
        server.serve(handle)
    except KeyboardInterrupt as error:
        held = error  # and with it the frames of serve
        print("interrupted")
        server.serve(again)
"""

UNTYPED = """
from shmcomm import Replier
server = Replier("x", root=sys.argv[1])
def again(request):
    server.stop()
    return request
"""

TYPED = """
import patterns
server = patterns.DriveReplier(root=sys.argv[1])
def again(request):
    server.stop()
    return patterns.Ack(ok=True)
"""


def test_the_caller_is_told_and_the_replier_serves_on(root: Path, generated: Path) -> None:
    with shmcomm.Requester("x", root=root) as client:
        child = start(PROGRAM.format(opened=UNTYPED), root, generated=generated)
        call = client.start("slow")
        _interrupt(child)

        with pytest.raises(shmcomm.SHMReplyError, match=r"^\S+: the replier answered with an error: the replier was interrupted: KeyboardInterrupt\n  options: "):
            call.result(timeout=LONG)
        assert hear(child) == "interrupted"
        assert client.call("again", timeout=LONG) == "again"
        assert end(child) == 0


def test_the_caller_is_told_and_the_typed_replier_serves_on(patterns: Any, root: Path, generated: Path) -> None:
    with patterns.DriveRequester(root=root, wait_for_replier=True) as client:
        child = start(PROGRAM.format(opened=TYPED), root, generated=generated)
        call = client.start(linear=1.0)
        _interrupt(child)

        with pytest.raises(shmcomm.SHMReplyError, match=r"^\S+: the replier answered with an error: the replier was interrupted: KeyboardInterrupt\n  options: "):
            call.result(timeout=LONG)
        assert hear(child) == "interrupted"
        assert client.call(linear=2.0).ok
        assert end(child) == 0


def _interrupt(child: Any) -> None:
    assert hear(child) == "handles"
    wait_until_asleep(child.pid)
    child.send_signal(signal.SIGINT)
