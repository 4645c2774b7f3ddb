# SPDX-License-Identifier: Apache-2.0
"""Waiting: other threads run, Ctrl-C ends it, close() ends it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from programs import end, hear, start, tell, wait_until_asleep


def in_thread(work: Callable[[], object]) -> tuple[threading.Thread, list[Any]]:
    """Runs `work`; the list then holds its answer or its exception."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(work())
        except Exception as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, outcome


def test_a_waiting_thread_lets_others_run(everything: Any, root: Path) -> None:
    with everything.TreePublisher(root=root) as pub, everything.TreeSubscriber(root=root) as sub:
        thread, outcome = in_thread(lambda: sub.recv(timeout=60_000).id)
        pub.send(id=5, data=b"")  # runs only if the waiting thread gave way
        thread.join()

        assert outcome == [5]


def test_close_from_another_thread_ends_a_wait(everything: Any, root: Path) -> None:
    import shmcomm

    sub = everything.TreeSubscriber(root=root)
    thread, outcome = in_thread(sub.recv)
    waiting = threading.Event()
    while not waiting.is_set():
        sub.close()
        thread.join(0.01)
        if not thread.is_alive():
            waiting.set()

    assert isinstance(outcome[0], shmcomm.SHMConnectionError)
    assert sub.closed


def test_two_threads_on_one_subscriber_are_told_apart(everything: Any, root: Path) -> None:
    import shmcomm

    with everything.TreePublisher(root=root) as pub, everything.TreeSubscriber(root=root) as sub:
        thread, outcome = in_thread(sub.recv)
        refused = None
        while refused is None:
            try:
                sub.try_recv()
            except shmcomm.SHMError as error:
                refused = error
        pub.send(id=1, data=b"")
        thread.join()

        assert "another thread is waiting" in str(refused)
        assert outcome[0].id == 1


def test_a_publisher_cannot_be_closed_by_a_value_it_sends(everything: Any, root: Path) -> None:
    import shmcomm

    pub = everything.TreePublisher(root=root)

    class Closing:
        def __index__(self) -> int:
            pub.close()
            return 1

    with pytest.raises(shmcomm.SHMError, match="closed while it sends"):
        pub.send(id=Closing(), data=b"")
    pub.send(data=b"")
    pub.close()


def test_a_value_may_send_another_message(everything: Any, root: Path) -> None:
    with everything.TreePublisher(root=root) as pub, everything.TreeSubscriber(root=root) as sub:

        class Sending:
            def __index__(self) -> int:
                pub.send(id=1, data=b"inner")
                return 2

        pub.send(id=Sending(), data=b"outer", names=["a"])

        assert [(m.id, bytes(m.data)) for m in (sub.recv(timeout=1000), sub.recv(timeout=1000))] == [(1, b"inner"), (2, b"outer")]


def test_a_send_that_waits_lets_the_reading_thread_run(everything: Any, root: Path) -> None:
    with everything.SurePublisher(root=root) as pub, everything.SureSubscriber(root=root) as sub:
        thread, outcome = in_thread(lambda: [sub.recv(timeout=60_000).id for _ in range(200)])
        for i in range(200):
            pub.send(id=i)
        thread.join()

        assert outcome == [list(range(200))]


INTERRUPTED = """
import signal, sys, time
import everything
sub = everything.TreeSubscriber(root=sys.argv[1])
waits = {"recv": sub.recv, "long": lambda: sub.recv(timeout=600_000), "iterate": lambda: next(iter(sub)), "poll": lambda: sub.poll(timeout=None)}
try:
    print("waiting")
    waits[sys.argv[2]]()
except KeyboardInterrupt:
    print("interrupted")
sub.close()
"""


@pytest.mark.parametrize("how", ["recv", "long", "iterate", "poll"])
def test_control_c_ends_a_wait(generated: Path, root: Path, how: str) -> None:
    child = start(INTERRUPTED, root, how, generated=generated)
    assert hear(child) == "waiting"
    wait_until_asleep(child.pid)
    child.send_signal(signal.SIGINT)

    assert hear(child) == "interrupted"
    assert end(child) == 0


def test_a_signal_handler_that_closes_ends_the_wait(everything: Any, root: Path) -> None:
    import shmcomm

    sub = everything.TreeSubscriber(root=root)
    previous = signal.signal(signal.SIGALRM, lambda *_: sub.close())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        with pytest.raises(shmcomm.SHMConnectionError, match="closed"):
            sub.recv()
    finally:
        signal.signal(signal.SIGALRM, previous)


def test_a_signal_handler_that_returns_lets_the_wait_go_on(everything: Any, root: Path) -> None:
    with everything.TreePublisher(root=root) as pub, everything.TreeSubscriber(root=root) as sub:
        previous = signal.signal(signal.SIGALRM, lambda *_: pub.send(id=3, data=b""))
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.02)
            assert sub.recv().id == 3
        finally:
            signal.signal(signal.SIGALRM, previous)


ECHO = """
import sys
import everything
with everything.TreeSubscriber("there", root=sys.argv[1]) as sub, everything.TreePublisher("back", root=sys.argv[1]) as pub:
    print("ready")
    for tree in sub:
        pub.send(tree)
        if tree.id == 0:
            break
    sys.stdin.readline()
"""


def test_messages_travel_between_processes(everything: Any, generated: Path, root: Path) -> None:
    with everything.TreePublisher("there", root=root) as pub, everything.TreeSubscriber("back", root=root) as sub:
        child = start(ECHO, root, generated=generated)
        assert hear(child) == "ready"
        for number in [*range(1, 20), 0]:
            data = os.urandom(number * 50_000 + 1)
            pub.send(id=number, data=data, names=[str(number)], points=[(number, 0, 0)] * number)
            answer = sub.recv(timeout=60_000)

            assert (answer.id, bytes(answer.data), answer.names[0]) == (number, data, str(number))
            assert answer.points["x"].sum() == number * number
        tell(child)
        assert end(child) == 0


def test_a_killed_publisher_disturbs_nobody(everything: Any, generated: Path, root: Path) -> None:
    program = """
import sys
import everything
pub = everything.TreePublisher(root=sys.argv[1])
pub.send(id=int(sys.argv[2]), data=b"from the dead")
print("sent")
sys.stdin.readline()
"""
    with everything.TreeSubscriber(root=root) as sub:
        for number in range(3):
            child = start(program, root, number, generated=generated)
            assert hear(child) == "sent"
            tree = sub.recv(timeout=60_000)
            child.kill()
            end(child)

            assert (tree.id, bytes(tree.data)) == (number, b"from the dead")


def test_use_after_fork_is_refused(everything: Any, root: Path) -> None:
    import shmcomm

    with everything.TreePublisher(root=root) as pub, everything.TreeSubscriber(root=root) as sub:
        pub.send(id=1, data=b"abc")
        sample = sub.recv(timeout=1000)
        child = os.fork()
        if child == 0:
            refused = 0
            for call in (lambda: pub.send(data=b""), lambda: sub.recv(timeout=10), sub.try_recv, sub.poll):
                try:
                    call()
                except shmcomm.SHMConnectionError as error:
                    refused += "fork" in str(error)
            same = bytes(sample.data) == b"abc"
            del sample
            os._exit(refused if same else 99)
        _, status = os.waitpid(child, 0)

        assert os.waitstatus_to_exitcode(status) == 4
        pub.send(id=2, data=b"")
        assert (sub.recv(timeout=1000).id, bytes(sample.data)) == (2, b"abc")
