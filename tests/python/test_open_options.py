# SPDX-License-Identifier: Apache-2.0
"""What a program may choose when it opens an end of a declared channel."""

from __future__ import annotations

import sys
import time
import weakref
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import shmcomm
from programs import in_thread

NEVER_SLEEPS = timedelta.max
WAITING = {
    "TreeSubscriber": lambda end: end.recv(timeout=200),
    "JobsPuller": lambda end: end.recv(timeout=200),
    "DriveReplier": lambda end: end.recv(timeout=200),
    "DriveRequester": lambda end: end.call(linear=1.0, timeout=200),
}


@pytest.fixture
def open_end(everything: Any, patterns: Any, root: Path) -> Any:
    """Opens an end by its name."""

    def opened(name: str, **options: Any) -> Any:
        return getattr(everything if hasattr(everything, name) else patterns, name)(root=root, **options)

    return opened


def cpu_of_a_wait(end: Any, wait: Any) -> float:
    before = time.thread_time()
    with pytest.raises(shmcomm.SHMTimeoutError):
        wait(end)
    return time.thread_time() - before


@pytest.mark.parametrize("name", WAITING)
def test_spin_decides_whether_a_wait_looks_or_sleeps(open_end: Any, name: str) -> None:
    with open_end("DriveReplier"):  # which leaves requests unanswered
        with open_end(name, spin=0) as end:
            asleep = cpu_of_a_wait(end, WAITING[name])
        with open_end(name, spin=NEVER_SLEEPS) as end:
            looking = cpu_of_a_wait(end, WAITING[name])

    assert looking > 2 * asleep


@pytest.mark.parametrize("name", WAITING)
def test_spin_is_given_as_timeouts_are(open_end: Any, name: str) -> None:
    with open_end(name, spin=timedelta(microseconds=5)), open_end(name, spin=None):
        pass
    with pytest.raises(TypeError, match="milliseconds"):
        open_end(name, spin=0.5)
    with pytest.raises(ValueError):
        open_end(name, spin=-1)


def test_a_subscriber_may_choose_to_hold_nobody_up(open_end: Any) -> None:
    with open_end("SurePublisher", timeout=0) as publisher, open_end("SureSubscriber", reliable=False) as lossy:
        for i in range(100):
            publisher.send(id=i)
        assert lossy.recv().lost > 0

        with open_end("SureSubscriber", reliable=True), pytest.raises(shmcomm.SHMBufferFullError):
            for i in range(100):
                publisher.send(id=i)

    with pytest.raises(ValueError):
        open_end("TreeSubscriber", reliable=True)


def test_a_subscriber_that_does_not_move_is_demoted(open_end: Any) -> None:
    with open_end("SurePublisher", demote_after=50) as publisher, open_end("SureSubscriber") as subscriber:
        for i in range(100):
            publisher.send(id=i)  # waits for ever otherwise

        assert subscriber.recv().lost > 0
        assert subscriber.stats.demotions == 1


def test_a_requester_may_bound_its_calls_further(open_end: Any) -> None:
    with open_end("DriveReplier"), open_end("DriveRequester", max_in_flight=1) as requester:
        call = requester.start(linear=1.0)
        with pytest.raises(shmcomm.SHMBufferFullError, match="max_in_flight"):
            requester.start(linear=2.0)
        call.cancel()

    with pytest.raises(ValueError, match="max_in_flight is 5, the channel allows 4 at most"):
        open_end("DriveRequester", max_in_flight=5)


def give_up_a_job(pusher: Any, puller: Any) -> None:
    """Which the channel gives to pullers twice."""
    pusher.push(id=1)
    for _ in range(2):
        puller.recv(timeout=60_000).give_back()


def test_dead_letters_are_told_to_both_ends(open_end: Any) -> None:
    told_pusher: list[int] = []
    told_puller: list[int] = []
    with (
        open_end("JobsPusher", on_dead_letters=told_pusher.append) as pusher,
        open_end("JobsPuller", on_dead_letters=told_puller.append) as puller,
    ):
        for _ in range(2):
            give_up_a_job(pusher, puller)
        pusher.push(id=2)
        assert puller.recv().id == 2
        assert puller.try_recv() is None

        assert (sum(told_pusher), sum(told_puller)) == (2, 2)
        assert pusher.stats.dead_letters == 2


@pytest.mark.parametrize("wait", ["recv", "poll"])
def test_dead_letters_are_told_during_a_wait(open_end: Any, wait: str) -> None:
    told: list[int] = []
    with open_end("JobsPusher") as pusher, open_end("JobsPuller") as other:
        puller = open_end("JobsPuller", on_dead_letters=told.append)
        give_up_a_job(pusher, other)
        thread, outcome = in_thread(lambda: getattr(puller, wait)(timeout=None))
        while not told:
            time.sleep(0)
        puller.close()
        thread.join()

    assert told == [1]
    assert isinstance(outcome[0], shmcomm.SHMConnectionError)


def test_an_error_of_the_callback_loses_no_job(open_end: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: reported.append(unraisable.exc_type))

    def fail(_: int) -> None:
        raise ZeroDivisionError

    with open_end("JobsPusher", on_dead_letters=fail) as pusher, open_end("JobsPuller", on_dead_letters=fail) as puller:
        give_up_a_job(pusher, puller)
        pusher.push(id=2)
        assert puller.recv().id == 2

    assert reported == [ZeroDivisionError] * 2


def test_the_callback_may_close_its_end(open_end: Any) -> None:
    pusher = open_end("JobsPusher", on_dead_letters=lambda _: pusher.close())
    puller = open_end("JobsPuller", on_dead_letters=lambda _: puller.close())
    give_up_a_job(pusher, puller)
    pusher.push(id=2)

    with puller.recv() as job:
        assert job.id == 2
    assert pusher.closed and puller.closed


def test_close_lets_the_callback_go(open_end: Any, root: Path) -> None:
    class Callback:
        def __call__(self, _: int) -> None: ...

    pusher, puller = Callback(), Callback()
    left = [weakref.ref(pusher), weakref.ref(puller)]
    ends = [open_end("JobsPusher", on_dead_letters=pusher), open_end("JobsPuller", on_dead_letters=puller)]
    del pusher, puller
    assert all(callback() is not None for callback in left)
    for end in ends:
        end.close()

    assert [callback() for callback in left] == [None, None]
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("name", ["JobsPusher", "JobsPuller"])
def test_a_callback_is_a_function(open_end: Any, name: str) -> None:
    with pytest.raises(TypeError, match="on_dead_letters takes a function of one argument"):
        open_end(name, on_dead_letters=3)
