# SPDX-License-Identifier: Apache-2.0
"""Jobs without a schema: one puller each, done when the next is asked for, another's after a death."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
from event_loops import Run, turns
from programs import end, hear, start, wait_until_asleep


def test_objects_of_every_codec_arrive(root: Path) -> None:
    import numpy as np
    from shmcomm import Puller, Pusher

    with Pusher("x", root=root) as pusher, Puller("x", root=root) as puller:
        for job in (None, {"a": 1}, b"raw" * 1000, "text", np.arange(1000)):
            assert pusher.send(job)
            got = puller.recv(timeout=1000)
            assert np.array_equal(got, job) if isinstance(job, np.ndarray) else got == job
        pusher.send([1, {"b": 2}], serializer="msgpack")
        assert puller.recv() == [1, {"b": 2}]
        pusher.send(np.arange(1000))
        own = puller.recv(copy=True)
        own += 1
        assert own[0] == 1


def test_an_object_outlives_its_job(root: Path) -> None:
    from shmcomm import Puller, Pusher

    with Pusher("x", capacity=1, root=root) as pusher, Puller("x", root=root) as puller:
        kept = []
        for number in range(40):
            pusher.send(b"%02d" % number * 3000)
            kept.append(puller.recv(timeout=1000))
        assert [bytes(job[:2]) for job in kept] == [b"%02d" % number for number in range(40)]


def test_each_job_goes_to_one_puller(root: Path) -> None:
    from shmcomm import Puller, Pusher

    with Pusher("x", root=root) as pusher, Puller("x", root=root) as one, Puller("x", root=root) as two:
        for number in range(10):
            pusher.send(number)
        got = [puller.recv(timeout=1000) for _ in range(5) for puller in (one, two)]

        assert sorted(got) == list(range(10))
        assert one.try_recv("nothing") == two.try_recv("nothing") == "nothing"
        assert (one.stats.received, pusher.stats.sent) == (5, 10)


def test_a_full_channel_answers_false_or_waits(root: Path) -> None:
    from shmcomm import Puller, Pusher

    with Pusher("x", root=root) as pusher, Puller("x", root=root) as puller:
        sent = 0
        while pusher.send(sent, timeout=0):
            sent += 1
        assert pusher.send("more", timeout=20) is False
        thread = threading.Thread(target=lambda: [puller.recv(timeout=60_000) for _ in range(3)])
        thread.start()
        assert pusher.send("waited") is True
        thread.join()


@pytest.mark.parametrize("how", ["give_back", "drop", "raise"])
def test_a_job_that_is_not_done_goes_to_another(root: Path, how: str) -> None:
    from shmcomm import Puller, Pusher

    with Pusher("x", root=root) as pusher, Puller("x", root=root) as other:
        pusher.send("work")
        puller = Puller("x", root=root)
        assert puller.recv(timeout=1000) == "work"
        assert other.try_recv() is None
        if how == "give_back":
            puller.give_back()
        elif how == "raise":
            with pytest.raises(ZeroDivisionError), puller:
                _ = 1 / 0
        del puller

        assert (other.recv(timeout=1000), other.metadata.attempt) == ("work", 1)


@pytest.mark.parametrize("how", ["recv", "done", "close", "with"])
def test_a_job_that_is_done_goes_to_nobody(root: Path, how: str) -> None:
    from shmcomm import Puller, Pusher

    with Pusher("x", root=root) as pusher, Puller("x", root=root) as other:
        pusher.send("work")
        puller = Puller("x", root=root)
        assert puller.recv(timeout=1000) == "work"
        if how == "recv":
            assert puller.try_recv("nothing") == "nothing"
        elif how == "with":
            with puller:
                pass
        else:
            getattr(puller, how)()
        del puller

        assert other.try_recv("nothing") == "nothing"


KILLED = """
import sys
from shmcomm import Puller
puller = Puller("x", root=sys.argv[1])
print(puller.recv())
sys.stdin.readline()
"""


def test_the_job_of_a_killed_puller_goes_to_another(generated: Path, root: Path) -> None:
    from shmcomm import Puller, Pusher

    with Pusher("x", root=root) as pusher:
        pusher.send("work")
        child = start(KILLED, root, generated=generated)
        assert hear(child) == "work"
        with Puller("x", root=root) as puller:
            assert puller.try_recv("nothing") == "nothing"
            child.kill()
            end(child)

            assert (puller.recv(timeout=60_000), puller.metadata.attempt) == ("work", 1)


WAITER = """
import asyncio, sys
from shmcomm import Puller, Pusher
if sys.argv[2] == "send":
    pusher = Pusher("x", root=sys.argv[1])
    while pusher.send(1, timeout=0): pass
    wait = lambda: pusher.send(2)
