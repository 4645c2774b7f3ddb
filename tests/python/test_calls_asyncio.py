# SPDX-License-Identifier: Apache-2.0
"""Calls with a schema in event loops: what has to wait holds no loop up."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shmcomm
from event_loops import Run, turns

LONG = 60_000
IN_FLIGHT = 4  # calls of one requester
CAPACITY = 16


@pytest.fixture
def requester(patterns: Any, root: Path) -> Iterator[Any]:
    with patterns.DriveRequester(root=root) as opened:
        yield opened


@pytest.fixture
def replier(patterns: Any, root: Path) -> Iterator[Any]:
    with patterns.DriveReplier(root=root) as opened:
        yield opened


def test_more_calls_than_may_be_in_flight_take_turns(run: Run, requester: Any, replier: Any) -> None:
    async def call(number: int) -> Any:
        reply = await requester.acall(linear=float(number), timeout=LONG)
        return reply.message  # so that nothing stays borrowed

    async def main() -> list[Any]:
        calls = [asyncio.create_task(call(number)) for number in range(10)]
        await turns()
        assert requester.stats.sent == IN_FLIGHT
        for _ in calls:
            request = await replier.arecv(timeout=LONG)
            request.reply(message=str(request.linear))
        return await asyncio.gather(*calls)

    assert run(main()) == [str(float(number)) for number in range(10)]


def test_who_calls_again_stands_behind_those_that_wait(run: Run, patterns: Any, root: Path, replier: Any) -> None:
    async def call(requester: Any, *numbers: float) -> None:
        for number in numbers:
            await requester.acall(linear=number, timeout=LONG)

    async def main(requester: Any) -> list[float]:
        calls = [asyncio.create_task(call(requester, 1.0, 3.0)), asyncio.create_task(call(requester, 2.0))]
        taken = []
        for _ in range(3):
            request = await replier.arecv(timeout=LONG)
            taken.append(request.linear)
            request.reply(message="")
        await asyncio.gather(*calls)
        return taken

    with patterns.DriveRequester(root=root, max_in_flight=1) as requester:
        assert run(main(requester)) == [1.0, 2.0, 3.0]


def test_a_call_into_a_full_channel_holds_no_loop_up(run: Run, patterns: Any, root: Path, requester: Any, replier: Any) -> None:
    others = [patterns.DriveRequester(root=root) for _ in range(CAPACITY // IN_FLIGHT)]
    filling = [other.start(linear=1.0) for other in others for _ in range(IN_FLIGHT)]

    async def main() -> Any:
        call = asyncio.create_task(requester.acall({"linear": 2.0}, timeout=LONG))
        await turns()
        assert not call.done() and requester.stats.sent == 0
        for _ in range(len(filling) + 1):
            request = await replier.arecv(timeout=LONG)
            request.reply(message=str(request.linear))
        return (await call).message

    assert run(main()) == "2.0"
    for other in others:
        other.close()


def test_waiting_for_a_turn_counts_against_the_time_of_a_call(run: Run, requester: Any, replier: Any) -> None:
    held = [requester.start(linear=1.0) for _ in range(IN_FLIGHT)]

    async def main() -> None:
        with pytest.raises(shmcomm.SHMBufferFullError):
            await requester.acall(linear=2.0, timeout=30)
        with pytest.raises(TypeError, match="timeout"):
            await requester.acall(linear=2.0, timeout=1.5)

    run(main())
    assert requester.stats.sent == len(held)


def test_a_replier_is_waited_for_while_other_tasks_run(run: Run, patterns: Any, root: Path) -> None:
    async def main() -> Any:
        with patterns.DriveRequester(root=root, wait_for_replier=True) as requester:
            with pytest.raises(shmcomm.SHMTimeoutError, match="no replier came in time; nothing was sent"):
                await requester.acall(linear=1.0, timeout=30)
            call = asyncio.create_task(requester.acall(linear=1.0, timeout=LONG))
            await turns()
            with patterns.DriveReplier(root=root) as replier:
                request = await replier.arecv(timeout=LONG)
                request.reply(message="here")
                return (await call).message

    assert run(main()) == "here"


def test_a_field_called_timeout_is_the_field_though_the_call_waits(run: Run, patterns: Any, root: Path) -> None:
    async def main() -> tuple[int, int]:
        with patterns.WalkRequester(root=root, wait_for_replier=True) as requester:
            call = asyncio.create_task(requester.acall(x=1, timeout=7))
            await turns()
            with patterns.WalkReplier(root=root) as replier:
                request = await replier.arecv(timeout=LONG)
                request.reply(x=request.x, timeout=request.timeout)
                reply = await call
                return reply.x, reply.timeout

    assert run(main()) == (1, 7)


def test_close_ends_a_wait_for_a_turn(run: Run, requester: Any, replier: Any) -> None:
    held = [requester.start(linear=1.0) for _ in range(IN_FLIGHT)]

    async def main() -> None:
        call = asyncio.create_task(requester.acall(linear=2.0))
        await turns()
        requester.close()
        with pytest.raises(shmcomm.SHMConnectionError):
            await call

    run(main())
    assert len(held) == IN_FLIGHT
