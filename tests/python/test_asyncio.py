# SPDX-License-Identifier: Apache-2.0
"""Subscribers in event loops: they wait without a thread, and leave nothing behind when the wait is over."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from event_loops import Run, threads, turns, watchers_of
from programs import end, hear, start, tell, wait_until_asleep
from shmcomm.event_loop import Watch

ECHO = """
import asyncio, sys
from shmcomm import Publisher, Subscriber
async def main():
    with Subscriber("question", root=sys.argv[1]) as sub, Publisher("answer", root=sys.argv[1]) as pub:
        print("ready")
        async for message in sub:
            pub.send(message)
            if message is None:
                break
asyncio.run(main())
"""


def test_messages_travel_between_event_loops_of_two_processes(run: Run, generated: Path, root: Path) -> None:
    from shmcomm import Publisher, Subscriber

    async def ask() -> list[object]:
        return [pub.send(message) and await sub.arecv() for message in ("text", b"raw" * 1000, {"a": 1}, None)]

    echo = start(ECHO, root, generated=generated)
    with Subscriber("answer", root=root) as sub, Publisher("question", root=root) as pub:
        assert hear(echo) == "ready"

        assert run(ask()) == ["text", b"raw" * 1000, {"a": 1}, None]
    assert end(echo) == 0


def test_typed_messages_arrive(run: Run, everything: Any, root: Path) -> None:
    async def receive() -> list[int]:
        ids = []
        asyncio.get_running_loop().call_later(0.02, lambda: pub.send(id=2, data=b""))
        pub.send(id=1, data=b"")
        async for tree in sub:
            ids.append(tree.id)
            if tree.id == 2:
                pub.send(id=3, data=b"")
                ids.append((await sub.arecv(timeout=60_000)).id)
                return ids
        raise AssertionError

    with everything.TreePublisher(root=root) as pub, everything.TreeSubscriber(root=root) as sub:
        assert run(receive()) == [1, 2, 3]


def test_jobs_arrive_and_are_done(run: Run, patterns: Any, root: Path) -> None:
    async def work() -> list[int]:
        waiting = asyncio.create_task(puller.arecv(timeout=60_000))
        await turns()
        for number in range(3):
            pusher.push(id=number)
        with await waiting as job:
            done = [job.id]
        async for job in puller:
            with job:
                done.append(job.id)
                if job.id == 2:
                    break
        with pytest.raises(TimeoutError, match="no job within 5 ms"):
            await puller.arecv(timeout=5)
        return done

    with patterns.JobsPusher(root=root) as pusher, patterns.JobsPuller(root=root) as puller:
        assert run(work()) == [0, 1, 2]


def test_nothing_in_time_is_a_timeout_error(run: Run, everything: Any, root: Path) -> None:
    from shmcomm import SHMTimeoutError, Subscriber

    async def wait() -> None:
        for sub in (untyped, typed):
            for timeout in (0, 20, timedelta(microseconds=1500)):
                with pytest.raises(SHMTimeoutError, match="no message within") as raised:
                    await sub.arecv(timeout=timeout)
                assert isinstance(raised.value, TimeoutError)
            assert watchers_of(sub.fileno()) == 0

    with Subscriber("x", root=root) as untyped, everything.TreeSubscriber(root=root) as typed:
        run(wait())


@pytest.mark.parametrize(("timeout", "error"), [(0.5, TypeError), ("1", TypeError), (-1, ValueError)])
def test_a_wrong_timeout_is_named(root: Path, timeout: Any, error: type[Exception]) -> None:
    from shmcomm import Subscriber

    with Subscriber("x", root=root) as sub, pytest.raises(error, match="timeout"):
        asyncio.run(sub.arecv(timeout=timeout))


def test_a_cancelled_wait_leaves_nothing_watched(run: Run, root: Path) -> None:
    from shmcomm import Publisher, Subscriber

    async def wait() -> None:
        task = asyncio.create_task(sub.arecv(timeout=60_000))
        await turns()
        assert watchers_of(sub.fileno()) == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert watchers_of(sub.fileno()) == 0
        timers = getattr(asyncio.get_running_loop(), "_scheduled", [])
        assert [timer for timer in timers if not timer.cancelled()] == []
        pub.send("after")
        assert await sub.arecv() == "after"
        assert watchers_of(sub.fileno()) == 0

    with Publisher("x", root=root) as pub, Subscriber("x", root=root) as sub:
        run(wait())


def test_a_cancellation_at_any_moment_loses_no_message(run: Run, root: Path) -> None:
    from shmcomm import Publisher, Subscriber

    async def cancel(number: int) -> object:
        task = asyncio.create_task(sub.arecv())
        await turns(number % 7)
        pub.send(number)
        await turns(number // 7 % 7)
        task.cancel()
        try:
            return await task
        except asyncio.CancelledError:
            return sub.try_recv("lost")

    async def all_of_them() -> list[object]:
        return [await cancel(number) for number in range(490)]

    with Publisher("x", root=root) as pub, Subscriber("x", root=root) as sub:
        assert run(all_of_them()) == list(range(490))


@pytest.mark.parametrize("how", ["arecv", "async for"])
def test_close_ends_a_wait(run: Run, root: Path, how: str) -> None:
    from shmcomm import SHMConnectionError, Subscriber

    async def each(sub: Subscriber) -> list[object]:
        return [message async for message in sub]

    async def main() -> object:
        sub = Subscriber("x", root=root)
        waiting = asyncio.create_task(sub.arecv() if how == "arecv" else each(sub))
        await turns()
        descriptor = sub.fileno()
        sub.close()
        assert sub.closed and watchers_of(descriptor) == 0
        return await waiting

    if how == "async for":
        assert run(main()) == []
    else:
        with pytest.raises(SHMConnectionError, match="closed"):
            run(main())


def test_close_from_another_thread_ends_a_wait(
    run: Run, everything: Any, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rouse(watch: Watch) -> None:
        assert threading.get_ident() == loop_thread, "a thread that is not the loop's wakes its tasks"
        rouse_as_always(watch)

    loop_thread, rouse_as_always = threading.get_ident(), Watch.rouse
    monkeypatch.setattr(Watch, "rouse", rouse)

    async def main() -> None:
        asyncio.get_running_loop().set_debug(True)  # calls from a wrong thread are errors
        subs = everything.TreeSubscriber(root=root), everything.TreeSubscriber("two", root=root)
        waiting = [asyncio.create_task(_drain(sub)) for sub in subs]
        await turns()
        await asyncio.to_thread(lambda: [sub.close() for sub in subs])
        assert await asyncio.gather(*waiting) == [[], []]
        assert all(sub.closed for sub in subs)

    run(main())


async def _drain(sub: Any) -> list[Any]:
    return [message async for message in sub]


def test_fifty_channels_wait_on_one_loop_without_a_thread(run: Run, root: Path) -> None:
    from shmcomm import Publisher, Subscriber

    async def main() -> list[object]:
        waiting = [asyncio.create_task(sub.arecv()) for sub in subs]
        await turns()
        assert threads() <= before, "one was started"  # another test's may have ended
        for number, pub in enumerate(pubs):
            pub.send(number)
        got = await asyncio.gather(*waiting)
        assert [watchers_of(sub.fileno()) for sub in subs] == [0] * 50
        return got

    before = threads()
    pubs = [Publisher(f"c{number}", root=root) for number in range(50)]
    subs = [Subscriber(f"c{number}", root=root) for number in range(50)]
    try:
        assert run(main()) == list(range(50))
    finally:
        for each in (*pubs, *subs):
            each.close()


def test_tasks_that_wait_for_one_subscriber_share_its_messages(run: Run, root: Path) -> None:
    from shmcomm import Publisher, Subscriber

    async def main() -> list[object]:
        waiting = [asyncio.create_task(sub.arecv(timeout=60_000)) for _ in range(5)]
        await turns()
        for number in range(5):
            pub.send(number)
            await turns(number)
        return await asyncio.gather(*waiting)

    with Publisher("x", root=root) as pub, Subscriber("x", root=root) as sub:
        assert sorted(run(main())) == list(range(5))


def test_a_channel_that_never_runs_dry_leaves_others_their_turn(run: Run, root: Path) -> None:
    from shmcomm import Publisher, Subscriber

    async def main() -> None:
        stop = asyncio.get_running_loop().create_future()

        async def flood() -> None:
            async for _ in sub:
                pub.send(b"again")
                if stop.done():
                    return

        pub.send(b"first")
        flooded = asyncio.create_task(flood())
        await turns(5)
        stop.set_result(None)
        await flooded

    with Publisher("x", root=root) as pub, Subscriber("x", root=root) as sub:
        run(main())


def test_a_second_loop_is_refused(root: Path) -> None:
    from shmcomm import Publisher, SHMError, Subscriber

    refused = []

    def elsewhere() -> None:
        with pytest.raises(SHMError, match="another event loop") as raised:
            asyncio.run(sub.arecv(timeout=60_000))
        refused.append(raised.value)

    async def main() -> object:
        waiting = asyncio.create_task(sub.arecv())
        await turns()
        await asyncio.get_running_loop().run_in_executor(None, elsewhere)
        pub.send("here")
        return await waiting

    with Publisher("x", root=root) as pub, Subscriber("x", root=root) as sub:
        assert asyncio.run(main()) == "here"
        assert len(refused) == 1


def test_one_loop_after_another_may_wait(run: Run, root: Path) -> None:
    from shmcomm import Publisher, Subscriber

    async def leave_behind() -> None:
        tasks.append(asyncio.create_task(sub.arecv()))
        await turns()

    tasks: list[asyncio.Task[object]] = []
    with Publisher("x", root=root) as pub, Subscriber("x", root=root) as sub:
        run(leave_behind())
        assert tasks[0].cancelled() and watchers_of(sub.fileno()) == 0
        pub.send("next")

        assert run(sub.arecv()) == "next"


def test_a_loop_that_was_closed_over_a_wait_does_not_matter(root: Path) -> None:
    from shmcomm import Publisher, Subscriber

    with Publisher("x", root=root) as pub, Subscriber("x", root=root) as sub:
        loop = asyncio.new_event_loop()
        task = loop.create_task(sub.arecv())
        loop.run_until_complete(turns())
        loop.close()
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        task.get_coro().close()
        pub.send("next")

        assert asyncio.run(sub.arecv()) == "next"


def test_errors_of_a_take_are_raised(run: Run, root: Path) -> None:
    from shmcomm import Publisher, SHMBufferFullError, Subscriber

    async def main() -> None:
        held = [await sub.arecv() for _ in range(6)]
        with pytest.raises(SHMBufferFullError, match="borrowed"):
            await sub.arecv()
        del held
        assert bytes(await sub.arecv(copy=True)) == b"6" * 5000

    with Publisher("x", root=root) as pub, Subscriber("x", root=root) as sub:
        for number in range(7):
            pub.send(b"%d" % number * 5000)
        run(main())


def test_a_closed_subscriber_answers_at_once(run: Run, root: Path) -> None:
    from shmcomm import SHMConnectionError, Subscriber

    sub = Subscriber("x", root=root)
    sub.close()

    assert run(_drain(sub)) == []
    with pytest.raises(SHMConnectionError, match="closed"):
        run(sub.arecv())
    with pytest.raises(SHMConnectionError, match="closed"):
        sub.fileno()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_is_refused(root: Path) -> None:
    from shmcomm import Publisher, SHMConnectionError, Subscriber

    with Publisher("x", root=root) as pub, Subscriber("x", root=root) as sub:
        sub.fileno()
        child = os.fork()
        if child == 0:
            refused = 0
            for call in (lambda: asyncio.run(sub.arecv()), sub.fileno):
                try:
                    call()
                except SHMConnectionError as error:
                    refused += "fork" in str(error)
            os._exit(refused)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
        pub.send("parent")
        assert asyncio.run(sub.arecv()) == "parent"


INTERRUPTED = """
import asyncio, sys
from shmcomm import Subscriber
with Subscriber("x", root=sys.argv[1]) as sub:
    print("waiting")
    try:
        asyncio.run(sub.arecv())
    except KeyboardInterrupt:
        print("interrupted")
    print(sub.try_recv("nothing"))
