# SPDX-License-Identifier: Apache-2.0
"""The asking end of calls without a schema: any Python object there, any Python object back."""

from __future__ import annotations

from os import PathLike, fspath
from typing import Any

from shmcomm import _core
from shmcomm.calls import RequesterStats
from shmcomm.closing import ClosedOnExit
from shmcomm.errors import SHMConnectionError, SHMError
from shmcomm.turns import CalledByTasks
from shmcomm.untyped import _NOTHING, Timeout, _check_options, _chosen

__all__ = ["Requester"]


class Requester(CalledByTasks, _core.UntypedRequester, ClosedOnExit):
    """Asks the repliers of a channel, any object each time; one of them answers, with any object.

    `call` sends and waits. `start` sends and returns the call, to have several under way. `send` and `recv` take turns, as a
    REQ socket of ZeroMQ; a `recv` that took too long may be repeated, or given up with the next `send`. Replies that come too
    late are dropped. A request goes to one replier and is executed at most once: where that one dies, the call fails.

    Used by one thread at a time, or by the tasks of one event loop. Repliers may come before or after, and restart. After
    fork() it works only in the parent. Replies may outlive it.

    >>> with Requester("doc/control") as client, Replier("doc/control") as server:
    ...     client.send({"query": "status"})
    ...     request = server.recv(timeout=100)
    ...     server.send({"status": "ok", "answers": request["query"]})
    ...     client.recv(timeout=100)
    True
    {'status': 'ok', 'answers': 'status'}
    """

    _sent: _core.UntypedCall | None = None
    _has_waited = False

    def __init__(
        self,
        name: str,
        *,
        capacity: int | None = None,
        max_size: int | None = None,
        timeout: Timeout = None,
        wait_for_replier: bool = True,
        serializer: str | None = None,
        allow_pickle: bool | None = None,
        spin: Timeout = None,
        root: str | PathLike[str] = "",
        domain: str = "",
    ) -> None:
        """Joins the channel `name`, any text of 1 to 200 bytes, and creates it if this is its first endpoint.

        capacity: how many requests of all requesters may wait or be in work. Default: 16. It belongs to the channel, as
            Publisher's does.
        max_size: largest request in bytes. serializer, root, domain: as for Publisher.
        timeout: how long a call may take that does not say; default None, for ever.
        wait_for_replier: whether a request waits, within its time, for a replier to come; otherwise it fails at once where
            there is none, with SHMPeerDiedError.
        allow_pickle, spin: as for Subscriber.

        Errors: as Publisher; SHMSchemaMismatchError also where the name is that of a channel of another pattern.
        """
        _check_options(name, max_size)
        chosen = _chosen(None, capacity=capacity)
        super().__init__(
            name, fspath(root), domain, chosen, max_size, timeout, serializer, allow_pickle, spin, wait_for_replier
        )

    def send(self, message: object, /, **options: Any) -> None:
        """Sends a request whose reply `recv` brings; options and errors as start. SHMError where the reply to the request
        before was not waited for: each send has one recv. After a recv that took too long the request before is given up.
        Cost: as start.

        >>> with Requester("doc/turns") as client, Replier("doc/turns") as server:
        ...     client.send("first")
        ...     try:
        ...         client.send("second")
        ...     except SHMError as error:
        ...         print(error)
        doc/turns: the reply to the request before was not received; recv() it first, or use start() to have several under way
        """
        if self._sent is not None and not self._has_waited and not self.closed:
            raise SHMError(
                f"{self.channel}: the reply to the request before was not received; recv() it first, or use start() to have "
                "several under way"
            )
        self._sent = None  # given up before the next one takes its place
        self._sent = self.start(message, **options)
        self._has_waited = False

    def recv(self, timeout: Timeout = None, *, copy: bool = False) -> Any:
        """The reply to what was sent last, waited for until the request's own time is over, or up to `timeout`: then it may be
        received again. As Subscriber.recv for the rest; errors as call, and SHMError where nothing was sent.
        Cost: as Subscriber.recv.

        >>> with Requester("doc/recv_reply") as client, Replier("doc/recv_reply") as server:
        ...     client.send({"query": "status"})
        ...     try:
        ...         client.recv(timeout=1)
        ...     except SHMTimeoutError as error:
        ...         print(error)
        ...     _ = server.recv(timeout=100), server.send({"status": "ok"})
        ...     client.recv(timeout=100)
        doc/recv_reply: no reply within 1 ms; the call goes on: receive it later, or give it up
        {'status': 'ok'}
        """
        call = self._awaited_call()
        try:
            return call.result(timeout, copy=copy)
        finally:
            self._have_waited(call)

    def try_recv(self, default: Any = None, *, copy: bool = False) -> Any:
        """The reply to what was sent last, or `default` while there is none. Never waits. Errors as recv.
        Cost: as Subscriber.try_recv.

        >>> with Requester("doc/try_reply") as client:
        ...     client.send("anybody?")
        ...     client.try_recv("nothing")
        'nothing'
        """
        call = self._awaited_call()
        try:
            return call.try_result(default, copy=copy)
        finally:
            if call.over:
                self._sent = None

    def poll(self, timeout: Timeout = 0) -> bool:
        """Whether recv would return or raise at once, waited for up to `timeout` (as in recv; 0 does not wait). False where
        nothing was sent. Errors: SHMConnectionError (closed, forked), SHMBufferFullError (six replies are borrowed).
        Cost: no system call where the reply is there.

        >>> with Requester("doc/poll_reply") as client, Replier("doc/poll_reply") as server:
        ...     client.send(1), client.poll(timeout=1), server.recv(timeout=100), server.send(2), client.poll(timeout=100)
        (None, False, 1, True, True)
        """
        if self._sent is None and not self.closed:
            return False
        return self._awaited_call().poll(timeout)

    async def arecv(self, timeout: Timeout = None, *, copy: bool = False) -> Any:
        """recv for asyncio: other tasks run while it waits; cancelled, the reply may be received again. Errors: as recv.
        Cost: as recv, and where it waits some system calls of the event loop.

        >>> async def ask(client):
        ...     client.send(7)
        ...     return await client.arecv(timeout=60_000)
        >>> async def both(client, server):
        ...     asking = asyncio.create_task(ask(client))
        ...     server.send(await server.arecv(timeout=60_000) * 10)
        ...     return await asking
        >>> import asyncio
        >>> with Requester("doc/arecv_reply") as client, Replier("doc/arecv_reply") as server:
        ...     asyncio.run(both(client, server))
        70
        """
        from shmcomm.event_loop import arrival

        call = self._awaited_call()
        try:
            return await arrival(self, lambda: call.try_result(_NOTHING, copy=copy), _NOTHING, timeout, wanted="reply")
        finally:
            self._have_waited(call)

    async def acall(self, message: object, /, *, copy: bool = False, **options: Any) -> Any:
        """call for asyncio: other tasks run while it waits. Cancelling it gives the call up.

        Any number of tasks may call: 16 at a time, and while the channel has room; the others wait for their turn, and
        `timeout` covers that. A call of `start` that is answered and not received yet keeps the loop looking all the time:
        receive it first. Options and errors: as call; SHMError where a task of another event loop waits.
        Cost: as call, and some 100 us of the event loop.

        >>> async def both(client, server):
        ...     import asyncio
        ...     async def serve():
        ...         async for number in server:
        ...             server.send(number * 10)
        ...     serving = asyncio.create_task(serve())
        ...     replies = await asyncio.gather(client.acall(1), client.acall(2))
        ...     serving.cancel()
        ...     return replies
        >>> import asyncio
        >>> with Requester("doc/acall") as client, Replier("doc/acall") as server:
        ...     asyncio.run(both(client, server))
        [10, 20]
        """
        if self._line or not self._has_room():
            given = options.get("timeout", self)
            timeout = self._own_timeout() if given is self else _core.timeout_seconds(given)
            options["timeout"] = await self._turn(timeout)
        call = self.start(message, **options)
        return await self._reply_to(call, lambda: call.try_result(_NOTHING, copy=copy), _NOTHING)

    def _awaited_call(self) -> _core.UntypedCall:
        if self.closed:
            raise SHMConnectionError(f"{self.channel}: this endpoint is closed; open another one")
        if self._sent is None:
            raise SHMError(f"{self.channel}: no reply is awaited; send() a request first, or call()")
        return self._sent

    def _have_waited(self, call: _core.UntypedCall) -> None:
        self._has_waited = True
        if call.over and self._sent is call:
            self._sent = None

    @property
    def stats(self) -> RequesterStats:
        """Counters: requests sent, replies received, and how the others ended; after close those of the end.
        Cost: a few loads; no system call.

        >>> with Requester("doc/calls_stats") as client:
        ...     client.stats.sent, client.stats.late
        (0, 0)
        """
        return RequesterStats(*self.counters())
