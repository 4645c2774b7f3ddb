# SPDX-License-Identifier: Apache-2.0
"""Waiting: other threads run, Ctrl-C ends it, close() ends it."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
from programs import end, hear, in_thread, start, tell, wait_until_asleep


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
import sys
import everything, patterns
root, how = sys.argv[1:]
kinds = {"sub": everything.TreeSubscriber, "puller": patterns.JobsPuller, "replier": patterns.DriveReplier}
def receiving(kind):
    end = kinds[kind](root=root)
    return {"recv": end.recv, "long": lambda: end.recv(timeout=600_000), "iterate": lambda: next(iter(end)), "poll": lambda: end.poll(timeout=None)}
def push():
    pusher = patterns.JobsPusher(root=root)
    while True: pusher.push(id=1)
def loan():
    pusher = patterns.JobsPusher(root=root)
    while True:
        with pusher.loan(id=1): pass
def send():
    pub, sub = everything.SurePublisher(root=root), everything.SureSubscriber(root=root)
    while True: pub.send(id=1)
def call():
    replier, requester = patterns.DriveReplier(root=root), patterns.DriveRequester(root=root)
    requester.call(linear=1.0)
def result():
    replier, requester = patterns.DriveReplier(root=root), patterns.DriveRequester(root=root)
    requester.start(linear=1.0).result()
def replier():
    patterns.DriveRequester(root=root, wait_for_replier=True).call(linear=1.0)
def serve():
    patterns.DriveReplier(root=root).serve(print)
kind, _, what = how.partition(".")
wait = receiving(kind)[what] if what else globals()[kind]
try:
    print("waiting")
    wait()
except KeyboardInterrupt:
    print("interrupted")
"""
RECEIVING = [f"{kind}.{how}" for kind in ("sub", "puller", "replier") for how in ("recv", "long", "iterate", "poll")]


@pytest.mark.parametrize("how", [*RECEIVING, "push", "loan", "send", "call", "result", "replier", "serve"])
def test_control_c_ends_a_wait(generated: Path, root: Path, how: str) -> None:
    child = start(INTERRUPTED, root, how, generated=generated)
    assert hear(child) == "waiting"
    wait_until_asleep(child.pid)
    child.send_signal(signal.SIGINT)

    assert hear(child) == "interrupted"
    assert end(child) == 0
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("how", ["push", "send"])
def test_close_from_another_thread_ends_a_wait_for_room(patterns: Any, everything: Any, root: Path, how: str) -> None:
    import shmcomm

    end_of = {"push": patterns.JobsPusher, "send": everything.SurePublisher}
    sender, reader = end_of[how](root=root), everything.SureSubscriber(root=root)
    sent: list[int] = []

    def send_without_end() -> None:
        while True:
            getattr(sender, how)(id=1)
            sent.append(1)

    thread, outcome = in_thread(send_without_end)
    while not sent:
        os.sched_yield()
    while thread.is_alive():
        sender.close()
        thread.join(0.01)

    assert isinstance(outcome[0], shmcomm.SHMConnectionError)
    reader.close()


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
