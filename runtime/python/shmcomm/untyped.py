# SPDX-License-Identifier: Apache-2.0
"""Endpoints without a schema: any Python object under a name."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from math import prod
from os import PathLike, fspath
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from shmcomm import _core
from shmcomm.awaited import AsyncIterated
from shmcomm.closing import ClosedOnExit
from shmcomm.codecs import array_header
from shmcomm.endpoints import Metadata, PublisherStats, SubscriberStats

if TYPE_CHECKING:
    from typing import Protocol

    import numpy as np
    import numpy.typing as npt

    class _Lender(Protocol):
        """A sending end."""

        def _reserve(self, head: bytes, bytes: int) -> _core.LoanBuffer: ...
        def _commit(self, loan: _core.LoanBuffer) -> bool: ...
        def _abandon(self, loan: _core.LoanBuffer) -> None: ...


__all__ = ["Loan", "Publisher", "Subscriber"]

Timeout = int | timedelta | None
"""Whole milliseconds, a timedelta, or None for ever."""


def _check_name(name: object) -> None:
    if not isinstance(name, str):
        raise TypeError(f"a channel is named by a str, not {type(name).__name__}")


_LARGEST = (1 << 31) - 64


def _check_options(name: object, max_size: int | None) -> None:
    """TypeError, ValueError."""
    _check_name(name)
    if max_size is not None and not 1 <= max_size <= _LARGEST:
        raise ValueError(f"channel '{name}': max_size is {max_size}, allowed are 1 to {_LARGEST}")


def _chosen(lifespan: Timeout, **options: int | None) -> dict[str, int]:
    """The options that were given: the others are those of the channel if it runs already."""
    chosen = {key: value for key, value in options.items() if value is not None}
    if isinstance(lifespan, timedelta):
        chosen["lifespan_ns"] = lifespan // timedelta(microseconds=1) * 1000
    elif isinstance(lifespan, bool) or not hasattr(type(lifespan), "__index__") and lifespan is not None:
        raise TypeError(f"lifespan is an int of milliseconds or a timedelta, not {lifespan!r}")
    elif lifespan is not None:
        chosen["lifespan_ns"] = lifespan * 1_000_000
    return chosen


class Publisher(_core.UntypedPublisher, ClosedOnExit):
    """Sends any Python object to all subscribers of a channel.

    By default nothing ever waits: a subscriber that is too slow loses the oldest messages and learns how many. With
    `reliable=True` nothing is lost, and `send` waits for the slowest subscriber, or answers False. Publishers and
    subscribers may be opened and closed in any order.

    Any thread may send, one at a time while one waits for room. After fork() it works only in the parent. Sending a small
    message costs about a microsecond; large ones are copied once. A publisher that goes out of use leaves its channel.

    >>> with Publisher("doc/robot") as pub, Subscriber("doc/robot") as sub:
    ...     pub.send({"cmd": "move", "pos": [1.0, 2.0, 3.0]})
    ...     sub.recv(timeout=100)
    True
    {'cmd': 'move', 'pos': [1.0, 2.0, 3.0]}
    """

    def __init__(
        self,
        name: str,
        *,
        reliable: bool | None = None,
        history: int | None = None,
        capacity: int | None = None,
        lifespan: Timeout = None,
        max_size: int | None = None,
        timeout: Timeout = 0,
        serializer: str | None = None,
        root: str | PathLike[str] = "",
        domain: str = "",
    ) -> None:
        """Joins the channel `name`, any text of 1 to 200 bytes, and creates it if this is its first endpoint.

        reliable: nothing is overwritten before every subscriber has received it. Default: not.
        history: so many of the latest messages are given to subscribers that come later. Default: 0.
        capacity: how many messages a subscriber may lag behind, 1 to 32768. Default: 16. Bursts of small
            messages want more; a large message keeps its memory in each of half as many slots again.
        lifespan: older messages are skipped; milliseconds or a timedelta. Default: none.
            These four belong to the channel. Who does not give one takes what the channel has; who gives one that
            differs from the running channel's gets SHMSchemaMismatchError.
        max_size: largest message in bytes, up to 2 GiB - 64. Default: 16 MiB. This publisher's own; it costs address
            space only, memory is taken as messages need it.
        timeout: how long send waits on a reliable channel that is full; milliseconds, a timedelta, None for ever.
            Default 0: send answers False at once.
        serializer: "pickle" (default), "msgpack" or the name of a registered codec, for what is neither bytes nor array.
        root, domain: where channels live; default $SHMCOMM_ROOT, $SHMCOMM_DOMAIN.

        Errors: ValueError for a name or option out of range, SHMSchemaMismatchError, SHMConnectionError (255 endpoints,
        no permission, shared memory full), SHMCorruptionError.
        """
        _check_options(name, max_size)
        chosen = _chosen(lifespan, reliable=reliable, history=history, capacity=capacity)
        super().__init__(name, fspath(root), domain, chosen, max_size, timeout, serializer)

    def loan(self, shape: int | tuple[int, ...], dtype: npt.DTypeLike = float) -> Loan:
        """A writable array in shared memory, which is published when the `with` block ends and dropped if it raises.

        Nothing is copied: what is written there is what subscribers see. The array is not cleared beforehand. After the
        block it is read-only and its content means nothing; a slice or memoryview taken from it before stays writable, and
        must not be written any more, or subscribers see it. Two loans may be open at once. On a reliable channel leaving
        the block waits as send does; `loan.sent` then tells whether the message was sent.

        Errors: SHMMessageTooLargeError, SHMBufferFullError (two loans open, shared memory full), ValueError for a dtype
        that holds Python objects.
        Cost: nothing is copied; a system call only for memory on first use, and on leaving only to wake who sleeps.

        >>> with Publisher("doc/loan") as pub, Subscriber("doc/loan") as sub:
        ...     with pub.loan((2, 3), "u1") as image:
        ...         image[:] = 7
        ...     int(sub.recv(timeout=100).sum())
        42
        """
        return Loan(self, shape, dtype)

    @property
    def stats(self) -> PublisherStats:
        """Counters: messages sent, their bytes, and messages refused; after close those of the end.
        Cost: a few loads; no system call.

        >>> with Publisher("doc/stats") as pub:
        ...     _ = pub.send(b"abc")
        ...     pub.stats
        PublisherStats(sent=1, bytes=3, errors=0, deadlines_missed=0)
        """
        return PublisherStats(*self.counters())


_NOTHING = object()


class Subscriber(AsyncIterated, _core.UntypedSubscriber, ClosedOnExit):
    """Receives the messages of a channel, in order, from the moment it was opened.

    Used by one thread at a time, or by the tasks of one event loop; what it received may be used and dropped on any. After
    fork() it works only in the parent. It can be iterated over, with `async for` too: that waits for messages until it is
    closed.

    Of loss and of a ring that is nine tenths unread the logger `shmcomm` is warned, once a second at most. That is looked at when
    a message is taken, how full the ring is at one message in sixteen.

    >>> with Publisher("doc/sub") as pub, Subscriber("doc/sub") as sub:
    ...     for n in range(3):
    ...         _ = pub.send(n)
    ...     for n in sub:
    ...         print(n)
    ...         if n == 2:
    ...             sub.close()
    0
    1
    2
    """

    def __init__(
        self,
        name: str,
        *,
        reliable: bool | None = None,
        history: int | None = None,
        capacity: int | None = None,
        lifespan: Timeout = None,
        allow_pickle: bool | None = None,
        spin: Timeout = None,
        root: str | PathLike[str] = "",
        domain: str = "",
    ) -> None:
        """Joins the channel `name`, and creates it if this is its first endpoint.

        reliable: as for Publisher, except that False fits a reliable channel, too: this subscriber then never holds a
            publisher back, and loses the oldest messages where it is too slow.
        history, capacity, lifespan, root, domain: as for Publisher.
        allow_pickle: whether pickles are decoded, which can run any program. Default: only those that a process of this
            user sent.
        spin: how long a wait looks before it sleeps; a timedelta of microseconds. Default: 20 us at most, and less where
            that has not helped lately.

        Errors: as Publisher.
        """
        _check_name(name)
        chosen = _chosen(lifespan, reliable=reliable, history=history, capacity=capacity)
        super().__init__(name, fspath(root), domain, chosen, allow_pickle, spin)

    async def arecv(self, timeout: Timeout = None, *, copy: bool = False) -> Any:
        """recv for asyncio: other tasks run while it waits, and cancelling it loses no message.

        Several tasks may wait; each message goes to one of them. No thread runs behind it: the event loop, asyncio's or
        uvloop, watches the descriptor of fileno() while a task waits. Errors: as recv; SHMError where a task of another event
        loop waits. Cost: as recv, and where it waits some system calls of the event loop.

        >>> async def first(sub):
        ...     return await sub.arecv(timeout=100)
        >>> import asyncio
        >>> with Publisher("doc/arecv") as pub, Subscriber("doc/arecv") as sub:
        ...     _ = pub.send("hello")
        ...     asyncio.run(first(sub))
        'hello'
        """
        from shmcomm.event_loop import arrival

        return await arrival(self, lambda: self.try_recv(_NOTHING, copy=copy), _NOTHING, timeout)

    @property
    def metadata(self) -> Metadata:
        """What travelled with the message that was received last: its number in the channel, how many were lost before
        it, when it was published (time.monotonic_ns()), and who published it. Cost: a few loads; no system call.

        >>> with Publisher("doc/meta") as pub, Subscriber("doc/meta") as sub:
        ...     _ = pub.send(b"abc"), sub.recv(timeout=100)
        ...     sub.metadata.sequence, sub.metadata.lost
        (0, 0)
        """
        return Metadata(*self.last_metadata())

    @property
    def stats(self) -> SubscriberStats:
        """Counters: messages received, their bytes, lost ones and others; after close those of the end.
        Cost: a few loads; no system call.

        >>> with Subscriber("doc/stats2") as sub:
        ...     sub.stats.received, sub.stats.lost
        (0, 0)
        """
        return SubscriberStats(*self.counters())


class _Form(NamedTuple):
    """What an array of one shape and dtype is like as a message."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    head: bytes
    message_bytes: int
    make: type[np.ndarray[Any, Any]]


