# SPDX-License-Identifier: Apache-2.0
"""The endpoints that generated classes derive from. All work is done in the extension."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cached_property
from os import PathLike, fspath
from typing import TYPE_CHECKING, ClassVar, NamedTuple, overload

from shmcomm import _core
from shmcomm.awaited import AsyncIterated
from shmcomm.calls import RequestMetadata, request_metadata
from shmcomm.closing import ClosedOnExit
from shmcomm.documented import documented
from shmcomm.errors import SHMError
from shmcomm.jobs import JobMetadata, job_metadata

if TYPE_CHECKING:
    from typing import Any, Protocol

    import numpy as np
    import numpy.typing as npt

    from shmcomm.verify_policy import VerifyPolicy

    class _Structs(Protocol):
        """What a schema tells of its structs."""

        def struct(self, name: str) -> type[_core.Record]: ...
        def struct_dtype(self, name: str) -> np.dtype[Any]: ...


__all__ = ["Metadata", "Publisher", "PublisherStats", "Subscriber", "SubscriberStats", "metadata"]


@documented
class PublisherStats(NamedTuple):
    """Counters of one publisher since it was opened.

    sent: messages published
    bytes: their bytes
    errors: publishes and loans refused
    deadlines_missed: periods of the channel's deadline in which this publisher published nothing

    >>> with Publisher("doc/sent") as pub:
    ...     _ = pub.send(b"abc")
    ...     pub.stats.sent, pub.stats.bytes, pub.stats.errors
    (1, 3, 0)
    """

    sent: int
    bytes: int
    errors: int
    deadlines_missed: int


@documented
class SubscriberStats(NamedTuple):
    """Counters of one subscriber since it was opened.

    received: messages taken
    bytes: their bytes
    lost: messages overwritten before they were taken
    expired: messages skipped because they were older than the channel's lifespan
    demotions: times a publisher stopped waiting for this subscriber
    incompatible: messages skipped because their publisher's schema does not fit
    corrupt: messages refused because the shared memory did not make sense
    deadlines_missed: periods of the channel's deadline in which nobody's message came

    >>> with Publisher("doc/received") as pub, Subscriber("doc/received", capacity=16) as sub:
    ...     _ = [pub.send(n) for n in range(100)]
    ...     while sub.try_recv() is not None:
    ...         pass
    ...     sub.stats.received + sub.stats.lost, sub.stats.lost > 0
    (100, True)
    """

    received: int
    bytes: int
    lost: int
    expired: int
    demotions: int
    incompatible: int
    corrupt: int
    deadlines_missed: int


@documented
class Metadata(NamedTuple):
    """What travels with a message.

    sequence: the message's number in its channel
    lost: messages this subscriber lost since the sample before
    publish_ns: when it was published, on the clock of time.monotonic_ns()
    publisher: id of its publisher, 1 to 255

    >>> with Publisher("doc/travels") as pub, Subscriber("doc/travels") as sub:
    ...     _ = pub.send("first"), pub.send("second"), sub.recv(timeout=100), sub.recv(timeout=100)
    ...     sub.metadata.sequence, sub.metadata.lost, sub.metadata.publisher
    (1, 0, 1)
    """

    sequence: int
    lost: int
    publish_ns: int
    publisher: int


@overload
def metadata(sample: _core.Sample) -> Metadata: ...
@overload
def metadata(sample: _core.Job) -> JobMetadata: ...
@overload
def metadata(sample: _core.Request) -> RequestMetadata: ...
def metadata(sample: _core.Sample | _core.Job | _core.Request) -> Metadata | JobMetadata | RequestMetadata:
    """What travels with a received message, job or request, even where a field of the message has the same name:
    `sample.sequence` is then the field and `metadata(sample).sequence` the number of the message. For messages of channels with a
    schema; ends without one have an attribute `metadata`. Errors: TypeError for what was not received. Cost: a few loads.

    >>> robot = load("robot.channel")
    >>> with robot.ImuPublisher() as pub, robot.ImuSubscriber() as sub:
    ...     _ = pub.send(stamp_ns=5)
    ...     imu = sub.recv(timeout=100)
    ...     metadata(imu).sequence, metadata(imu).lost, metadata(imu).publisher
    (0, 0, 1)
    """
    if isinstance(sample, _core.Job):
        return job_metadata(sample)
    return request_metadata(sample) if isinstance(sample, _core.Request) else Metadata(*_core.metadata(sample))


class Publisher(_core.Publisher, ClosedOnExit):
    """Sends messages on one channel. Used by one thread at a time; opened before fork(), it works only in the parent. Messages
    are built where subscribers read them; on a best-effort channel nothing ever waits.

    >>> with ImuSubscriber() as sub, ImuPublisher() as pub:
    ...     pub.send(stamp_ns=1, accel=Vec3(z=9.75))
    ...     sub.recv(timeout=100).accel.z
    True
    9.75
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
        demote_after: int | timedelta | None = None,
        max_loans: int = 0,
        on_deadline_missed: Callable[[int], object] | None = None,
    ) -> None:
        """Joins the channel, and creates it if this is its first endpoint. `channel` renames it; `root` and `domain`
        choose where channels live ($SHMCOMM_ROOT, $SHMCOMM_DOMAIN); `max_size` is this publisher's own largest message
        in bytes, at most the channel's; `timeout` is how long a send waits for room on a reliable channel, in
        milliseconds or as a timedelta, None for ever; a subscriber that does not move while sends wait `demote_after` for it
        no longer holds them up until it moves again, None never; `max_loans` may be open at once, at most the channel's.
        `on_deadline_missed(n)` is called at the end of a send or loan that came late on a channel with a deadline, with how many
        periods more were missed. What it raises is reported to sys.unraisablehook. Errors: SHMConnectionError,
        SHMSchemaMismatchError, SHMCorruptionError, ValueError for an option out of range."""
        super().__init__(
            self._channel,
            channel,
            fspath(root),
            domain,
            max_size,
            timeout,
            demote_after,
            max_loans,
            on_deadline_missed,
        )

    @property
    def stats(self) -> PublisherStats:
        """Counters: messages sent, their bytes, and others; after close those of the end. Cost: a few loads; no system call.

        >>> with ImuPublisher() as pub:
        ...     _ = pub.send(stamp_ns=1)
        ...     pub.stats.sent, pub.stats.errors
        (1, 0)
        """
        return PublisherStats(*self.counters())


