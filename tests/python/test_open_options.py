# SPDX-License-Identifier: Apache-2.0
"""What a program may choose when it opens an end of a declared channel."""

from __future__ import annotations

import asyncio
import sys
import time
import weakref
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
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


CALLBACKS = [
    ("JobsPusher", "on_dead_letters"),
    ("JobsPuller", "on_dead_letters"),
    ("BeatPublisher", "on_deadline_missed"),
    ("BeatSubscriber", "on_deadline_missed"),
]


@pytest.mark.parametrize(("name", "option"), CALLBACKS)
def test_close_lets_the_callback_go(open_end: Any, root: Path, name: str, option: str) -> None:
    class Callback:
        def __call__(self, _: int) -> None: ...

    callback = Callback()
    left = weakref.ref(callback)
    end = open_end(name, **{option: callback})
    del callback
    assert left() is not None
    end.close()

    assert left() is None
    assert list(root.iterdir()) == []


@pytest.mark.parametrize(("name", "option"), CALLBACKS)
def test_a_callback_is_a_function(open_end: Any, name: str, option: str) -> None:
    with pytest.raises(TypeError, match=f"{option} takes a function of one argument"):
        open_end(name, **{option: 3})


def test_dead_letters_are_told_when_a_loan_ends(open_end: Any) -> None:
    told: list[int] = []
    with open_end("JobsPusher", on_dead_letters=told.append) as pusher, open_end("JobsPuller") as puller:
        give_up_a_job(pusher, puller)
        with pusher.loan() as job:
            job.id = 2

    assert told == [1]


@pytest.mark.parametrize("name", ["ImuPublisher", "JobsPusher"])
def test_loans_may_be_bounded_further(open_end: Any, name: str) -> None:
    with open_end(name, max_loans=1) as end:
        with end.loan(), pytest.raises(shmcomm.SHMBufferFullError, match="max_loans"):
            end.loan()
        with end.loan():
            pass
    with pytest.raises(ValueError, match="max_loans is 3, the channel allows 2 at most"):
        open_end(name, max_loans=3)


def is_mapped_from(root: Path, array: np.ndarray[Any, Any]) -> bool:
    """Whether the array lies in a file of the folder."""
    address = array.__array_interface__["data"][0]
    for line in Path("/proc/self/maps").read_text().splitlines():
        first, last = (int(text, 16) for text in line.split(maxsplit=1)[0].split("-"))
        if first <= address < last:
            return str(root) in line
    raise AssertionError("nothing is mapped there")


def received_by_subscriber(open_end: Any, **options: Any) -> Any:
    with open_end("TreePublisher") as sender, open_end("TreeSubscriber", **options) as receiver:
        sender.send(data=b"1234")
        return receiver.recv().data


def received_by_puller(open_end: Any, **options: Any) -> Any:
    with open_end("JobsPusher") as sender, open_end("JobsPuller", **options) as receiver:
        sender.push(tile=b"1234")
        return receiver.recv().tile


def received_by_requester(open_end: Any, **options: Any) -> Any:
    with open_end("DriveReplier") as receiver, open_end("DriveRequester", **options) as sender:
        call = sender.start(linear=1.0)
        receiver.recv().reply(data=b"1234")
        return call.result().data


@pytest.mark.parametrize("received", [received_by_subscriber, received_by_puller, received_by_requester])
def test_untrusted_messages_are_copied_before_they_are_read(open_end: Any, root: Path, received: Any) -> None:
    for policy, is_in_place in ((None, True), ("trusted", True), ("verify", True), ("untrusted", False)):
        data = received(open_end, verify=policy)

        assert data.tolist() == list(b"1234")
        assert is_mapped_from(root, data) == is_in_place


