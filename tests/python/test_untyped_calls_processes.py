# SPDX-License-Identifier: Apache-2.0
"""Calls without a schema between threads and processes, which come and go in any order."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import shmcomm
from programs import end, hear, in_thread, start, tell, wait_until_asleep
from shmcomm import Replier, Requester

LONG = 60_000
Ends = tuple[Requester, Replier]


@pytest.fixture
def ends(root: Path) -> Iterator[Ends]:
    with Requester("x", root=root) as client, Replier("x", root=root) as server:
        yield client, server


SERVER = """
import sys
from shmcomm import Replier
with Replier("x", root=sys.argv[1]) as server:
    print("ready")
    for request in server:
        word = request if isinstance(request, str) else ""
        if word == "hang":
            print("hangs")
            sys.stdin.readline()
        server.send((sys.argv[2], request))
        if word == "stop":
            break
"""


def test_a_requester_meets_repliers_before_and_after(root: Path, generated: Path) -> None:
    import numpy as np

    with Requester("x", root=root) as client:
        early = client.start("early")
        first = start(SERVER, root, "first", generated=generated)
        assert early.result(timeout=LONG) == ("first", "early")
        image = np.arange(200_000)
        assert client.call(image, timeout=LONG)[1].sum() == image.sum()
        assert client.call("stop", timeout=LONG) == ("first", "stop")
        assert hear(first) == "ready" and end(first) == 0
        between = client.start("between")
        second = start(SERVER, root, "second", generated=generated)
        assert between.result(timeout=LONG) == ("second", "between")
        with Requester("x", root=root) as other:
            assert other.call("other", timeout=LONG) == ("second", "other")
    with Requester("x", root=root) as again:
        assert again.call("stop", timeout=LONG) == ("second", "stop")
    assert end(second) == 0


def test_a_killed_replier_is_an_error_to_its_caller(root: Path, generated: Path) -> None:
    with Requester("x", root=root) as client:
        child = start(SERVER, root, "child", generated=generated)
        client.send("hang")
        assert (hear(child), hear(child)) == ("ready", "hangs")
        waiting = client.start("untouched")
        child.kill()
        end(child)
        with pytest.raises(shmcomm.SHMPeerDiedError) as died:
            client.recv(timeout=LONG)
        assert died.value.maybe_executed
        with Replier("x", root=root) as server:
            assert server.recv(timeout=LONG) == "untouched"
            server.send("done")
            assert waiting.result(timeout=LONG) == "done"
        assert client.stats.died == 1


ASKER = """
import sys
from shmcomm import Requester
client = Requester("x", root=sys.argv[1])
client.send("who is there?")
print("sent")
client.recv()
"""


def test_a_killed_requester_costs_its_replier_nothing(root: Path, generated: Path, ends: Ends) -> None:
    client, server = ends
    child = start(ASKER, root, generated=generated)
    assert hear(child) == "sent"
    assert server.recv(timeout=LONG) == "who is there?"
    child.kill()
    end(child)
    assert server.send("nobody hears this") in (True, False)
    client.send(1)
    assert server.recv(timeout=LONG) == 1
    assert server.send(2) and client.recv(timeout=LONG) == 2


WAITER = """
import asyncio, sys
from shmcomm import Replier, Requester
root, what = sys.argv[1:]
client, server = Requester("x", root=root), Replier("y", root=root)
waits = {"call": lambda: client.call(1), "recv": lambda: (client.send(1), client.recv()), "acall": lambda: asyncio.run(client.acall(1)),
         "take": server.take, "request": server.recv, "poll": lambda: server.poll(None), "next": lambda: next(server),
         "arecv": lambda: asyncio.run(server.arecv()), "serve": lambda: server.serve(len)}
print("ready")
try:
    waits[what]()
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("what", ["call", "recv", "acall", "take", "request", "poll", "next", "arecv", "serve"])
def test_ctrl_c_ends_a_wait(root: Path, generated: Path, what: str) -> None:
    child = start(WAITER, root, what, generated=generated)
    assert hear(child) == "ready"
    wait_until_asleep(child.pid)
    child.send_signal(signal.SIGINT)

    assert hear(child) == "interrupted"
    assert end(child) == 0


