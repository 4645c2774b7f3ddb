# SPDX-License-Identifier: Apache-2.0
"""The endpoints of pushpull channels that generated classes derive from. All work is done in the extension."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from os import PathLike, fspath
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from shmcomm import _core
from shmcomm.awaited import AsyncIterated
from shmcomm.closing import ClosedOnExit
from shmcomm.documented import documented

if TYPE_CHECKING:
    from shmcomm.verify_policy import VerifyPolicy

__all__ = ["JobMetadata", "Puller", "PullerStats", "Pusher", "PusherStats", "job_metadata"]


@documented
class PusherStats(NamedTuple):
    """Counters of one pusher since it was opened.

    sent: jobs pushed
    bytes: their bytes
    errors: pushes and loans refused
    dead_letters: jobs of the channel, anybody's, given up since this was opened

    >>> with Pusher("doc/pushed") as pusher:
    ...     _ = pusher.send(b"abc")
    ...     pusher.stats.sent, pusher.stats.bytes, pusher.stats.dead_letters
    (1, 3, 0)
    """

    sent: int
    bytes: int
    errors: int
    dead_letters: int


@documented
class PullerStats(NamedTuple):
    """Counters of one puller since it was opened.

    received: jobs taken
    bytes: their bytes
    expired: jobs skipped because they were older than the channel's lifespan
    incompatible: pushers whose schema does not fit; their jobs are left to others
    corrupt: jobs given up because the shared memory did not make sense
    dead_letters: jobs of the channel, anybody's, given up since this was opened

    >>> with Pusher("doc/pulled") as pusher, Puller("doc/pulled") as puller:
    ...     _ = pusher.send(b"abc"), puller.recv(timeout=100)
    ...     puller.stats.received, puller.stats.bytes, puller.stats.expired
    (1, 3, 0)
    """

    received: int
    bytes: int
    expired: int
    incompatible: int
    corrupt: int
    dead_letters: int


@documented
class JobMetadata(NamedTuple):
    """What travels with a job.

    sequence: the job's number in its channel
    publish_ns: when it was pushed, on the clock of time.monotonic_ns()
    pusher: id of its pusher, 1 to 255
    attempt: 0, or how many pullers died with it or gave it back

    >>> with Pusher("doc/job_travels") as pusher, Puller("doc/job_travels") as puller:
    ...     _ = pusher.send("work"), puller.recv(timeout=100), puller.give_back(), puller.recv(timeout=100)
    ...     puller.metadata.sequence, puller.metadata.pusher, puller.metadata.attempt
    (0, 1, 1)
    """

    sequence: int
    publish_ns: int
    pusher: int
    attempt: int


def job_metadata(job: _core.Job) -> JobMetadata:
    """What travels with a job, even where a field of its message has the same name."""
    base = _core.Job
    return JobMetadata(*(getattr(base, name).__get__(job) for name in JobMetadata._fields))


class Pusher(_core.Pusher, ClosedOnExit):
    """Gives out jobs, each of which one puller of the channel gets. Used by one thread at a time; opened before fork(), it
    works only in the parent. Jobs stay after it as long as anybody is attached to the channel.

    >>> with TilesPuller() as puller, TilesPusher() as pusher:
    ...     pusher.push(id=7, tile=b"abc", timeout=1000)
    ...     puller.recv(timeout=100).id
    7
    """

    _channel: ClassVar[_core.Channel]

    def __init__(
        self,
        channel: str = "",
        *,
        root: str | PathLike[str] = "",
        domain: str = "",
        max_size: int = 0,
        timeout: int | timedelta | None = None,
        max_loans: int = 0,
        on_dead_letters: Callable[[int], object] | None = None,
    ) -> None:
        """Joins the channel, and creates it if this is its first endpoint. `channel` renames it; `root` and `domain`
        choose where channels live ($SHMCOMM_ROOT, $SHMCOMM_DOMAIN); `max_size` is this pusher's own largest job in bytes,
        at most the channel's; `timeout` is how long a push that does not say waits for room, in milliseconds or as a
        timedelta, None for ever; `max_loans` may be open at once, at most the channel's; `on_dead_letters(n)` is called at the
        end of a push or loan when jobs of the channel, anybody's, have been given up, with how many more. What it raises is
        reported to sys.unraisablehook. Errors: SHMConnectionError, SHMSchemaMismatchError, SHMCorruptionError, ValueError for
        an option out of range."""
        super().__init__(
            self._channel, channel, fspath(root), domain, max_size, timeout, max_loans, on_dead_letters
        )

    @property
    def stats(self) -> PusherStats:
        """Counters: jobs given out, their bytes, and others; after close those of the end. Cost: a few loads; no system call.

        >>> with TilesPusher() as pusher:
        ...     pusher.push(id=7)
        ...     pusher.stats.sent, pusher.stats.dead_letters
        (1, 0)
        """
        return PusherStats(*self.counters())


class Puller(AsyncIterated, _core.Puller, ClosedOnExit):
    """Takes jobs, the oldest first; each is this puller's alone. Used by one thread at a time, or by the tasks of one event
    loop; opened before fork(), it works only in the parent. Jobs may outlive it, and may be ended on any thread. A job is done
    at the end of its `with` block, and given back to others where that raises. One that is dropped without a `with` is done,
    whatever happened. If the process dies, others get its jobs.

    >>> with TilesPuller() as puller, TilesPusher() as pusher:
    ...     pusher.push(id=7, tile=b"abc")
    ...     for job in puller:
    ...         with job:
    ...             print(job.id, bytes(job.tile))
    ...         break
    7 b'abc'
    """

    _channel: ClassVar[_core.Channel]

    def __init__(
        self,
        channel: str = "",
        *,
        root: str | PathLike[str] = "",
        domain: str = "",
        spin: int | timedelta | None = None,
        verify: VerifyPolicy | None = None,
        on_dead_letters: Callable[[int], object] | None = None,
    ) -> None:
        """Joins the channel, and creates it if this is its first endpoint. `spin` is how long a wait looks before it sleeps, as
        for Subscriber; where other pullers sleep already, none does. `verify` as for Subscriber. `on_dead_letters`, as for
        Pusher, is called from recv, try_recv and poll, while they wait too. Other options and errors as Pusher."""
        super().__init__(self._channel, channel, fspath(root), domain, spin, verify, on_dead_letters)

    async def arecv(self, timeout: int | timedelta | None = None) -> _core.Job:
        """recv for asyncio: other tasks run while it waits, and cancelling it loses no job. Several tasks may wait; each job
        goes to one of them. Errors: as recv; SHMError where a task of another event loop waits.
        Cost: as recv, and where it waits some system calls of the event loop.

        >>> import asyncio
        >>> with TilesPuller() as puller, TilesPusher() as pusher:
        ...     pusher.push(id=5)
        ...     asyncio.run(puller.arecv(timeout=100)).id
        5
        """
        from shmcomm.event_loop import arrival

        job: _core.Job = await arrival(self, self.try_recv, None, timeout, wanted="job")
        return job

    @property
    def stats(self) -> PullerStats:
        """Counters: jobs taken, their bytes, and others; after close those of the end. Cost: a few loads; no system call.

        >>> with TilesPuller() as puller:
        ...     puller.stats.received, puller.stats.expired
        (0, 0)
        """
        return PullerStats(*self.counters())