@pytest.mark.parametrize("name", ["TreeSubscriber", "JobsPuller", "DriveRequester", "DriveReplier"])
def test_the_policy_of_verification_is_one_of_three_words(open_end: Any, name: str) -> None:
    with open_end(name, verify="untrusted"):
        pass
    with pytest.raises(ValueError, match="verify is 'trusted', 'verify' or 'untrusted'"):
        open_end(name, verify="all")
    with pytest.raises(TypeError, match="verify is 'trusted', 'verify' or 'untrusted'"):
        open_end(name, verify=True)


def test_deadlines_missed_are_told_to_both_ends(open_end: Any) -> None:
    told_publisher: list[int] = []
    told_subscriber: list[int] = []
    with (
        open_end("BeatPublisher", on_deadline_missed=told_publisher.append) as publisher,
        open_end("BeatSubscriber", on_deadline_missed=told_subscriber.append) as subscriber,
    ):
        publisher.send(id=1)
        subscriber.recv()
        with pytest.raises(shmcomm.SHMTimeoutError):
            subscriber.recv(timeout=100)
        assert sum(told_subscriber) >= 4
        publisher.send(id=2)
        assert sum(told_publisher) >= 4
        assert subscriber.recv().id == 2
        assert publisher.stats.deadlines_missed >= sum(told_publisher)
        assert subscriber.stats.deadlines_missed >= sum(told_subscriber)


@pytest.mark.parametrize("look", ["try_recv", "latest", "poll"])
def test_deadlines_missed_are_told_by_looking(open_end: Any, look: str) -> None:
    told: list[int] = []
    with open_end("BeatPublisher") as publisher, open_end("BeatSubscriber", on_deadline_missed=told.append) as subscriber:
        publisher.send(id=1)
        subscriber.recv()
        while not told:
            assert not getattr(subscriber, look)(*([1] if look == "poll" else []))


def test_deadlines_missed_are_told_when_a_loan_ends(open_end: Any) -> None:
    told: list[int] = []
    with open_end("BeatPublisher", on_deadline_missed=told.append) as publisher:
        publisher.send(id=1)
        while publisher.stats.deadlines_missed == 0:
            time.sleep(0)
        with publisher.loan() as leaf:
            leaf.id = 2

    assert len(told) == 1


def test_deadlines_missed_are_told_during_a_wait_that_an_event_loop_makes(open_end: Any) -> None:
    told: list[int] = []
    with open_end("BeatPublisher") as publisher, open_end("BeatSubscriber", on_deadline_missed=told.append) as subscriber:
        publisher.send(id=1)
        subscriber.recv()

        async def wait() -> None:
            waiting = asyncio.create_task(subscriber.arecv())
            while not told:
                await asyncio.sleep(0)
            publisher.send(id=2)
            assert (await waiting).id == 2

        asyncio.run(wait())


def test_an_error_of_the_callback_of_deadlines_loses_no_message(open_end: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: reported.append(unraisable.exc_type))

    def fail(_: int) -> None:
        raise ZeroDivisionError

    with open_end("BeatPublisher") as publisher, open_end("BeatSubscriber", on_deadline_missed=fail) as subscriber:
        publisher.send(id=1)
        subscriber.recv()
        while not reported:
            assert subscriber.try_recv() is None
        publisher.send(id=2)
        assert subscriber.recv().id == 2

    assert set(reported) == {ZeroDivisionError}


def test_the_callback_of_deadlines_may_use_and_close_its_end(open_end: Any) -> None:
    def answer(_: int) -> None:
        with pytest.raises(shmcomm.SHMError, match="another thread is waiting"):
            subscriber.try_recv()
        publisher.send(id=2)
        subscriber.close()

    publisher = open_end("BeatPublisher", on_deadline_missed=lambda _: publisher.close())
    subscriber = open_end("BeatSubscriber", on_deadline_missed=answer)
    publisher.send(id=1)
    subscriber.recv()
    with pytest.raises(shmcomm.SHMConnectionError, match="closed"):
        subscriber.recv()
    assert subscriber.closed and publisher.closed
