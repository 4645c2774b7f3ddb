# SPDX-License-Identifier: Apache-2.0
"""What typed endpoints say to the logger."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import pytest


def texts(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == level]


def test_what_was_lost_is_warned_of_once_a_second(everything: Any, root: Path, caplog: pytest.LogCaptureFixture) -> None:
    with everything.ScalarsPublisher(root=root) as pub, everything.ScalarsSubscriber(root=root) as sub:
        for _ in range(2):
            for _ in range(40):
                pub.send()
            sub.recv(timeout=0)
        assert sub.stats.lost > 0

    (warning,) = [text for text in texts(caplog, logging.WARNING) if "lost" in text]
    assert re.match(r"everything/scalars: lost (\d+) messages, \1 in all", warning)  # at the first of the two
    assert all(record.name == "shmcomm" for record in caplog.records)


def test_a_ring_in_which_most_is_unread_is_warned_of(everything: Any, root: Path, caplog: pytest.LogCaptureFixture) -> None:
    with everything.ScalarsPublisher(root=root) as pub, everything.ScalarsSubscriber(root=root) as sub:
        for _ in range(16):
            pub.send()
        sub.recv(timeout=0)

    (warning,) = texts(caplog, logging.WARNING)
    assert warning.startswith("everything/scalars: ring 93 % full, drops likely: 15 of 16 messages unread")


def test_failures_are_errors_and_timeouts_are_not(everything: Any, root: Path, caplog: pytest.LogCaptureFixture) -> None:
    import shmcomm

    with everything.NarrowPublisher(root=root) as pub, everything.NarrowSubscriber(root=root) as sub:
        with pytest.raises(shmcomm.SHMTimeoutError):
            sub.recv(timeout=0)
        assert caplog.records == []
        for _ in range(4):
            pub.send(id=1)
        held = [sub.recv(timeout=0) for _ in range(2)]
        with pytest.raises(shmcomm.SHMBufferFullError):
            sub.recv(timeout=0)
        del held
    with pytest.raises(shmcomm.SHMConnectionError):
        pub.send(id=1)

    buffer_full, closed = texts(caplog, logging.ERROR)
    assert buffer_full.startswith("SHMBufferFullError: everything/narrow: ")
    assert closed.startswith("SHMConnectionError: everything/narrow: ")


def test_debug_mode_logs_every_message(everything: Any, patterns: Any, root: Path, caplog: pytest.LogCaptureFixture) -> None:
    import shmcomm

    shmcomm.set_debug()
    try:
        with everything.ImuPublisher(root=root) as pub, everything.ImuSubscriber(root=root) as sub:
            pub.send()
            sub.recv(timeout=1000)
        with patterns.StepsPusher(root=root) as pusher:
            pusher.push()
    finally:
        shmcomm.set_debug(False)

    sent, received, pushed = texts(caplog, logging.DEBUG)
    size = sent.rpartition(", ")[2]
    assert sent == f"everything/imu: sent everything.Imu, {size}" and int(size.split()[0]) > 0
    assert received == sent.replace("sent", "received")
    assert pushed.startswith("patterns/steps: sent ")


def test_a_handler_may_close_the_subscriber(everything: Any, root: Path) -> None:
    import shmcomm

    with everything.ImuPublisher(root=root) as pub, everything.ImuSubscriber(root=root) as sub:

        class Closing(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                sub.close()

        handler = Closing()
        pub.send()
        shmcomm.set_debug()
        logging.getLogger("shmcomm").addHandler(handler)
        try:
            imu = sub.recv(timeout=1000)
        finally:
            logging.getLogger("shmcomm").removeHandler(handler)
            shmcomm.set_debug(False)

        assert sub.closed and imu.sequence == 0
