# SPDX-License-Identifier: Apache-2.0
"""Calls without a schema in event loops."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shmcomm
from event_loops import Run, turns, watchers_of
from shmcomm import Replier, Requester
from shmcomm.event_loop import Watch

LONG = 60_000
Ends = tuple[Requester, Replier]


@pytest.fixture
def ends(root: Path) -> Iterator[Ends]:
    with Requester("x", root=root) as client, Replier("x", root=root) as server:
        yield client, server


def test_tasks_call_and_answer_on_one_loop(run: Run, ends: Ends) -> None:
    client, server = ends

    async def answer() -> None:
        async for request in server:
            if request == "fail":
                server.fail("no")
            else:
                await turns()
                server.send(None if request == "none" else ("answer", request))

    async def main() -> list[Any]:
        answering = asyncio.create_task(answer())
        with pytest.raises(shmcomm.SHMReplyError, match=r"^\S+: the replier answered with an error: no\n  options: "):
            await client.acall("fail", timeout=LONG)
        assert await client.acall("none") is None
        replies = await asyncio.gather(*(client.acall(number, timeout=LONG) for number in range(50)))
        client.send("turn")
        assert await client.arecv(timeout=LONG) == ("answer", "turn")
        answering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await answering
        return replies

    assert run(main()) == [("answer", number) for number in range(50)]
    assert watchers_of(client.fileno()) == watchers_of(server.fileno()) == 0


def test_tasks_share_a_replier_and_give_up_calls(run: Run, ends: Ends) -> None:
    client, server = ends

    async def answer(name: str) -> None:
        request = await server.atake(timeout=LONG)
        await turns()
        request.reply((name, request.body))

    async def main() -> list[Any]:
        answering = [asyncio.create_task(answer(name)) for name in ("one", "two")]
        await turns()
        replies = await asyncio.gather(client.acall(1), client.acall(2))
        await asyncio.gather(*answering)
        with pytest.raises(shmcomm.SHMTimeoutError):
            await client.acall(3, timeout=5)
        given_up = asyncio.create_task(client.acall(4))
        await turns()
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        with pytest.raises(shmcomm.SHMTimeoutError, match="no request within 5 ms"):
            await server.arecv(timeout=5)
        return replies

    assert sorted(run(main())) == [("one", 1), ("two", 2)]
    assert server.try_take() is None


def test_a_receive_of_a_task_may_be_cancelled_and_repeated(run: Run, ends: Ends) -> None:
    client, server = ends

    async def main() -> Any:
        client.send("slow")
        waiting = asyncio.create_task(client.arecv())
        await turns()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        server.send(await server.arecv(timeout=LONG) + " answer")
        return await client.arecv(timeout=LONG)

    assert run(main()) == "slow answer"


def test_close_ends_what_tasks_wait_for(run: Run, ends: Ends) -> None:
    client, server = ends

    async def main() -> list[Any]:
        async def iterate() -> list[Any]:
            return [request async for request in server]

        waiting = [asyncio.create_task(client.acall(1)), asyncio.create_task(iterate()), asyncio.create_task(iterate())]
        await turns()
        client.close()
        server.close()
        return await asyncio.gather(*waiting, return_exceptions=True)

    call, one, two = run(main())
    assert isinstance(call, shmcomm.SHMConnectionError)
    assert sorted([one, two], key=str) in ([[], []], [[], [1]]) or isinstance(one, shmcomm.SHMError)


def test_a_slow_answer_holds_no_loop_up(run: Run, ends: Ends) -> None:
    client, server = ends

    async def main() -> list[Any]:
        calls = [asyncio.create_task(client.acall(number, timeout=LONG)) for number in range(20)]
        slow = await server.atake(timeout=LONG)
        for _ in range(15):
            request = await server.atake(timeout=LONG)
            request.reply(request.body)
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        assert client.stats.sent == 16  # the ring is full until the oldest is answered
        slow.reply("at last")
        for _ in range(4):
            request = await server.atake(timeout=LONG)
            request.reply(request.body)
        return await asyncio.gather(*calls)

    assert run(main()) == ["at last", *range(1, 20)]


def test_tasks_in_line_for_a_place_are_not_forgotten(run: Run, root: Path, ends: Ends) -> None:
    client, server = ends

    async def main() -> Any:
        held = [client.start(number) for number in range(16)]
        waiting = [asyncio.create_task(client.acall("waited", timeout=LONG)) for _ in range(3)]
        await turns()
        waiting.pop().cancel()
        await turns()
        with Replier("idle", root=root) as idle, pytest.raises(shmcomm.SHMTimeoutError):
            await idle.arecv(timeout=50)  # they have looked in vain by then
        assert client.stats.sent == 16
        held.clear()  # an event tells of none of them
        for answer in ("one", "two"):
            request = await server.atake(timeout=LONG)
            assert request.body == "waited"
            request.reply(answer)
        return await asyncio.gather(*waiting)

    assert sorted(run(main())) == ["one", "two"]


def test_waiting_for_a_place_counts_against_the_time_of_a_call(run: Run, ends: Ends) -> None:
    client, _ = ends
    held = [client.start(number) for number in range(16)]

    async def main() -> None:
        with pytest.raises(shmcomm.SHMBufferFullError):
            await client.acall("no place", timeout=30)
        with pytest.raises(TypeError, match="timeout"):
            await client.acall("no place", timeout=1.5)  # type: ignore[arg-type]

    run(main())
    assert client.stats.sent == len(held)


def test_what_a_turn_costs_does_not_grow_with_the_line(run: Run, ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    client, server = ends
    sleeps = 0
    sleep = Watch.sleep

    async def counted(self: Watch, *arguments: Any) -> None:
        nonlocal sleeps
        sleeps += 1
        await sleep(self, *arguments)

    monkeypatch.setattr(Watch, "sleep", counted)

    async def answer() -> None:
        for _ in range(1000):
            request = await server.atake(timeout=LONG)
            request.reply(request.body)

    async def main() -> list[Any]:
        answering = asyncio.create_task(answer())
        replies = await asyncio.gather(*(client.acall(number, timeout=LONG) for number in range(1000)))
        await answering
        return replies

    assert run(main()) == list(range(1000))
    assert sleeps < 40 * 1000  # those 16 in flight and the first in line, twice; not a thousand for each


def test_a_call_whose_time_ran_out_in_line_is_not_sent(run: Run, ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    client, _ = ends

    def has_room(_: Requester) -> bool:  # to be had by who is first, and not yet seen by that task
        task = asyncio.current_task()
        return task is not None and task.get_name() == "late"

    monkeypatch.setattr(Requester, "_has_room", has_room)

    async def main() -> None:
        first = asyncio.create_task(client.acall("first", timeout=LONG))
        await turns()
        late = asyncio.create_task(client.acall("late", timeout=20), name="late")
        with pytest.raises(shmcomm.SHMTimeoutError, match="no turn within 20 ms"):
            await late
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)

    run(main())
    assert client.stats.sent == 0
