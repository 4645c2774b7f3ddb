# SPDX-License-Identifier: Apache-2.0
"""Endpoints that come and go, and messages without end, leave memory and descriptors as they were. SHMCOMM_SCALE
multiplies how many."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from shmcomm import SHMReplyError

SCALE = int(os.environ.get("SHMCOMM_SCALE", "1"))
NOISE_KILOBYTES = 512  # what allocators keep for themselves


def private_kilobytes() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1])
    raise AssertionError("the kernel does not say")


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def expect_flat(count: int, cycle: Callable[[], None]) -> None:
    """`cycle` as often as it takes to settle, and then nothing has grown."""
    for _ in range(min(count // 2, 10_000)):
        cycle()
    gc.collect()
    before = descriptors(), private_kilobytes()
    for _ in range(count):
        cycle()
    gc.collect()
    assert descriptors() == before[0]
    if "LD_PRELOAD" not in os.environ:  # sanitizers keep what is freed
        assert private_kilobytes() <= before[1] + NOISE_KILOBYTES


@pytest.mark.timeout(300 * SCALE)
def test_endpoints_that_come_and_go_leave_nothing(everything: Any, root: Path) -> None:
    def cycle() -> None:
        with everything.TreePublisher(root=root) as pub, everything.TreeSubscriber(root=root) as sub:
            pub.send(id=1, name="name", data=b"1234")
            assert sub.recv(timeout=1000).data.tolist() == list(b"1234")

    expect_flat(200 * SCALE, cycle)
    assert list(root.iterdir()) == []


@pytest.mark.timeout(300 * SCALE)
def test_jobs_without_a_schema_leave_nothing(root: Path) -> None:
    import asyncio

    from shmcomm import Puller, Pusher

    def cycle() -> None:
        with Pusher("x", root=root) as pusher, Puller("x", root=root) as puller:
            pusher.send({"a": [1]})
            pusher.send(b"x" * 5000)
            assert asyncio.run(puller.arecv()) == {"a": [1]}
            assert len(puller.recv()) == 5000
            with pytest.raises(TimeoutError):
                asyncio.run(puller.arecv(timeout=1))

    expect_flat(100 * SCALE, cycle)
    assert list(root.iterdir()) == []


@pytest.mark.timeout(300 * SCALE)
def test_ends_of_calls_without_a_schema_leave_nothing(root: Path) -> None:
    import asyncio

    from shmcomm import Replier, Requester

    def cycle() -> None:
        with Requester("x", root=root) as client, Replier("x", root=root) as server:
            calls = [client.start({"a": [number]}) for number in range(3)]
            request = server.take(timeout=1000)
            request.body["itself"] = request
            request.reply(b"x" * 5000)
            assert len(calls[0].result(timeout=1000)) == 5000
            server.recv(timeout=1000)  # and is left in hand
            with pytest.raises(TimeoutError):
                asyncio.run(client.acall("nobody answers", timeout=1))

    expect_flat(100 * SCALE, cycle)
    assert list(root.iterdir()) == []


@pytest.mark.timeout(300 * SCALE)
def test_calls_without_a_schema_leave_nothing(root: Path) -> None:
    from shmcomm import Replier, Requester

    with Requester("x", root=root) as client, Replier("x", root=root) as server:

        def cycle() -> None:
            client.send({"a": [1]})
            assert server.recv(timeout=1000) == {"a": [1]}
            server.send(b"x" * 2000)
            assert len(client.recv(timeout=1000)) == 2000
            call = client.start(b"y" * 2000)
            server.take(timeout=1000)  # dropped
            with suppress(SHMReplyError):
                call.result(timeout=1000)
            client.start("given up")

        expect_flat(10_000 * SCALE, cycle)


@pytest.mark.timeout(300 * SCALE)
def test_messages_leave_nothing(everything: Any, root: Path) -> None:
    with everything.TreePublisher(root=root) as pub, everything.TreeSubscriber(root=root) as sub:

        def cycle() -> None:
            pub.send(id=1, name="name", data=b"1234", leaves=[{"id": 5}], imu={"accel": (1, 2, 3)})
            tree = sub.recv(timeout=1000)
            assert tree.leaves[0].id == 5
            assert tree.imu.accel.x == 1
            assert len(tree.data) == 4
            tree.to_dict()

        expect_flat(10_000 * SCALE, cycle)


@pytest.mark.timeout(300 * SCALE)
def test_ends_of_jobs_and_calls_that_come_and_go_leave_nothing(patterns: Any, root: Path) -> None:
    def cycle() -> None:
        with patterns.JobsPusher(root=root) as pusher, patterns.JobsPuller(root=root) as puller:
            pusher.push(id=1, tile=b"1234")
            job = puller.recv(timeout=1000)
        assert job.tile.tolist() == list(b"1234")
        with patterns.DriveReplier(root=root) as replier, patterns.DriveRequester(root=root) as requester:
            call = requester.start(linear=1.0)
            request = replier.recv(timeout=1000)
            request.reply(ok=True)
            reply = call.result()
            requester.start(linear=2.0)
        assert reply.ok

    expect_flat(100 * SCALE, cycle)
    assert list(root.iterdir()) == []


@pytest.mark.timeout(300 * SCALE)
def test_jobs_leave_nothing(patterns: Any, root: Path) -> None:
    with patterns.JobsPusher(root=root) as pusher, patterns.JobsPuller(root=root) as puller:

        def cycle() -> None:
            pusher.push(id=1, tile=b"1234", name="name", timeout=1000)
            with puller.recv(timeout=1000) as job:
                assert len(job.tile) == 4 and job.name == "name"
            with pusher.loan(tile=3) as loan:
                loan.tile[:] = 1
            with suppress(ZeroDivisionError), puller.recv(timeout=1000):
                raise ZeroDivisionError
            puller.recv(timeout=1000).done()

        expect_flat(3_000 * SCALE, cycle)


@pytest.mark.timeout(300 * SCALE)
def test_calls_leave_nothing(patterns: Any, root: Path) -> None:
    with patterns.DriveReplier(root=root) as replier, patterns.DriveRequester(root=root) as requester:

        def cycle() -> None:
            first, second = requester.start(linear=1.0, points=[1.0]), requester.start({"linear": 2.0}, timeout=1000)
            replier.recv(timeout=1000).reply(ok=True, data=b"12")
            replier.recv(timeout=1000).fail("no")
            assert first.result().data.tolist() == list(b"12")
            with suppress(SHMReplyError):
                second.result()

        expect_flat(3_000 * SCALE, cycle)