else:
    puller = Puller("x", root=sys.argv[1])
    wait = {"recv": puller.recv, "poll": lambda: puller.poll(None), "next": lambda: next(puller),
            "arecv": lambda: asyncio.run(puller.arecv())}[sys.argv[2]]
print("ready")
try:
    wait()
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("what", ["recv", "poll", "next", "arecv", "send"])
def test_ctrl_c_ends_a_wait(root: Path, generated: Path, what: str) -> None:
    child = start(WAITER, root, what, generated=generated)
    assert hear(child) == "ready"
    wait_until_asleep(child.pid)
    child.send_signal(signal.SIGINT)

    assert hear(child) == "interrupted"
    assert end(child) == 0


def test_jobs_arrive_in_an_event_loop(run: Run, root: Path) -> None:
    from shmcomm import Puller, Pusher

    async def main() -> list[Any]:
        waiting = asyncio.create_task(puller.arecv())
        await turns()
        for number in range(3):
            pusher.send(number)
        got = [await waiting]
        async for job in puller:
            got.append(job)
            if job == 2:
                return got
        raise AssertionError

    with Pusher("x", root=root) as pusher, Puller("x", root=root) as puller:
        assert run(main()) == [0, 1, 2]


def test_close_from_another_thread_ends_a_wait(root: Path) -> None:
    from shmcomm import Puller

    puller = Puller("x", root=root)
    outcome: list[list[Any]] = []
    thread = threading.Thread(target=lambda: outcome.append(list(puller)))
    thread.start()
    while not puller.closed and thread.is_alive():
        puller.close()
    thread.join()

    assert outcome == [[]]


@pytest.mark.parametrize("name", ["with/slash", "with space", "ünïcode ✓", "a" * 200, "..", "."])
def test_any_text_is_a_name(root: Path, name: str) -> None:
    from shmcomm import Puller, Pusher

    with Pusher(name, root=root) as pusher, Puller(name, root=root) as puller:
        pusher.send(1)
        assert (puller.recv(timeout=1000), puller.channel) == (1, name)


@pytest.mark.parametrize(("name", "error"), [("", ValueError), ("a" * 201, ValueError), ("a\0b", ValueError), (5, TypeError)])
def test_other_names_are_refused(root: Path, name: Any, error: type[Exception]) -> None:
    from shmcomm import Puller, Pusher

    for kind in (Pusher, Puller):
        with pytest.raises(error):
            kind(name, root=root)


def test_misuse_is_told(root: Path) -> None:
    import shmcomm

    pusher, puller = shmcomm.Pusher("x", root=root), shmcomm.Puller("x", root=root)
    with pytest.raises(shmcomm.SHMSerializationError, match="pickle"):
        pusher.send(lambda: None)
    for call in (lambda: pusher.send(1, timeout=0.5), lambda: puller.recv(timeout=0.5), lambda: puller.recv("1")):
        with pytest.raises(TypeError, match="timeout"):
            call()
    assert not hasattr(pusher, "recv") and not hasattr(puller, "send")
    with pytest.raises(shmcomm.SHMTimeoutError, match="no job within 10 ms"):
        puller.recv(timeout=10)
    for kind in (shmcomm.Subscriber, shmcomm.Publisher):
        with pytest.raises(shmcomm.SHMError, match="x"):
            kind("x", root=root)
    pusher.close(), puller.close()
    for use in (lambda: pusher.send(1), puller.recv, puller.try_recv, puller.done, puller.give_back, puller.fileno):
        with pytest.raises(shmcomm.SHMConnectionError, match="closed"):
            use()


def test_an_unknown_codec_leaves_the_job_to_others(root: Path) -> None:
    import shmcomm
    from shmcomm import codecs

    shmcomm.register_codec("job", lambda value: str(value).encode(), lambda view: int(str(view, "ascii")))
    with shmcomm.Pusher("x", root=root) as pusher, shmcomm.Puller("x", root=root) as puller:
        pusher.send(7, serializer="job")
        known = codecs.by_name.pop("job")
        with pytest.raises(shmcomm.SHMSerializationError, match="register_codec"):
            puller.recv(timeout=1000)
        puller.give_back()
        codecs.by_name["job"] = known

        assert puller.recv(timeout=1000) == 7


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_is_refused_and_takes_nothing(root: Path) -> None:
    import shmcomm

    with shmcomm.Pusher("x", root=root) as pusher, shmcomm.Puller("x", root=root) as puller:
        pusher.send("work")
        assert puller.recv(timeout=1000) == "work"
        child = os.fork()
        if child == 0:
            refused = 0
            for call in (lambda: pusher.send(1), puller.done, puller.try_recv):
                try:
                    call()
                except shmcomm.SHMConnectionError as error:
                    refused += "fork" in str(error)
            del puller, pusher
            os._exit(refused)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
        puller.give_back()
        assert (puller.recv(timeout=1000), puller.metadata.attempt) == ("work", 1)