"""


def test_ctrl_c_ends_a_wait(generated: Path, root: Path) -> None:
    child = start(INTERRUPTED, root, generated=generated)
    assert hear(child) == "waiting"
    wait_until_asleep(child.pid)
    child.send_signal(signal.SIGINT)

    assert hear(child) == "interrupted"
    assert hear(child) == "nothing"
    assert end(child) == 0


KILLED = """
import sys
from shmcomm import Publisher
pub = Publisher("x", root=sys.argv[1])
print("ready")
for line in sys.stdin:
    pub.send(line.strip())
"""


def test_a_killed_publisher_leaves_the_wait_to_the_next(run: Run, generated: Path, root: Path) -> None:
    from shmcomm import Subscriber

    async def main() -> None:
        for name in ("one", "two"):
            child = start(KILLED, root, generated=generated)
            assert hear(child) == "ready"
            waiting = asyncio.create_task(sub.arecv())
            await turns()
            tell(child, name)
            assert await waiting == name
            child.kill()
            end(child)

    with Subscriber("x", root=root) as sub:
        run(main())


def test_the_descriptor_is_readable_when_a_message_is_there(everything: Any, root: Path) -> None:
    with everything.TreePublisher(root=root) as pub, everything.TreeSubscriber(root=root) as sub:
        descriptor = sub.fileno()
        assert sub.try_recv() is None
        assert select.select([sub], [], [], 0)[0] == []
        pub.send(id=1, data=b"")

        assert select.select([descriptor], [], [], 60)[0] == [descriptor]
        assert sub.try_recv().id == 1 and sub.try_recv() is None
        assert select.select([sub], [], [], 0)[0] == []
        assert sub.fileno() == descriptor
