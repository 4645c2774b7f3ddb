# SPDX-License-Identifier: Apache-2.0
"""What ends of declared channels say to the logger."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import shmcomm
from programs import environment


@pytest.fixture
def open_end(everything: Any, patterns: Any, root: Path) -> Any:
    """Opens an end by its name."""

    def opened(name: str, **options: Any) -> Any:
        return getattr(everything if hasattr(everything, name) else patterns, name)(root=root, **options)

    return opened


@pytest.fixture
def on_record() -> Iterator[Callable[[Callable[[], None]], None]]:
    """Has a function called for every record of the logger."""
    logger = logging.getLogger("shmcomm")
    added: list[logging.Handler] = []

    class Calling(logging.Handler):
        def __init__(self, function: Callable[[], None]) -> None:
            super().__init__()
            self.function = function

        def emit(self, _: logging.LogRecord) -> None:
            self.function()

    def add(function: Callable[[], None]) -> None:
        added.append(Calling(function))
        logger.addHandler(added[-1])

    yield add
    for handler in added:
        logger.removeHandler(handler)


def texts(caplog: pytest.LogCaptureFixture, level: int = logging.WARNING) -> list[str]:
    assert all(record.name == "shmcomm" for record in caplog.records)
    return [record.getMessage() for record in caplog.records if record.levelno == level]


def test_deadlines_missed_without_a_callback_are_warned_of(open_end: Any, caplog: pytest.LogCaptureFixture) -> None:
    with open_end("BeatPublisher") as publisher, open_end("BeatSubscriber") as subscriber:
        publisher.send(id=1)
        subscriber.recv()
        with pytest.raises(shmcomm.SHMTimeoutError):
            subscriber.recv(timeout=100)
        by_subscriber = texts(caplog)
        publisher.send(id=2)

    assert len(by_subscriber) >= 1
    assert len(texts(caplog)) == len(by_subscriber) + 1  # the publisher's
    assert all("did not come within the deadline of 20ms" in text for text in texts(caplog))


@pytest.mark.parametrize("look", ["try_recv", "latest", "poll"])
def test_deadlines_missed_are_warned_of_by_looking(open_end: Any, caplog: pytest.LogCaptureFixture, look: str) -> None:
    with open_end("BeatPublisher") as publisher, open_end("BeatSubscriber") as subscriber:
        publisher.send(id=1)
        subscriber.recv()
        while not texts(caplog):
            assert not getattr(subscriber, look)()


def test_a_callback_is_told_instead_of_the_log(open_end: Any, caplog: pytest.LogCaptureFixture) -> None:
    told: list[int] = []
    with open_end("BeatPublisher") as publisher, open_end("BeatSubscriber", on_deadline_missed=told.append) as subscriber:
        publisher.send(id=1)
        subscriber.recv()
        while not told:
            subscriber.try_recv()

    assert texts(caplog) == []


def test_dead_letters_without_a_callback_are_warned_of(open_end: Any, caplog: pytest.LogCaptureFixture) -> None:
    with open_end("JobsPusher") as pusher, open_end("JobsPuller") as puller:
        pusher.push(id=1)
        for _ in range(2):
            puller.recv(timeout=60_000).give_back()
        pusher.push(id=2)
        puller.recv(timeout=60_000)
        assert puller.try_recv() is None

    assert texts(caplog) == ["patterns/jobs: 1 job was given up after the last attempt"] * 2


def test_dead_letters_of_ends_without_a_schema_are_warned_of(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    with shmcomm.Pusher("x", root=root) as pusher, shmcomm.Puller("x", root=root) as puller:
        pusher.send(b"bad")
        for _ in range(15):
            puller.recv(timeout=60_000)
            puller.give_back()
        pusher.send(b"good")
        assert puller.recv(timeout=60_000) == b"good"
        assert puller.try_recv() is None

    assert texts(caplog) == ["x: 1 job was given up after the last attempt"] * 2


def test_a_handler_of_the_log_may_use_and_close_the_end(
    open_end: Any, on_record: Callable[[Callable[[], None]], None]
) -> None:
    publisher = open_end("BeatPublisher")
    subscriber = open_end("BeatSubscriber")

    def close_both() -> None:
        publisher.close()
        subscriber.close()

    on_record(close_both)
    publisher.send(id=1)
    subscriber.recv()
    with pytest.raises(shmcomm.SHMConnectionError, match="closed"):
        subscriber.recv()
    assert subscriber.closed and publisher.closed


def test_threads_that_wait_at_once_are_all_heard(open_end: Any, caplog: pytest.LogCaptureFixture) -> None:
    stop = threading.Event()

    def miss() -> None:
        with open_end("BeatSubscriber") as subscriber:
            subscriber.recv()
            while not stop.is_set():
                subscriber.try_recv()
                subscriber.poll(timeout=1)

    with open_end("BeatPublisher") as publisher:
        threads = [threading.Thread(target=miss) for _ in range(4)]
        for thread in threads:
            thread.start()
        while len(texts(caplog)) < 20:
            publisher.send(id=1)
            time.sleep(0.03)
        stop.set()
        for thread in threads:
            thread.join()


def test_a_child_tells_only_what_it_heard_itself(open_end: Any, caplog: pytest.LogCaptureFixture) -> None:
    with open_end("BeatPublisher") as publisher, open_end("BeatSubscriber") as subscriber:
        publisher.send(id=1)
        subscriber.recv()
        while not texts(caplog):
            subscriber.try_recv()
        child = os.fork()
        if child == 0:
            caplog.clear()
            with open_end("BeatPublisher", channel="y") as own, open_end("BeatSubscriber", channel="y") as reader:
                own.send(id=1)
                reader.recv()
                while not texts(caplog):
                    reader.try_recv()
            os._exit(0 if all(text.startswith("y: ") for text in texts(caplog)) else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_the_interpreter_may_end_while_a_thread_hears_notices(root: Path, generated: Path) -> None:
    program = """
import sys, threading, time
from everything import BeatPublisher, BeatSubscriber
heard = threading.Event()
def miss():
    with BeatPublisher(root=sys.argv[1]) as pub, BeatSubscriber(root=sys.argv[1]) as sub:
        pub.send(id=1)
        sub.recv()
        while True:
            sub.poll(timeout=1)
            if sub.stats.deadlines_missed: heard.set()
threading.Thread(target=miss, daemon=True).start()
heard.wait()
"""
    done = subprocess.run(
        [sys.executable, "-c", program, root], env=environment(generated), capture_output=True, check=True, timeout=60
    )

    assert (done.stdout, done.stderr) == (b"", b"")