class Subscriber(AsyncIterated, _core.Subscriber, ClosedOnExit):
    """Takes the messages of one channel, in order, from the moment it was opened. Used by one thread at a time, or by the
    tasks of one event loop; opened before fork(), it works only in the parent. Messages are read where they lie: they may
    outlive it and may be dropped on any thread. It can be iterated over, with `async for` too: that waits until it is closed.
    The logger `shmcomm` is warned of loss, and of a ring that is nine tenths unread, once a second at most; looked at when a
    message is taken, how full the ring is at one message in sixteen.

    >>> with CameraSubscriber() as sub, CameraPublisher() as pub:
    ...     _ = pub.send(width=2, height=1, data=b"ab")
    ...     for image in sub:
    ...         print(image.width, image.data.mean())
    ...         break
    2 97.5
    """

    _channel: ClassVar[_core.Channel]
    _schema: ClassVar[_Structs]
    _put_off: SHMError | None = None

    def __init__(
        self,
        channel: str = "",
        *,
        root: str | PathLike[str] = "",
        domain: str = "",
        spin: int | timedelta | None = None,
        reliable: bool | None = None,
        verify: VerifyPolicy | None = None,
        on_deadline_missed: Callable[[int], object] | None = None,
    ) -> None:
        """Joins the channel, and creates it if this is its first endpoint. `spin` is how long a wait looks before it sleeps, a
        timedelta of microseconds; None for 20 us at most, and less where that has not helped lately. `reliable=False` makes a
        subscriber of a reliable channel that never holds publishers up and counts what it loses. `verify="untrusted"` copies
        each message before anything reads it; it may only be stricter than the channel's. `on_deadline_missed`, as for
        Publisher, is called from recv, try_recv, latest and poll, while they wait too. Other options and errors as Publisher."""
        super().__init__(
            self._channel, channel, fspath(root), domain, spin, reliable, verify, on_deadline_missed
        )

    async def arecv(self, timeout: int | timedelta | None = None) -> _core.Sample:
        """recv for asyncio: other tasks run while it waits, and cancelling it loses no message. Several tasks may wait; each
        message goes to one of them. Errors: as recv; SHMError where a task of another event loop waits.
        Cost: as recv, and where it waits some system calls of the event loop.

        >>> import asyncio
        >>> with ImuSubscriber() as sub, ImuPublisher() as pub:
        ...     _ = pub.send(stamp_ns=5)
        ...     asyncio.run(sub.arecv(timeout=100)).stamp_ns
        5
        """
        from shmcomm.event_loop import arrival

        sample: _core.Sample = await arrival(self, self.try_recv, None, timeout)
        return sample

    def recv_array(self, max: int = 1024, timeout: int | timedelta | None = None) -> npt.NDArray[np.void]:
        """The messages that are there, `max` at most, as one structured array of their struct: a copy, so nothing stays
        borrowed. Waits up to `timeout` (as recv) for the first one. Messages of tables have no array: TypeError.
        Errors: as recv; one that comes after the first message is raised by the next call.
        Cost: each message is copied once; no system call where one is there.

        >>> with ImuSubscriber() as sub, ImuPublisher() as pub:
        ...     for stamp in range(3):
        ...         _ = pub.send(stamp_ns=stamp)
        ...     sub.recv_array(max=200, timeout=100)["stamp_ns"].tolist()
        [0, 1, 2]
        """
        import numpy as np

        if max < 1:
            raise ValueError(f"max is at least 1, not {max}")
        if self._put_off is not None:
            error, self._put_off = self._put_off, None
            raise error
        dtype = self._dtype
        data = bytearray(self.recv(timeout))
        try:
            for _ in range(max - 1):
                sample = self.try_recv()
                if sample is None:
                    break
                data += sample
        except SHMError as error:
            self._put_off = error
        return np.frombuffer(data, dtype)

    @cached_property
    def _dtype(self) -> np.dtype[Any]:
        message = self._channel.message
        try:
            self._schema.struct(message)
        except KeyError:
            raise TypeError(f"{self.channel}: {message} is a table; recv_array is for structs") from None
        return self._schema.struct_dtype(message)

    @property
    def stats(self) -> SubscriberStats:
        """Counters: messages received, their bytes, lost ones and others; after close those of the end.
        Cost: a few loads; no system call.

        >>> with ImuSubscriber() as sub:
        ...     sub.stats.received, sub.stats.lost
        (0, 0)
        """
        return SubscriberStats(*self.counters())
