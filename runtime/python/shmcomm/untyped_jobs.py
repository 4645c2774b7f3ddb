# SPDX-License-Identifier: Apache-2.0
"""Jobs without a schema: any Python object, for one puller each."""

from __future__ import annotations

from os import PathLike, fspath
from types import TracebackType
from typing import TYPE_CHECKING, Any

from shmcomm import _core
from shmcomm.awaited import AsyncIterated
from shmcomm.closing import ClosedOnExit
from shmcomm.jobs import JobMetadata, PullerStats, PusherStats
from shmcomm.untyped import _NOTHING, Loan, Timeout, _check_name, _check_options, _chosen

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Puller", "Pusher"]


class Pusher(_core.UntypedPusher, ClosedOnExit):
    """Gives out jobs, any Python object each; every job goes to one of the channel's pullers.

    Nothing is lost: a channel that is full of jobs that are not done makes `send` wait. Jobs stay while anybody is attached to
    the channel, so a pusher may close before its jobs are done if a puller is there. Any thread may send, one at a time while
    one waits for room. After fork() it works only in the parent.

    >>> with Pusher("doc/jobs") as pusher, Puller("doc/jobs") as puller:
    ...     pusher.send({"tile": 7})
    ...     puller.recv(timeout=100)
    True
    {'tile': 7}
    """

    def __init__(
        self,
        name: str,
        *,
        capacity: int | None = None,
        lifespan: Timeout = None,
        max_size: int | None = None,
        timeout: Timeout = None,
        serializer: str | None = None,
        root: str | PathLike[str] = "",
        domain: str = "",
    ) -> None:
        """Joins the channel `name`, any text of 1 to 200 bytes, and creates it if this is its first endpoint.

        capacity: how many jobs may wait or be in work. Default: 16. lifespan: older jobs are skipped. Both belong to the channel,
            as for Publisher.
        max_size, serializer, root, domain: as for Publisher.
        timeout: how long a send that does not say waits for room; default None, for ever. A program that pushes and pulls
            in one thread must not wait for ever: it waits for itself.

        Errors: as Publisher; SHMSchemaMismatchError also where the name is that of a channel of another pattern.
        """
        _check_options(name, max_size)
        super().__init__(name, fspath(root), domain, _chosen(lifespan, capacity=capacity), max_size, timeout, serializer)

    def loan(self, shape: int | tuple[int, ...], dtype: npt.DTypeLike = float) -> Loan:
        """A writable array in shared memory, which is given out as a job when the `with` block ends. As Publisher.loan.
        Cost: as there.

        >>> with Pusher("doc/lend") as pusher, Puller("doc/lend") as puller:
        ...     with pusher.loan(3, "u1") as tile:
        ...         tile[:] = 7
        ...     int(puller.recv(timeout=100).sum())
        21
        """
        return Loan(self, shape, dtype)

    @property
    def stats(self) -> PusherStats:
        """Counters: jobs sent, their bytes, jobs refused, and jobs given up; after close those of the end.
        Cost: a few loads; no system call.

        >>> with Pusher("doc/pusher_stats") as pusher:
        ...     _ = pusher.send(b"abc")
        ...     pusher.stats
        PusherStats(sent=1, bytes=3, errors=0, dead_letters=0)
        """
        return PusherStats(*self.counters())


class Puller(AsyncIterated, _core.UntypedPuller, ClosedOnExit):
    """Takes jobs, the oldest first; each is this puller's alone.

    The job received last is in hand. It is done when the next one is asked for, at `done()` and at `close()`. Until then it is
    another puller's if this process dies, this object goes out of use without `close`, `give_back()` is called, or an
    exception leaves the `with` block. After 15 attempts a job is given up and counted as a dead letter.

    Used by one thread at a time, or by the tasks of one event loop. After fork() it works only in the parent. It can be
    iterated over, with `async for` too, until it is closed.

    >>> with Pusher("doc/work") as pusher, Puller("doc/work") as puller:
    ...     for n in range(3):
    ...         _ = pusher.send(n)
    ...     for n in puller:
    ...         print(n)
    ...         if n == 2:
    ...             break
    0
    1
    2
    """

    def __init__(
        self,
        name: str,
        *,
        capacity: int | None = None,
        lifespan: Timeout = None,
        allow_pickle: bool | None = None,
        spin: Timeout = None,
        root: str | PathLike[str] = "",
        domain: str = "",
    ) -> None:
        """Joins the channel `name`, and creates it if this is its first endpoint. capacity, lifespan: as for Pusher; the others
        and errors: as for Subscriber."""
        _check_name(name)
        super().__init__(name, fspath(root), domain, _chosen(lifespan, capacity=capacity), allow_pickle, spin)

    async def arecv(self, timeout: Timeout = None, *, copy: bool = False) -> Any:
        """recv for asyncio: other tasks run while it waits, and cancelling it loses no job. There is one job in hand: tasks
        that share a puller finish each other's. Errors: as recv; SHMError where a task of another event loop waits.
        Cost: as recv, and where it waits some system calls of the event loop.

        >>> async def first(puller):
        ...     return await puller.arecv(timeout=100)
        >>> import asyncio
        >>> with Pusher("doc/arecv_job") as pusher, Puller("doc/arecv_job") as puller:
        ...     _ = pusher.send("hello")
        ...     asyncio.run(first(puller))
        'hello'
        """
        from shmcomm.event_loop import arrival

        return await arrival(self, lambda: self.try_recv(_NOTHING, copy=copy), _NOTHING, timeout, wanted="job")

    @property
    def metadata(self) -> JobMetadata:
        """What travelled with the job that was received last; `attempt` says how often others had it in vain.
        Cost: a few loads; no system call.

        >>> with Pusher("doc/job_meta") as pusher, Puller("doc/job_meta") as puller:
        ...     _ = pusher.send(b"abc"), puller.recv(timeout=100)
        ...     puller.metadata.sequence, puller.metadata.attempt
        (0, 0)
        """
        return JobMetadata(*self.last_metadata())

    @property
    def stats(self) -> PullerStats:
        """Counters: jobs received, their bytes, and others; after close those of the end. Cost: a few loads; no system call.

        >>> with Puller("doc/puller_stats") as puller:
        ...     puller.stats.received, puller.stats.dead_letters
        (0, 0)
        """
        return PullerStats(*self.counters())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and not self.closed:
            self.give_back()
        self.close()
