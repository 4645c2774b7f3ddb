# SPDX-License-Identifier: Apache-2.0
"""The endpoints of reqrep channels that generated classes derive from. All work is done in the extension."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from shmcomm import _core
from shmcomm.awaited import AsyncIterated
from shmcomm.closing import ClosedOnExit
from shmcomm.documented import documented
from shmcomm.serving import Serving, carry_out
from shmcomm.turns import CalledByTasks

if TYPE_CHECKING:
    from shmcomm.verify_policy import VerifyPolicy

__all__ = ["Replier", "ReplierStats", "RequestMetadata", "Requester", "RequesterStats", "request_metadata"]


@documented
class RequesterStats(NamedTuple):
    """Counters of one requester since it was opened.

    sent: requests
    received: replies received, errors that the replier answered among them
    timed_out: calls that were not answered in time
    late: replies dropped because nobody waited for them any more
    died: calls whose replier died, or left without an answer
    errors: requests refused

    >>> with Requester("doc/asked") as client, Replier("doc/asked") as server:
    ...     _ = client.send(1), server.recv(timeout=100), server.send(2), client.recv(timeout=100)
    ...     client.stats.sent, client.stats.received, client.stats.timed_out
    (1, 1, 0)
    """

    sent: int
    received: int
    timed_out: int
    late: int
    died: int
    errors: int


@documented
class ReplierStats(NamedTuple):
    """Counters of one replier since it was opened.

    received: requests taken
    replied: answers published, errors among them
    late: answers dropped because the requester no longer waited, or was gone
    refused: requests that could not be read; their callers were told
    errors: answers that could not be published

    >>> with Requester("doc/answered") as client, Replier("doc/answered") as server:
    ...     _ = client.send(1), server.recv(timeout=100), server.send(2)
    ...     server.stats.received, server.stats.replied, server.stats.late
    (1, 1, 0)
    """

    received: int
    replied: int
    late: int
    refused: int
    errors: int


@documented
class RequestMetadata(NamedTuple):
    """What travels with a request.

    sequence: the request's number in its channel
    publish_ns: when it was sent, on the clock of time.monotonic_ns()
    requester: id of its requester, 1 to 255
    attempt: 0, or how many repliers died at it (idempotent channels)

    >>> with Requester("doc/request_travels") as client, Replier("doc/request_travels") as server:
    ...     _ = client.send(1), server.recv(timeout=100)
    ...     server.metadata.sequence, server.metadata.requester, server.metadata.attempt
    (0, 1, 0)
    """

    sequence: int
    publish_ns: int
    requester: int
    attempt: int


def request_metadata(request: _core.Request) -> RequestMetadata:
    """What travels with a request, even where a field of its message has the same name."""
    base = _core.Request
    return RequestMetadata(*(getattr(base, name).__get__(request) for name in RequestMetadata._fields))


class Requester(CalledByTasks, _core.Requester, ClosedOnExit):
    """Calls the repliers of one channel. Used by one thread at a time, or by the tasks of one event loop; opened before fork(),
    it works only in the parent. Replies may outlive it and may be dropped on any thread.

    >>> with DriveReplier() as server, DriveRequester() as client:
    ...     call = client.start(linear=0.5, timeout=60_000)
    ...     server.recv(timeout=100).reply(ok=True)
    ...     call.result(timeout=100).ok
    True
    """

    _channel: ClassVar[_core.Channel]
    _has_field_timeout: ClassVar[bool] = False  # of the request

    def __init__(
        self,
        channel: str = "",
        *,
        root: str | PathLike[str] = "",
        domain: str = "",
        max_size: int = 0,
        wait_for_replier: bool = False,
        spin: int | timedelta | None = None,
        max_in_flight: int = 0,
        verify: VerifyPolicy | None = None,
    ) -> None:
        """Joins the channel, and creates it if this is its first endpoint. `channel` renames it; `root` and `domain`
        choose where channels live ($SHMCOMM_ROOT, $SHMCOMM_DOMAIN); `max_size` is this requester's own largest request in
        bytes, at most the channel's; with `wait_for_replier` a call waits, within its time, until a replier is attached,
        where it would otherwise fail at once; `spin` is how long a wait looks before it sleeps, a timedelta of microseconds,
        None for 20 us at most; `max_in_flight` is how many calls of this requester may be unanswered, at most the channel's;
        `verify="untrusted"` copies each reply before anything reads it, and may only be stricter than the channel's.
        Errors: SHMConnectionError, SHMSchemaMismatchError, SHMCorruptionError, ValueError for an option out of range."""
        super().__init__(
            self._channel, channel, fspath(root), domain, max_size, wait_for_replier, spin, max_in_flight, verify
        )

    async def acall(self, *message: Any, **arguments: Any) -> _core.Sample:
        """call for asyncio: other tasks run while it waits, for a reply and for room, too. Cancelling it gives the call up.

        Any number of tasks may call. While `max_in_flight` calls are unanswered, the channel is full or a replier is waited
        for, the others wait for their turn, and `timeout` covers that. (Where a field of the request is called timeout, the
        time begins anew when it is sent.) A call of `start` that is answered and not received yet keeps the loop looking all
        the time: receive it first. Arguments and errors: as call; SHMError where a task of another event loop waits.
        Cost: as call, and some 100 us of the event loop.

        >>> async def both(client, server):
        ...     async def answer():
        ...         (await server.arecv()).reply(message="moving")
        ...     reply, _ = await asyncio.gather(client.acall(linear=0.5, timeout=60_000), answer())
        ...     return reply.message
        >>> import asyncio
        >>> with DriveReplier() as server, DriveRequester() as client:
        ...     asyncio.run(both(client, server))
        'moving'
        """
        if self._line or not self._has_room():
            is_field = not message and self._has_field_timeout
            timeout = self._own_timeout()
            if "timeout" in arguments and not is_field:
                timeout = _core.timeout_seconds(arguments["timeout"])
            left = await self._turn(timeout)
            if not is_field:
                arguments["timeout"] = left
        call = self.start(*message, **arguments)
        reply: _core.Sample = await self._reply_to(call, call.try_result, None)
        return reply

    @property
    def stats(self) -> RequesterStats:
        """Counters: requests sent, replies received, and how the others ended; after close those of the end.
        Cost: a few loads; no system call.

        >>> with DriveRequester() as client:
        ...     client.stats.sent, client.stats.late
        (0, 0)
        """
        return RequesterStats(*self.counters())


class Replier(AsyncIterated, Serving, _core.Replier, ClosedOnExit):
    """Answers the requests of one channel; each goes to one replier. A replier and its requests are used by one thread at a
    time; opened before fork(), it works only in the parent. Requests may outlive it. If the process dies, the callers of
    the requests it had taken learn that at once.

    >>> with DriveReplier() as server, DriveRequester() as client:
    ...     call = client.start(linear=0.5, timeout=60_000)
    ...     for request in server:
    ...         request.reply(ok=request.linear < 1)
    ...         break
    ...     call.result(timeout=100).ok
    True
    """

    _channel: ClassVar[_core.Channel]

    def __init__(
        self,
        channel: str = "",
        *,
        root: str | PathLike[str] = "",
        domain: str = "",
        max_reply_size: int = 0,
        spin: int | timedelta | None = None,
        verify: VerifyPolicy | None = None,
    ) -> None:
        """Joins the channel, and creates it if this is its first endpoint. `max_reply_size` is this replier's own largest
        reply in bytes, at most the channel's; the other options, and errors, as Requester."""
        super().__init__(self._channel, channel, fspath(root), domain, max_reply_size, spin, verify)

    async def arecv(self, timeout: int | timedelta | None = None) -> _core.Request:
        """recv for asyncio: other tasks run while it waits, and cancelling it loses no request. Several tasks may wait; each
        request goes to one of them. Errors: as recv; SHMError where a task of another event loop waits.
        Cost: as recv, and where it waits some system calls of the event loop.

        >>> async def answer(server):
        ...     request = await server.arecv(timeout=60_000)
        ...     request.reply(ok=request.linear < 1)
        >>> import asyncio
        >>> with DriveReplier() as server, DriveRequester() as client:
        ...     call = client.start(linear=0.5, timeout=60_000)
        ...     asyncio.run(answer(server))
        ...     call.result(timeout=100).ok
        True
        """
        from shmcomm.event_loop import arrival

        request: _core.Request = await arrival(self, self.try_recv, None, timeout, wanted="request")
        return request

    def serve(self, handler: Callable[[Any], Any], /) -> Callable[[Any], Any]:
        """Answers requests with what `handler(request)` returns, an instance or a dict, until stop() or close() is called
        from another thread, a signal handler or the handler itself; then returns `handler`, so that it is a decorator, too.

            @DriveReplier().serve
            def on_drive(request):
                return Ack(ok=True, message="moving")

        An exception of the handler becomes the caller's SHMReplyError, message `KeyError: 'left'`, and is logged. The handler may
        answer by itself, `request.reply(...)`, and then returns None. A reply that cannot be delivered is counted and ends
        nothing. Ctrl-C raises KeyboardInterrupt as everywhere, once the caller of the request in hand has been told; the
        replier goes on being usable. Put it in a `with` block and catch KeyboardInterrupt around that, or call stop() in a
        signal handler, for a program that Ctrl-C ends without a traceback.
        Errors: SHMConnectionError (forked, lock lost).
        Cost: recv and reply for each request; while there is none, the thread wakes every 50 ms to see stop().

        >>> from threading import Thread
        >>> with DriveReplier() as server, DriveRequester() as client:
        ...     thread = Thread(target=server.serve, args=[lambda request: {"ok": request.linear < 1}])
        ...     thread.start()
        ...     print(client.call(linear=0.5, timeout=60_000).ok)
        ...     server.stop()
        ...     thread.join()
        True
        """
        return self._serve(handler)

    def _try_next(self) -> _core.Request | None:
        return self.try_recv()

    def _answer(self, request: _core.Request, handler: Callable[[Any], Any]) -> None:
        base = _core.Request

        def is_answered() -> bool:
            return bool(base.answered.__get__(request))

        def work() -> None:
            answer = handler(request)
            if answer is not None or not is_answered():
                base.reply(request, answer)

        carry_out(work, is_answered, lambda text: base.fail(request, text))

    @property
    def stats(self) -> ReplierStats:
        """Counters: requests taken, answered, and others; after close those of the end. Cost: a few loads; no system call.

        >>> with DriveReplier() as server:
        ...     server.stats.received, server.stats.replied
        (0, 0)
        """
        return ReplierStats(*self.counters())
