# SPDX-License-Identifier: Apache-2.0
"""Pushers and pullers: each job to one puller, done or given back."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shmcomm
from programs import end, hear, in_thread, start
from shmcomm.typed import Job

RING = 16


@pytest.fixture
def pusher(patterns: Any, root: Path) -> Iterator[Any]:
    with patterns.JobsPusher(root=root) as opened:
        yield opened


@pytest.fixture
def puller(patterns: Any, root: Path) -> Iterator[Any]:
    with patterns.JobsPuller(root=root) as opened:
        yield opened


def drain(puller: Any) -> list[int]:
    """The numbers of the jobs that are there, each done."""
    numbers = []
    while (job := puller.try_recv()) is not None:
        with job:
            numbers.append(job.id)
    return numbers


def test_a_job_is_given_as_keywords_a_dict_or_an_instance(patterns: Any, pusher: Any, puller: Any) -> None:
    pusher.push(id=1, tile=b"abc")
    pusher.push({"id": 2, "name": "two"}, timeout=100)
    pusher.push(patterns.Job(id=3))

    with puller.recv(timeout=1000) as job:
        assert (job.id, bytes(job.tile), job.name, job.attempt) == (1, b"abc", None, 0)
    assert drain(puller) == [2, 3]


def test_each_job_goes_to_one_puller(patterns: Any, root: Path, pusher: Any, puller: Any) -> None:
    with patterns.JobsPuller(root=root) as other:
        for i in range(10):
            pusher.push(id=i)
        taken = [puller.recv().id, other.recv().id, *drain(puller), *drain(other)]

    assert sorted(taken) == list(range(10))


def test_a_struct_and_its_field_called_timeout_travel(patterns: Any, root: Path) -> None:
    with patterns.StepsPusher(root=root) as pusher, patterns.StepsPuller(root=root) as puller:
        pusher.push(x=1, timeout=2)
        pusher.push({"x": 3, "timeout": 4}, timeout=5)

        for job in puller:
            with job:
                assert job.timeout == job.x + 1
            if job.attempt == 0 and shmcomm.metadata(job).sequence == 1:
                break


def test_a_field_hides_what_travels_with_the_job_but_not_its_metadata(pusher: Any, puller: Any) -> None:
    pusher.push(sequence="first")

    job = puller.recv()
    assert job.sequence == "first"
    assert shmcomm.metadata(job)[:1] + shmcomm.metadata(job)[2:] == (0, 1, 0)


def test_iteration_ends_when_the_puller_is_closed(patterns: Any, root: Path, pusher: Any) -> None:
    puller = patterns.JobsPuller(root=root)
    pusher.push(id=1)
    for job in puller:
        job.done()
        puller.close()

    assert puller.closed and puller.stats.received == 1


def test_loans_are_given_out_when_their_block_ends(pusher: Any, puller: Any) -> None:
    with pusher.loan(tile=(2, 3), name="front") as job:
        job.tile[:] = 7
        job.id = 1
        assert puller.try_recv() is None
    with pytest.raises(ZeroDivisionError), pusher.loan(id=2):
        raise ZeroDivisionError

    with puller.recv() as job:
        assert (job.id, job.tile.tolist(), job.name) == (1, [7] * 6, "front")
    assert puller.try_recv() is None


def test_a_full_ring_is_an_error_after_the_timeout(pusher: Any, puller: Any) -> None:
    for i in range(RING):
        pusher.push(id=i)

    with pytest.raises(shmcomm.SHMBufferFullError, match="jobs: ring full, 16 of 16 not free"):
        pusher.push(id=RING, timeout=20)
    assert drain(puller) == list(range(RING))


def test_a_pusher_has_a_timeout_of_its_own(patterns: Any, root: Path, puller: Any) -> None:
    with patterns.JobsPusher(root=root, timeout=0) as pusher:
        for i in range(RING):
            pusher.push(id=i)
        with pytest.raises(shmcomm.SHMBufferFullError):
            pusher.push(id=RING)
        with pytest.raises(shmcomm.SHMBufferFullError), pusher.loan(id=RING):
            pass
        puller.recv().done()

        pusher.push(id=RING)
        assert (pusher.stats.sent, pusher.stats.errors) == (RING + 1, 2)


def test_on_full_fail_never_waits(patterns: Any, root: Path) -> None:
    with patterns.StepsPusher(root=root) as pusher:
        for _ in range(RING):
            pusher.push(x=1)

        with pytest.raises(shmcomm.SHMBufferFullError):
            pusher.push({"x": 1}, timeout=None)


def test_a_job_is_done_at_the_end_of_its_block(pusher: Any, puller: Any) -> None:
    for i in range(RING):
        pusher.push(id=i)
    with puller.recv() as job:
        with pytest.raises(shmcomm.SHMBufferFullError):
            pusher.push(timeout=0)

    pusher.push(timeout=0)
    assert repr(job) == "<patterns.Job, over>"


def test_a_dropped_job_is_done(pusher: Any, puller: Any) -> None:
    pusher.push(id=1)
    job = puller.recv()
    del job

    assert puller.try_recv() is None and puller.stats.dead_letters == 0


def test_a_job_may_be_done_twice_and_then_cannot_be_read(pusher: Any, puller: Any) -> None:
    pusher.push(id=1, tile=b"a", name="b")
    with puller.recv() as job:
        job.done()
        job.done()

    for read in (lambda: job.id, lambda: job.tile, lambda: job.name, job.to_dict, lambda: pusher.push(job), lambda: job == job):
        with pytest.raises(shmcomm.SHMError, match="this message is over"):
            read()
    with pytest.raises(BufferError):
        memoryview(job)
    assert shmcomm.metadata(job).attempt == 0


def test_a_struct_that_is_done_cannot_be_read(patterns: Any, root: Path) -> None:
    with patterns.StepsPusher(root=root) as pusher, patterns.StepsPuller(root=root) as puller:
        pusher.push(x=1)
        job = puller.recv()
        job.done()

        with pytest.raises(shmcomm.SHMError, match="this message is over"):
            _ = job.x


def test_an_exception_in_its_block_gives_a_job_back(pusher: Any, puller: Any) -> None:
    pusher.push(id=1)
    with pytest.raises(ZeroDivisionError), puller.recv():
        raise ZeroDivisionError

    with puller.recv(timeout=60_000) as job:
        assert (job.id, job.attempt) == (1, 1)


def test_a_job_given_back_by_everybody_is_a_dead_letter(pusher: Any, puller: Any) -> None:
    pusher.push(id=1)
    puller.recv().give_back()
    puller.recv(timeout=60_000).give_back()

    assert puller.try_recv() is None
    assert (pusher.stats.dead_letters, puller.stats.dead_letters) == (1, 1)


def test_a_view_keeps_its_job_open(pusher: Any, puller: Any) -> None:
    for i in range(RING):
        pusher.push(id=i, tile=b"%d" % i)
    with puller.recv() as job:
        tile = job.tile
    assert drain(puller) == list(range(1, RING))
    with pytest.raises(shmcomm.SHMBufferFullError):
        pusher.push(timeout=0)
    assert bytes(tile) == b"0"

    del tile
    pusher.push(id=99, timeout=0)
    assert drain(puller) == [99]


def test_a_view_keeps_a_job_that_is_given_back(pusher: Any, puller: Any) -> None:
    pusher.push(id=1, tile=b"a")
    job = puller.recv()
    tile = memoryview(job)
    job.give_back()
    assert puller.try_recv() is None

    tile.release()
    assert puller.recv(timeout=60_000).attempt == 1


def test_jobs_outlive_their_puller(patterns: Any, root: Path, pusher: Any) -> None:
    puller = patterns.JobsPuller(root=root)
    pusher.push(id=1, tile=b"a")
    job = puller.recv()
    puller.close()
    del puller
    gc.collect()

    with job:
        assert bytes(job.tile) == b"a"


def test_no_more_than_max_borrowed_jobs_are_held(pusher: Any, puller: Any) -> None:
    for i in range(5):
        pusher.push(id=i)
    held = [puller.recv() for _ in range(4)]

    with pytest.raises(shmcomm.SHMBufferFullError, match="you hold 4 of 4 jobs"):
        puller.recv()
    held.pop().done()
    assert puller.recv().id == 4


def test_a_recv_that_finds_nothing_times_out(puller: Any) -> None:
    with pytest.raises(shmcomm.SHMTimeoutError, match="no job within 5 ms"):
        puller.recv(timeout=5)
    assert not puller.poll(timeout=1)


@pytest.mark.parametrize("wrong", [0.5, "1", object()])
def test_a_timeout_is_milliseconds_or_a_timedelta(pusher: Any, wrong: object) -> None:
    with pytest.raises(TypeError, match="milliseconds"):
        pusher.push(id=1, timeout=wrong)
    with pytest.raises(TypeError, match="milliseconds"):
        pusher.push({"id": 1}, timeout=wrong)


def test_wrong_arguments_are_refused(patterns: Any, pusher: Any) -> None:
    with pytest.raises(TypeError, match="one message and timeout="):
        pusher.push({"id": 1}, wait=1)
    with pytest.raises(TypeError, match="one message and timeout="):
        pusher.push({"id": 1}, {"id": 2})
    with pytest.raises(shmcomm.SHMSerializationError, match="has no field 'idd'"):
        pusher.push(idd=1)
    with pytest.raises(shmcomm.SHMSerializationError, match="has no field 'timeout'"):
        pusher.loan(timeout=1)
    with pytest.raises(TypeError, match="comes from a puller"):
        Job()
    with pytest.raises(shmcomm.SHMMessageTooLargeError):
        pusher.push(tile=bytes(2 << 20))


def test_closed_ends_say_so(patterns: Any, root: Path) -> None:
    pusher, puller = patterns.JobsPusher(root=root), patterns.JobsPuller(root=root)
    loan = pusher.loan(id=1)
    for opened in (pusher, puller):
        opened.close()
        opened.close()

    for call in (lambda: pusher.push(id=1), lambda: pusher.loan(id=1), puller.recv, puller.try_recv, puller.poll, loan.__exit__):
        with pytest.raises(shmcomm.SHMConnectionError, match="closed"):
            call()
    assert list(puller) == []


@pytest.mark.parametrize("kind", ["typed", "untyped"])
def test_a_job_that_comes_as_its_puller_is_closed_goes_to_another(patterns: Any, root: Path, kind: str) -> None:
    if kind == "typed":
        pusher = patterns.JobsPusher(root=root)
        open_puller, push, number = lambda: patterns.JobsPuller(root=root), lambda i: pusher.push(id=i), lambda job: job.id
    else:
        pusher = shmcomm.Pusher("jobs", root=root)
        open_puller, push, number = lambda: shmcomm.Puller("jobs", root=root), pusher.send, lambda job: job
    with pusher, open_puller() as other:
        for i in range(200):
            closing = open_puller()
            thread, outcome = in_thread(lambda: number(closing.recv()))
            with pytest.raises(shmcomm.SHMError, match="another thread is waiting"):
                while True:
                    closing.poll()
            push(i)
            closing.close()
            thread.join()
            got = outcome.pop()

            assert (number(other.recv(timeout=60_000)) if isinstance(got, Exception) else got) == i


WORKER = """
import sys
import patterns
puller = patterns.JobsPuller(root=sys.argv[1])
job = puller.recv()
print(job.id)
sys.stdin.readline()
"""


def test_the_job_of_a_killed_puller_goes_to_another(patterns: Any, generated: Path, root: Path, pusher: Any, puller: Any) -> None:
    pusher.push(id=7)
    child = start(WORKER, root, generated=generated)
    assert hear(child) == "7"
    assert puller.try_recv() is None
    child.kill()
    end(child)

    with puller.recv(timeout=60_000) as job:
        assert (job.id, job.attempt) == (7, 1)


def test_a_forked_child_has_no_part_in_its_parents_job(pusher: Any, puller: Any) -> None:
    pusher.push(id=1, tile=b"abc")
    job = puller.recv()
    child = os.fork()
    if child == 0:
        refused = 0
        for call in (lambda: pusher.push(id=2), puller.recv, puller.try_recv, job.done):
            try:
                call()
            except shmcomm.SHMConnectionError as error:
                refused += "fork" in str(error)
        os._exit(refused)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 4

    with job:
        assert bytes(job.tile) == b"abc"
