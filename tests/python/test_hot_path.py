# SPDX-License-Identifier: Apache-2.0
"""Each kind of end sends and receives without leaving anything behind, and opens and closes so; and without asking for more for
a moment than what it gives out. SHMCOMM_SCALE multiplies how
often, and what was reached is printed."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shmcomm
from test_leaks import SCALE, expect_flat

KINDS = ["typed messages", "typed jobs", "typed calls", "messages", "jobs", "calls"]
FEW_BYTES = 4096
FEW_BLOCKS = 64
Exchange = Callable[[], None]


@pytest.fixture
def open_pair(everything: Any, patterns: Any, root: Path) -> Callable[[str, ExitStack], Exchange]:
    """Opens two ends of a kind until the stack is left; the answer sends one message, and a reply where there are some."""

    def opened(kind: str, stack: ExitStack) -> Exchange:
        def end(make: Any, *names: str) -> Any:
            return stack.enter_context(make(*names, root=root))

        if kind == "typed messages":
            pub, sub = end(everything.TreePublisher), end(everything.TreeSubscriber)
            return lambda: check(pub.send(id=1, data=b"1234") and sub.recv().data[3], ord("4"))
        if kind == "typed jobs":
            pusher, puller = end(patterns.JobsPusher), end(patterns.JobsPuller)
            return lambda: check(pusher.push(id=1, tile=b"1234") or puller.recv().tile[3], ord("4"))
        if kind == "typed calls":
            replier, requester = end(patterns.DriveReplier), end(patterns.DriveRequester)
            return lambda: call(requester.start(linear=1.0), lambda: replier.recv().reply(message="yes"), "yes")
        if kind == "messages":
            pub, sub = end(shmcomm.Publisher, "m"), end(shmcomm.Subscriber, "m")
            return lambda: check(pub.send({"a": 1}) and sub.recv(), {"a": 1})
        if kind == "jobs":
            pusher, puller = end(shmcomm.Pusher, "j"), end(shmcomm.Puller, "j")
            return lambda: check(pusher.send({"a": 1}) and puller.recv(), {"a": 1})
        client, server = end(shmcomm.Requester, "c"), end(shmcomm.Replier, "c")
        return lambda: call(client.start({"a": 1}), lambda: server.take().reply({"b": 2}), {"b": 2})

    return opened


def check(got: object, wanted: object) -> None:
    assert got == wanted


def call(started: Any, answer: Callable[[], object], wanted: object) -> None:
    answer()
    reply = started.result()
    assert (reply.message if hasattr(reply, "message") else reply) == wanted


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_stays_allocated_per_message(open_pair: Any, kind: str) -> None:
    with ExitStack() as stack:
        exchange = open_pair(kind, stack)
        for _ in range(300):
            exchange()
        gc.collect()
        gc.disable()  # what only a collection would free is garbage of the hot path
        tracemalloc.start()
        try:
            for _ in range(100):
                exchange()
            bytes_before, blocks_before = tracemalloc.get_traced_memory()[0], sys.getallocatedblocks()
            for _ in range(1000):
                exchange()
            bytes_after, blocks_after = tracemalloc.get_traced_memory()[0], sys.getallocatedblocks()
        finally:
            tracemalloc.stop()
            gc.enable()

    assert bytes_after - bytes_before < FEW_BYTES
    assert blocks_after - blocks_before < FEW_BLOCKS


def most_at_once(work: Callable[[], object]) -> int:
    """How many bytes of Python's memory `work` needs at once, at most, beyond what was there."""

    def measured(measure: Callable[[], object]) -> int:
        most = 0
        for _ in range(100):
            before = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            measure()
            most = max(most, tracemalloc.get_traced_memory()[1] - before)
        return most

    for _ in range(300):
        work()
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        measured(work)
        return measured(work) - measured(lambda: None)  # which measures the measuring
    finally:
        tracemalloc.stop()
        gc.enable()


OF_A_FRAME = 0 if sys.version_info >= (3, 11) else 512  # before, that of a Python function was an object
OF_A_FEW_NUMBERS = 256  # a received message as an object, and the numbers that are read
OF_A_PICKLER = 8192
OF_ALL_BUT_THE_ARRAY = 65_536


@pytest.mark.parametrize("kind", ["struct", "table", "bytes"])
def test_sending_needs_no_memory_of_python_even_for_a_moment(everything: Any, root: Path, kind: str) -> None:
    data = bytes(64)
    with everything.ImuPublisher(root=root) as imu, everything.TreePublisher(root=root) as tree, shmcomm.Publisher("b", root=root) as pub:
        send = {
            "struct": lambda: imu.send(stamp_ns=5),
            "table": lambda: tree.send(id=1, data=data),
            "bytes": lambda: pub.send(data),
        }[kind]

        assert most_at_once(send) <= OF_A_FRAME


def test_a_received_message_needs_its_object_and_no_more(everything: Any, root: Path) -> None:
    with everything.ImuPublisher(root=root) as pub, everything.ImuSubscriber(root=root) as sub:
        assert 0 < most_at_once(lambda: pub.send(stamp_ns=5) and sub.try_recv()) <= OF_A_FEW_NUMBERS
        assert most_at_once(lambda: pub.send(stamp_ns=5) and sub.recv().stamp_ns) <= OF_A_FEW_NUMBERS
    with everything.TreePublisher(root=root) as pub, everything.TreeSubscriber(root=root) as sub:
        data = bytes(100_000)
        assert most_at_once(lambda: pub.send(id=1, data=data) and sub.recv()) <= OF_A_FEW_NUMBERS


@pytest.mark.parametrize("until", ["sent", "received"])
def test_an_array_within_an_object_is_written_once_into_shared_memory(root: Path, until: str) -> None:
    frame = {"stamp": 1, "image": np.zeros((1024, 1024, 8), np.uint8)}
    with shmcomm.Publisher("x", root=root) as pub, shmcomm.Subscriber("x", root=root) as sub:
        if until == "sent":
            assert most_at_once(lambda: pub.send(frame)) <= OF_ALL_BUT_THE_ARRAY
        else:
            assert most_at_once(lambda: pub.send(frame) and sub.recv()) <= OF_ALL_BUT_THE_ARRAY
            assert most_at_once(lambda: pub.send(frame) and sub.recv(copy=True)) > 1024 * 1024 * 8


def test_an_object_needs_what_pickling_it_does(root: Path) -> None:
    with shmcomm.Publisher("x", root=root) as pub, shmcomm.Subscriber("x", root=root) as sub:
        assert most_at_once(lambda: pub.send({"a": 1}) and sub.recv()) <= OF_A_PICKLER


@pytest.mark.timeout(300 * SCALE)
@pytest.mark.parametrize("kind", KINDS)
def test_messages_leave_memory_flat(open_pair: Any, kind: str) -> None:
    count = 4_000 * SCALE
    with ExitStack() as stack:
        expect_flat(count, open_pair(kind, stack))
    print(f"\nleaks_python {kind.replace(' ', '_')} sent {count}")


@pytest.mark.timeout(300 * SCALE)
@pytest.mark.parametrize("kind", KINDS)
def test_ends_that_come_and_go_leave_memory_flat(open_pair: Any, root: Path, kind: str) -> None:
    def cycle() -> None:
        with ExitStack() as stack:
            open_pair(kind, stack)()

    count = 670 * SCALE
    expect_flat(count, cycle)
    assert list(root.iterdir()) == []
    print(f"\nleaks_python {kind.replace(' ', '_')} opened {count}")
