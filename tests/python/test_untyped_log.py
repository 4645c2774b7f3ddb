# SPDX-License-Identifier: Apache-2.0
"""What endpoints without a schema say to the logger."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from programs import environment


def test_a_nearly_full_ring_is_warned_of_once(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    from shmcomm import Publisher, Subscriber

    with Publisher("x", root=root) as pub, Subscriber("x", root=root) as sub:
        for _ in range(16):
            pub.send(1)
        for _ in range(3):
            sub.recv(timeout=1000)
            for _ in range(16):
                pub.send(1)
        sub.recv_many()

    texts = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    full = [text for text in texts if "drops likely" in text]
    assert len(full) == 1 and full[0].startswith("x: ring 9") or "100 %" in full[0]
    assert len([text for text in texts if "lost" in text]) == 1
    assert all(record.name == "shmcomm" for record in caplog.records)


def test_a_message_that_was_not_sent_is_warned_of_once(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    from shmcomm import Publisher, Subscriber

    with Publisher("x", reliable=True, capacity=1, root=root) as pub, Subscriber("x", root=root):
        assert [pub.send(n) for n in range(10)] == [True] + [False] * 9

    assert [record.getMessage() for record in caplog.records] == [
        "x: ring full, a message of 13 B was not sent (send answered False)"
    ]


def test_failures_are_errors_and_timeouts_are_not(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    import shmcomm

    with shmcomm.Publisher("x", root=root) as pub, shmcomm.Subscriber("x", root=root) as sub:
        with pytest.raises(shmcomm.SHMTimeoutError):
            sub.recv(timeout=0)
        assert caplog.records == []
        with pytest.raises(shmcomm.SHMSerializationError):
            pub.send(lambda: 0)

    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage().startswith("SHMSerializationError: x: cannot pickle the function to send")


def test_debug_mode_logs_every_message(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    import shmcomm

    shmcomm.set_debug()
    try:
        with shmcomm.Publisher("x", root=root) as pub, shmcomm.Subscriber("x", root=root) as sub:
            pub.send(b"abc")
            sub.recv(timeout=1000)
    finally:
        shmcomm.set_debug(False)

    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("DEBUG", "x: sent bytes, 3 B"),
        ("DEBUG", "x: received bytes, 3 B"),
    ]


def test_calls_are_logged_and_what_a_replier_answers_is_no_failure(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    import shmcomm

    with shmcomm.Requester("x", root=root) as client, shmcomm.Replier("x", root=root) as server:
        client.send(b"no")
        server.recv(timeout=1000), server.fail("no")
        with pytest.raises(shmcomm.SHMReplyError):
            client.recv(timeout=60_000)
        assert caplog.records == []
        shmcomm.set_debug()
        try:
            client.send(b"abc")
            server.recv(timeout=1000), server.send(b"reply")
            client.recv(timeout=60_000)
        finally:
            shmcomm.set_debug(False)

    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("DEBUG", f"x: {text}") for text in ("sent bytes, 3 B", "received bytes, 3 B", "sent bytes, 5 B", "received bytes, 5 B")
    ]


@pytest.mark.parametrize(("value", "is_on"), [("1", True), ("0", False), ("", False)])
def test_the_environment_turns_debug_mode_on(root: Path, generated: Path, value: str, is_on: bool) -> None:
    program = "import sys, shmcomm\nshmcomm.Publisher('x', root=sys.argv[1]).send(b'abc')"
    done = subprocess.run(
        [sys.executable, "-c", program, root],
        env=environment(generated) | {"SHMCOMM_DEBUG": value}, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert ("DEBUG x: sent bytes, 3 B" in done.stderr) is is_on
    assert len(done.stderr.splitlines()) == (1 if is_on else 0)  # the runtime's own lines would tell it twice
    assert done.stdout == ""


def test_nothing_is_printed_unless_wanted(root: Path, generated: Path) -> None:
    program = """
import sys, shmcomm
pub, sub = shmcomm.Publisher("x", root=sys.argv[1]), shmcomm.Subscriber("x", root=sys.argv[1])
for n in range(1000): pub.send(n)
sub.recv_many()
"""
    env = {name: value for name, value in environment(generated).items() if name != "SHMCOMM_DEBUG"}
    done = subprocess.run([sys.executable, "-c", program, root], env=env, capture_output=True, check=True)

    assert (done.stdout, done.stderr) == (b"", b"")
    assert os.environ.get("SHMCOMM_DEBUG") in (None, "0", "")