def _form(shape: int | tuple[int, ...], dtype: npt.DTypeLike) -> _Form:
    import numpy as np

    dtype = np.dtype(dtype)
    lengths = (shape,) if isinstance(shape, int) else tuple(shape)
    if any(length < 0 for length in lengths):
        raise ValueError(f"a shape has no negative lengths, got {shape}")
    head = array_header(dtype, lengths, False)
    if head is None:
        raise ValueError(f"a loan cannot hold {dtype}: send the array instead")
    unpadded = len(head) + prod(lengths) * dtype.itemsize
    return _Form(dtype, lengths, head, -(-unpadded // 64) * 64, np.ndarray)


# A loop that lends asks for one form again and again; making it costs more than the loan.
_known_form = lru_cache(64, typed=True)(_form)


class Loan:
    """A message being written where receivers will read it; see Publisher.loan. `sent` tells afterwards whether it was sent. Used
    once, by the thread of its end.

    >>> with Publisher("doc/lent") as pub, Subscriber("doc/lent") as sub:
    ...     loan = pub.loan(3, "u1")
    ...     with loan as array:
    ...         array[:] = 1, 2, 3
    ...     loan.sent, sub.recv(timeout=100).tolist()
    (True, [1, 2, 3])
    """

    def __init__(self, publisher: _Lender, shape: int | tuple[int, ...], dtype: npt.DTypeLike) -> None:
        self._publisher = publisher
        try:
            self._form = _known_form(shape, dtype)  # type: ignore[arg-type]
        except TypeError:  # written as a list
            self._form = _form(shape, dtype)
        self._array: np.ndarray[Any, Any] | None = None
        self._buffer: _core.LoanBuffer | None = None
        self.sent = False
        """whether the message was published"""

    def __enter__(self) -> np.ndarray[Any, Any]:
        dtype, shape, head, message_bytes, make = self._form
        self._buffer = buffer = self._publisher._reserve(head, message_bytes)
        self._array = array = make(shape, dtype, memoryview(buffer), len(head))
        return array

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._buffer is not None and self._array is not None
        self._array.flags.writeable = False
        if kind is None:
            self.sent = self._publisher._commit(self._buffer)
        else:
            self._publisher._abandon(self._buffer)