def test_a_handler_that_is_interrupted_tells_its_caller(root: Path, generated: Path) -> None:
    program = """
import sys
from shmcomm import Replier
def handle(request):
    print("handles")
    sys.stdin.readline()
Replier("x", root=sys.argv[1]).serve(handle)
"""
    with Requester("x", root=root) as client:
        child = start(program, root, generated=generated)
        call = client.start(1)
        assert hear(child) == "handles"
        wait_until_asleep(child.pid)
        child.send_signal(signal.SIGINT)
        with pytest.raises((shmcomm.SHMReplyError, shmcomm.SHMPeerDiedError)):
            call.result(timeout=LONG)
        assert end(child) != 0


@pytest.mark.parametrize("how", ["call", "recv", "result", "poll"])
def test_close_from_another_thread_ends_a_requesters_wait(root: Path, how: str) -> None:
    client = Requester("x", root=root)
    call = client.start(1)
    client.send(2)
    waits: dict[str, Callable[[], Any]] = {
        "call": lambda: client.call(3), "recv": client.recv, "result": call.result, "poll": lambda: client.poll(None),
    }  # fmt: skip
    thread, outcome = in_thread(waits[how])
    while not client.closed and thread.is_alive():
        try:
            client.close()
        except shmcomm.SHMError as error:
            assert "while it sends" in str(error)
    thread.join()

    assert isinstance(outcome[0], shmcomm.SHMConnectionError)


@pytest.mark.parametrize("how", ["recv", "take", "poll", "iterate", "serve"])
def test_close_from_another_thread_ends_a_repliers_wait(root: Path, how: str) -> None:
    server = Replier("x", root=root)
    waits: dict[str, Callable[[], Any]] = {
        "recv": server.recv, "take": server.take, "poll": lambda: server.poll(None), "iterate": lambda: list(server),
        "serve": lambda: server.serve(len),
    }  # fmt: skip
    thread, outcome = in_thread(waits[how])
    while not server.closed and thread.is_alive():
        server.close()
    thread.join()

    if how in ("iterate", "serve"):
        assert outcome == [[] if how == "iterate" else len]
    else:
        assert isinstance(outcome[0], shmcomm.SHMConnectionError)


def test_two_threads_on_one_end_are_told_apart(ends: Ends) -> None:
    client, server = ends
    thread, outcome = in_thread(lambda: client.call(1))
    request = server.take(timeout=LONG)
    with pytest.raises(shmcomm.SHMError, match="another thread is calling through this requester"):
        client.start(2)
    request.reply("one")
    thread.join()
    assert outcome == ["one"]

    call = client.start(1)
    held = server.take(timeout=LONG)
    thread, outcome = in_thread(server.recv)
    with pytest.raises(shmcomm.SHMError, match="another thread is waiting on this replier"):
        while True:
            server.poll()
    with pytest.raises(shmcomm.SHMError, match="another thread is waiting on this request's replier"):
        held.reply(1)
    del held  # it is answered when the other thread wakes
    with pytest.raises(shmcomm.SHMReplyError):
        call.result(timeout=LONG)
    client.send("go on")
    thread.join()
    assert outcome == ["go on"]


def test_closed_ends_say_so(root: Path) -> None:
    client, server = Requester("x", root=root), Replier("x", root=root)
    call = client.start(1)
    assert server.recv(timeout=LONG) == 1
    for opened in (client, server):
        opened.close()
        opened.close()

    uses: list[Callable[[], Any]] = [
        lambda: client.call(1), lambda: client.start(1), lambda: client.send(1), client.recv, client.try_recv, client.fileno,
        call.result, call.try_result, call.poll, call.done,
        server.recv, server.try_recv, server.take, server.try_take, server.poll, server.fileno,
        lambda: server.send(1), lambda: server.fail("no"),
    ]  # fmt: skip
    for use in uses:
        with pytest.raises(shmcomm.SHMConnectionError, match="closed"):
            use()
    assert list(server) == [] and server.serve(len) is len
    assert (client.stats.sent, server.stats.received) == (1, 1)
    assert list(root.iterdir()) == []


