# SPDX-License-Identifier: Apache-2.0
"""What typed endpoints say to the logger."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
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


@pytest.fixture
def debug(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], list[str]]]:
    """Debug mode; what was logged in it, without sizes."""
    import shmcomm

    shmcomm.set_debug()
    yield lambda: [re.sub(r", [1-9]\d* B$", "", text) for text in texts(caplog, logging.DEBUG)]
    shmcomm.set_debug(False)


def test_debug_mode_logs_jobs_and_loans(everything: Any, patterns: Any, root: Path, debug: Callable[[], list[str]]) -> None:
    with patterns.JobsPusher(root=root) as pusher, patterns.JobsPuller(root=root) as puller:
        pusher.push(id=1)
        with pusher.loan(id=2, tile=100):
            pass
        puller.recv(timeout=1000).done()
        with puller.try_recv():
            pass
    with everything.ImuPublisher(root=root) as pub:
        with pub.loan():
            pass

    sent, received = "patterns/jobs: sent patterns.Job", "patterns/jobs: received patterns.Job"
    assert debug() == [sent, sent, received, received, "everything/imu: sent everything.Imu"]


def test_debug_mode_logs_requests_and_replies(patterns: Any, root: Path, debug: Callable[[], list[str]]) -> None:
    with patterns.DriveReplier(root=root) as server, patterns.DriveRequester(root=root) as client:
        call = client.start(linear=1)
        request = server.recv(timeout=1000)
        request.reply(ok=True)
        assert call.result().ok

    assert debug() == [
        "patterns/drive: sent patterns.Twist",
        "patterns/drive: received patterns.Twist",
        "patterns/drive: sent patterns.Ack",
        "patterns/drive: received patterns.Ack",
    ]


def test_a_loan_of_an_array_without_a_schema_is_logged_with_its_size(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    import shmcomm

    shmcomm.set_debug()
    try:
        with shmcomm.Publisher("x", root=root) as pub, pub.loan((100,), "uint8"):
            pass
    finally:
        shmcomm.set_debug(False)

    (sent,) = texts(caplog, logging.DEBUG)
    assert int(re.fullmatch(r"x: sent array, (\d+) B", sent)[1]) > 100  # type: ignore[index]


def test_failures_of_jobs_requests_calls_and_loans_are_errors(
    everything: Any, patterns: Any, root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    import shmcomm

    def fails(use: Callable[[], object]) -> None:
        with pytest.raises(shmcomm.SHMError):
            use()

    with patterns.JobsPusher(root=root) as pusher, patterns.JobsPuller(root=root) as puller:
        pusher.push(id=1)
        job = puller.recv(timeout=1000)
        job.done()
        fails(job.give_back)
        with pytest.raises(shmcomm.SHMTimeoutError):
            puller.recv(timeout=0)
    fails(puller.try_recv)
    with patterns.DriveReplier(root=root) as server, patterns.DriveRequester(root=root) as client:
        call = client.start(linear=1)
        request = server.recv(timeout=1000)
        request.reply(ok=True)
        fails(lambda: request.reply(ok=True))
        fails(lambda: request.fail("late"))
        call.result()
        lost = client.start(linear=1)
    fails(lost.result)
    fails(lambda: server.recv(timeout=0))
    with everything.TreePublisher(root=root) as pub:
        loan = pub.loan(data=1)
        with loan:
            pass
        fails(loan.__exit__)
        loans = [pub.loan(data=1) for _ in range(2)]
        fails(lambda: pub.loan(data=1))
        del loans

    names = [text.split(": ")[0] for text in texts(caplog, logging.ERROR)]
    assert names == [
        "SHMError",  # give_back
        "SHMConnectionError",  # try_recv
        "SHMError",  # reply
        "SHMError",  # fail
        "SHMConnectionError",  # result
        "SHMConnectionError",  # recv
        "SHMError",  # the loan that is over
        "SHMBufferFullError",  # a third loan
    ]


def test_an_end_that_cannot_be_opened_is_an_error(everything: Any, root: Path, caplog: pytest.LogCaptureFixture) -> None:
    import shmcomm

    with shmcomm.Publisher("everything/tree", root=root), pytest.raises(shmcomm.SHMSchemaMismatchError):
        everything.TreeSubscriber(root=root)

    (text,) = texts(caplog, logging.ERROR)
    assert text.startswith("SHMSchemaMismatchError: ")


@pytest.mark.parametrize("typed", [True, False])
def test_a_handler_may_close_any_receiving_end(patterns: Any, root: Path, typed: bool) -> None:
    import shmcomm

    ends: list[Any] = []

    class Closing(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "received" in record.getMessage():
                for end in ends:
                    end.close()

    handler = Closing()
    shmcomm.set_debug()
    logging.getLogger("shmcomm").addHandler(handler)
    try:
        for kind in ("job", "request"):
            if typed:
                sender = (patterns.JobsPusher if kind == "job" else patterns.DriveRequester)(root=root)
                end = (patterns.JobsPuller if kind == "job" else patterns.DriveReplier)(root=root)
                _ = sender.push(id=1) if kind == "job" else sender.start(linear=1)
            else:
                sender = (shmcomm.Pusher if kind == "job" else shmcomm.Requester)("x" + kind, root=root)
                end = (shmcomm.Puller if kind == "job" else shmcomm.Replier)("x" + kind, root=root)
                sender.send(b"abc")
            ends[:] = [end]
            got = end.recv(timeout=1000)
            assert end.closed
            del got
            sender.close()
    finally:
        logging.getLogger("shmcomm").removeHandler(handler)
        shmcomm.set_debug(False)


def test_a_handler_may_close_a_subscriber_without_a_schema(root: Path) -> None:
    import shmcomm

    with shmcomm.Publisher("x", root=root) as pub, shmcomm.Subscriber("x", root=root) as sub:

        class Closing(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                sub.close()

        handler = Closing()
        pub.send([1, 2])
        shmcomm.set_debug()
        logging.getLogger("shmcomm").addHandler(handler)
        try:
            assert sub.recv(timeout=1000) == [1, 2]
        finally:
            logging.getLogger("shmcomm").removeHandler(handler)
            shmcomm.set_debug(False)
        assert sub.closed
