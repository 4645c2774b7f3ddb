# SPDX-License-Identifier: Apache-2.0
"""Requesters and repliers: calls, several at once, and how they end."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shmcomm
from programs import end, hear, in_thread, start
from shmcomm.typed import Request


@pytest.fixture
def requester(patterns: Any, root: Path) -> Iterator[Any]:
    with patterns.DriveRequester(root=root) as opened:
        yield opened


@pytest.fixture
def replier(patterns: Any, root: Path) -> Iterator[Any]:
    with patterns.DriveReplier(root=root) as opened:
        yield opened


@pytest.fixture
def server(patterns: Any, root: Path) -> Iterator[Any]:
    """A replier that serves in a thread of its own."""
    replier = patterns.DriveReplier(root=root)

    def handle(request: Any) -> Any:
        if request.linear > 1:
            raise ValueError("too fast")
        if request.linear < 0:
            return {"wrong": 1}
        return patterns.Ack(ok=True, message=f"{request.linear}", data=request.points.tobytes())

    thread, _ = in_thread(lambda: replier.serve(handle))
    yield replier
    replier.stop()
    thread.join()
    replier.close()


def test_a_call_brings_the_reply(patterns: Any, requester: Any, server: Any) -> None:
    reply = requester.call(linear=0.5, angular=0.0, points=[1.0, 2.0], timeout=60_000)
    again = requester.call({"linear": 0.25, "points": ()}, timeout=60_000)
    third = requester.call(patterns.Twist(points=[]))

    assert (reply.ok, reply.message, reply.data.view("float32").tolist()) == (True, "0.5", [1.0, 2.0])
    assert (again.message, third.message) == ("0.25", "0.0")
    assert requester.stats[:2] == (3, 3)


def test_structs_are_called_with_and_replied(patterns: Any, root: Path) -> None:
    with patterns.WalkRequester(root=root) as requester, patterns.WalkReplier(root=root) as replier:
        call = requester.start(x=1, timeout=2)  # the field
        request = replier.recv()
        request.reply(x=request.x + 1, timeout=request.timeout)
        other = requester.start({"x": 5}, timeout=60_000)
        replier.recv().reply(patterns.Step(x=6))

        assert (call.result().x, other.result().x) == (2, 6)


def test_several_calls_are_received_in_any_order(requester: Any, replier: Any) -> None:
    calls = [requester.start(linear=float(i)) for i in range(4)]
    requests = [replier.recv() for _ in calls]
    with pytest.raises(shmcomm.SHMBufferFullError):
        requester.start(linear=9.0)
    assert not any(call.done() for call in calls)
    for request in reversed(requests):
        request.reply(message=str(request.linear))

    assert [call.result(timeout=60_000).message for call in reversed(calls)] == ["3.0", "2.0", "1.0", "0.0"]
    assert all(call.done() for call in calls)
    with pytest.raises(ValueError, match="this call is over"):
        calls[0].result()


def test_a_result_that_is_not_there_in_time_leaves_the_call(requester: Any, replier: Any) -> None:
    call = requester.start(linear=1.0)
    assert call.try_result() is None
    with pytest.raises(shmcomm.SHMTimeoutError, match="the call goes on") as late:
        call.result(timeout=5)
    replier.recv().reply(ok=True)

    assert late.value.maybe_executed
    assert call.result().ok


def test_a_dropped_call_is_given_up(requester: Any, replier: Any) -> None:
    for _ in range(10):
        requester.start(linear=1.0)
    call = requester.start(linear=2.0)
    call.cancel()
    call.cancel()

    assert replier.try_recv() is None
    with pytest.raises(ValueError, match="this call is over"):
        call.try_result()


def test_the_error_of_a_handler_comes_back_with_its_message(requester: Any, server: Any) -> None:
    with pytest.raises(shmcomm.SHMReplyError, match=r"^\S+: the replier answered with an error: ValueError: too fast\n  options: ") as refused:
        requester.call(linear=2.0)
    with pytest.raises(shmcomm.SHMReplyError, match="has no field 'wrong'"):
        requester.call(linear=-1.0)

    assert refused.value.code == "UNKNOWN"
    assert requester.call(linear=1.0, points=()).ok  # it goes on


def test_a_request_is_failed_with_a_message(requester: Any, replier: Any) -> None:
    call = requester.start(linear=1.0)
    with pytest.raises(TypeError, match="as str"):
        replier.recv().fail(1)  # and is dropped
    other = requester.start(linear=1.0)
    replier.recv().fail("out of order: 100 %s")

    with pytest.raises(shmcomm.SHMReplyError):
        call.result()
    with pytest.raises(shmcomm.SHMReplyError, match=r"^\S+: the replier answered with an error: out of order: 100 %s\n  options: "):
        other.result()


def test_a_call_without_a_replier_fails_at_once(requester: Any) -> None:
    with pytest.raises(shmcomm.SHMPeerDiedError, match="no replier") as alone:
        requester.call(linear=1.0)
    assert not alone.value.maybe_executed


def test_a_call_waits_for_a_replier_if_asked_to(patterns: Any, root: Path) -> None:
    with patterns.DriveRequester(root=root, wait_for_replier=True) as requester:
        with pytest.raises(shmcomm.SHMTimeoutError, match="no replier came in time"):
            requester.call(linear=1.0, timeout=5)
        thread, outcome = in_thread(lambda: requester.call(linear=1.0).ok)
        with patterns.DriveReplier(root=root) as replier:
            replier.recv().reply(ok=True)
            thread.join()

    assert outcome == [True]


def test_an_unanswered_call_times_out(requester: Any, replier: Any) -> None:
    with pytest.raises(shmcomm.SHMTimeoutError) as untouched:
        requester.call(linear=1.0, timeout=1)
    call = requester.start(linear=2.0, timeout=1)
    request = replier.try_recv()
    with pytest.raises(shmcomm.SHMTimeoutError) as begun:
        call.result()

    assert not untouched.value.maybe_executed
    if request is not None:  # it was taken within its millisecond
        assert begun.value.maybe_executed
        with pytest.raises(shmcomm.SHMTimeoutError):
            request.reply(ok=True)


def test_a_request_is_answered_once(requester: Any, replier: Any) -> None:
    call = requester.start(linear=1.0, points=[3.0])
    request = replier.recv()
    points = request.points
    assert not request.answered
    request.reply(ok=True)

    for again in (lambda: request.reply(ok=False), lambda: request.fail("no")):
        with pytest.raises(shmcomm.SHMError, match="answered already"):
            again()
    assert request.answered and (request.linear, points.tolist()) == (1.0, [3.0])  # it may be kept
    assert shmcomm.metadata(request) == (0, request.publish_ns, 1, 0)
    assert call.result().ok


def test_a_reply_that_cannot_be_built_leaves_the_request_open(requester: Any, replier: Any) -> None:
    call = requester.start(linear=1.0)
    request = replier.recv()
    with pytest.raises(shmcomm.SHMSerializationError):
        request.reply(ok="yes")
    with pytest.raises(shmcomm.SHMMessageTooLargeError):
        request.reply(data=bytes(2 << 20))
    with pytest.raises(shmcomm.SHMSerializationError, match="has no field 'timeout'"):
        request.reply(timeout=1)
    request.reply(data=b"x")

    assert bytes(call.result().data) == b"x"


def test_a_dropped_request_is_an_error_to_its_caller(requester: Any, replier: Any) -> None:
    call = requester.start(linear=1.0)
    replier.recv()

    with pytest.raises(shmcomm.SHMReplyError) as dropped:
        call.result()
    assert dropped.value.code == "ABORTED"


def test_a_request_dropped_while_its_replier_waits_is_answered(requester: Any, replier: Any) -> None:
    call = requester.start(linear=1.0)
    held = [replier.recv()]
    thread, outcome = in_thread(lambda: replier.recv().linear)
    with pytest.raises(shmcomm.SHMError, match="another thread is waiting"):
        while True:
            replier.poll()
    with pytest.raises(shmcomm.SHMError, match="another thread is waiting on this request's replier"):
        held[0].reply(ok=True)
    held.clear()

    with pytest.raises(shmcomm.SHMReplyError):
        call.result(timeout=60_000)
    later = requester.start(linear=2.0)
    thread.join()
    assert outcome == [2.0]
    del later


def test_a_request_outlives_its_replier(patterns: Any, root: Path, requester: Any) -> None:
    replier = patterns.DriveReplier(root=root)
    call = requester.start(linear=1.0)
    request = replier.recv()
    replier.close()
    request.reply(ok=True)

    assert call.result().ok


@pytest.mark.parametrize("how", ["stop", "close"])
def test_serving_ends_from_another_thread(patterns: Any, root: Path, requester: Any, how: str) -> None:
    replier = patterns.DriveReplier(root=root)
    thread, outcome = in_thread(lambda: replier.serve(lambda request: {"ok": True}))
    assert requester.call(linear=1.0).ok
    getattr(replier, how)()
    thread.join()

    assert callable(outcome[0])
    assert replier.closed == (how == "close")
    replier.close()


def test_serve_is_a_decorator_that_a_handler_may_end(patterns: Any, root: Path, requester: Any) -> None:
    def serve() -> Any:
        with patterns.DriveReplier(root=root) as replier:
            ready.set()

            @replier.serve
            def on_drive(request: Any) -> None:
                request.reply(ok=True, message="by hand")
                replier.stop()

            return on_drive

    ready = threading.Event()
    thread, outcome = in_thread(serve)
    ready.wait()
    assert requester.call(linear=1.0).message == "by hand"
    thread.join()
    assert outcome[0].__name__ == "on_drive"


def test_close_from_another_thread_ends_a_call(patterns: Any, root: Path, replier: Any) -> None:
    requester = patterns.DriveRequester(root=root)
    thread, outcome = in_thread(lambda: requester.call(linear=1.0))
    replier.recv()  # it waits for the reply, or is about to
    held = replier.recv(timeout=0) if replier.poll() else None
    requester.close()
    thread.join()

    assert held is None
    assert isinstance(outcome[0], shmcomm.SHMConnectionError | shmcomm.SHMReplyError)


def test_two_threads_on_one_requester_are_told_apart(requester: Any, replier: Any) -> None:
    thread, outcome = in_thread(lambda: requester.call(linear=1.0).ok)
    request = replier.recv()
    with pytest.raises(shmcomm.SHMError, match="another thread is calling"):
        requester.start(linear=2.0)
    request.reply(ok=True)
    thread.join()

    assert outcome == [True]


def test_closed_ends_say_so(patterns: Any, root: Path) -> None:
    requester, replier = patterns.DriveRequester(root=root), patterns.DriveReplier(root=root)
    call = requester.start(linear=1.0)
    for opened in (requester, replier):
        opened.close()
        opened.close()

    for use in (lambda: requester.call(linear=1.0), lambda: requester.start(linear=1.0), call.result, call.try_result,
                call.done, replier.recv, replier.try_recv, replier.poll, requester.fileno, replier.fileno):  # fmt: skip
        with pytest.raises(shmcomm.SHMConnectionError, match="closed"):
            use()
    assert list(replier) == []
    call.cancel()
    with pytest.raises(TypeError, match="comes from a replier"):
        Request()


SERVER = """
import sys
import patterns
replier = patterns.DriveReplier(root=sys.argv[1])
print("ready")
request = replier.recv()
print(request.linear)
sys.stdin.readline()
"""


def test_a_killed_replier_is_an_error_to_its_caller(generated: Path, root: Path, requester: Any) -> None:
    child = start(SERVER, root, generated=generated)
    assert hear(child) == "ready"
    call = requester.start(linear=7.0)
    assert hear(child) == "7.0"
    child.kill()
    end(child)

    with pytest.raises(shmcomm.SHMPeerDiedError) as died:
        call.result(timeout=60_000)
    assert died.value.maybe_executed


WALKER = """
import sys
import patterns
replier = patterns.WalkReplier(root=sys.argv[1])
print("ready")
request = replier.recv()
print(request.x)
sys.stdin.readline()
"""


def test_an_idempotent_request_goes_to_another_replier(patterns: Any, generated: Path, root: Path) -> None:
    child = start(WALKER, root, generated=generated)
    assert hear(child) == "ready"
    with patterns.WalkRequester(root=root) as requester:
        call = requester.start({"x": 7})
        assert hear(child) == "7"
        with patterns.WalkReplier(root=root) as replier:
            child.kill()
            end(child)
            request = replier.recv(timeout=60_000)
            assert (request.x, request.attempt) == (7, 1)
            request.reply(x=8)

            assert call.result(timeout=60_000).x == 8


def test_a_forked_child_has_no_part_in_calls(requester: Any, replier: Any) -> None:
    call = requester.start(linear=1.0)
    request = replier.recv()
    child = os.fork()
    if child == 0:
        refused = 0
        for use in (call.result, lambda: requester.call(linear=1.0), replier.recv, lambda: request.reply(ok=False)):
            try:
                use()
            except shmcomm.SHMConnectionError as error:
                refused += "fork" in str(error)
        os._exit(refused)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 4

    request.reply(ok=True)
    assert call.result().ok


def test_tasks_call_and_answer_on_one_loop(requester: Any, replier: Any) -> None:
    async def answer() -> None:
        async for request in replier:
            if request.linear < 0:
                request.fail("backwards")
            else:
                request.reply(message=str(request.linear))
            if request.linear == 3:
                return

    async def run() -> list[str]:
        answering = asyncio.create_task(answer())
        with pytest.raises(shmcomm.SHMReplyError, match="backwards"):
            await requester.acall({"linear": -1.0}, timeout=60_000)
        replies = await asyncio.gather(*(requester.acall(linear=float(i), timeout=60_000) for i in range(4)))
        await answering
        with pytest.raises(shmcomm.SHMTimeoutError):
            await requester.acall(linear=1.0, timeout=20)
        given_up = asyncio.create_task(requester.acall(linear=2.0))
        await asyncio.sleep(0)
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        return [reply.message for reply in replies]

    assert asyncio.run(run()) == ["0.0", "1.0", "2.0", "3.0"]
    assert replier.try_recv() is None