def test_a_call_without_a_replier_waits_or_fails_at_once(root: Path) -> None:
    with Requester("x", root=root) as client, pytest.raises(shmcomm.SHMTimeoutError) as late:
        client.call(1, timeout=5)
    assert not late.value.maybe_executed
    with Requester("x", timeout=5, root=root) as client, pytest.raises(shmcomm.SHMTimeoutError):
        client.call(1)
    with Requester("x", wait_for_replier=False, root=root) as client, pytest.raises(shmcomm.SHMPeerDiedError) as alone:
        client.call(1)
    assert not alone.value.maybe_executed


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_has_no_part_in_calls(ends: Ends) -> None:
    client, server = ends
    call = client.start(1)
    request = server.take(timeout=LONG)
    child = os.fork()
    if child == 0:
        refused = 0
        uses: list[Callable[[], Any]] = [
            call.result, lambda: client.call(1), lambda: client.send(1), server.recv, server.try_take,
            lambda: request.reply(2),
        ]  # fmt: skip
        for use in uses:
            try:
                use()
            except shmcomm.SHMConnectionError as error:
                refused += "fork" in str(error)
        del call, request
        os._exit(refused)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 6

    request.reply(3)
    assert call.result(timeout=LONG) == 3


class ClosesAll:
    """Closes both ends where it is unpickled."""

    ends: Ends | None = None

    def __reduce__(self) -> Any:
        return (close_all, ())


def close_all() -> str:
    assert ClosesAll.ends is not None
    ClosesAll.ends[1].close()
    return "closed"


def test_a_replier_may_be_closed_by_what_it_receives(ends: Ends) -> None:
    ClosesAll.ends = ends
    client, server = ends
    call = client.start(ClosesAll())
    assert server.recv(timeout=LONG) == "closed"
    assert server.closed
    server.send("answered all the same")
    assert call.result(timeout=LONG) == "answered all the same"


FOREIGN = """
import os, sys
from shmcomm import Replier, Requester, SHMReplyError, SHMSerializationError
os.setgid(65534); os.setuid(65534)
root, what, allowed = sys.argv[1], sys.argv[2], {"None": None, "True": True}[sys.argv[3]]
def file_in(folder, kind):
    return next(entry.path for entry in os.scandir(folder) if entry.name.startswith(kind))
with Requester("x", allow_pickle=allowed, root=root) as client, Replier("x", allow_pickle=allowed, root=root) as server:
    client.send({"a": 1} if what == "request" else b"raw")
    if what == "reply":
        server.recv()
        server.send({"a": 1})
    folder = root + "/default/x"
    print(file_in(folder if what == "request" else file_in(folder, "reply."), "pub."))
    sys.stdin.readline()
    try:
        print(server.recv(timeout=60_000) if what == "request" else client.recv(timeout=60_000))
    except SHMSerializationError as error:
        print("refused" if "allow_pickle=True" in str(error) else error)
        if what == "request":
            try:
                client.recv(timeout=60_000)
            except SHMReplyError as told:
                assert "allow_pickle=True" in str(told)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
@pytest.mark.parametrize("allowed", [None, True])
@pytest.mark.parametrize("what", ["request", "reply"])
def test_a_pickle_of_another_user_is_decoded_only_on_request(
    generated: Path, root: Path, what: str, allowed: bool | None
) -> None:
    folder = root / "of nobody"
    folder.mkdir(mode=0o700)
    os.chmod(root, 0o755)
    os.chown(folder, 65534, 65534)
    child = start(FOREIGN, folder, what, allowed, generated=generated)
    file = hear(child)
    os.chown(file, 0, 0)  # as if root had sent it
    os.chmod(file, 0o644)
    tell(child)

    assert hear(child) == ("{'a': 1}" if allowed else "refused")
    assert end(child) == 0
