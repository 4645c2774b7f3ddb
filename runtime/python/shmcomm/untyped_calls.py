# SPDX-License-Identifier: Apache-2.0
"""Calls without a schema: any Python object there, any Python object back."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

from shmcomm import _core
from shmcomm.awaited import AsyncIterated, ClosedWhileAwaited
from shmcomm.calls import ReplierStats, RequesterStats, RequestMetadata
from shmcomm.closing import ClosedOnExit
from shmcomm.errors import SHMConnectionError, SHMError
from shmcomm.serving import UNDELIVERABLE, Serving, carry_out
from shmcomm.untyped import _NOTHING, Timeout, _check_name, _chosen

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Replier", "Requester"]


def _check_options(name: object, max_size: int | None) -> None:
    _check_name(name)
    if max_size is not None and max_size < 1:
        raise ValueError(f"max_size must be at least 1, got {max_size}")


class Requester(ClosedWhileAwaited, _core.UntypedRequester, ClosedOnExit):
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

        >>> with Requester("doc/recv_reply") as client, Replier("doc/recv_reply") as server:
        ...     client.send({"query": "status"})
        ...     try:
        ...         client.recv(timeout=1)
        ...     except SHMTimeoutError as error:
        ...         print(error)
        ...     _ = server.recv(timeout=100), server.send({"status": "ok"})
        ...     client.recv(timeout=100)
        doc/recv_reply: no reply within 1 ms; the call goes on
        {'status': 'ok'}
        """
        call = self._awaited_call()
        try:
            return call.result(timeout, copy=copy)
        finally:
            self._have_waited(call)

    def try_recv(self, default: Any = None, *, copy: bool = False) -> Any:
        """The reply to what was sent last, or `default` while there is none. Never waits. Errors as recv.

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
        nothing was sent.

        >>> with Requester("doc/poll_reply") as client, Replier("doc/poll_reply") as server:
        ...     client.send(1), client.poll(timeout=1), server.recv(timeout=100), server.send(2), client.poll(timeout=100)
        (None, False, 1, True, True)
        """
        return self._sent is not None and self._awaited_call().poll(timeout)

    async def arecv(self, timeout: Timeout = None, *, copy: bool = False) -> Any:
        """recv for asyncio: other tasks run while it waits; cancelled, the reply may be received again. Errors: as recv.

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
        """call for asyncio: other tasks run while it waits, and up to 16 may call at once. Cancelling it gives the call up.

        Only sending may hold the loop up, while the channel is full of requests. A call of `start` that is answered and not
        received yet keeps the loop looking all the time: receive it first. Options and errors: as call; SHMError where a task
        of another event loop waits.

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
        from shmcomm.event_loop import arrival

        call = self.start(message, **options)
        try:
            return await arrival(self, lambda: call.try_result(_NOTHING, copy=copy), _NOTHING, None, wanted="reply")
        finally:
            call.cancel()

    def _awaited_call(self) -> _core.UntypedCall:
        if self.closed:
            raise SHMConnectionError(f"{self.channel}: this endpoint is closed")
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

        >>> with Requester("doc/calls_stats") as client:
        ...     client.stats.sent, client.stats.late
        (0, 0)
        """
        return RequesterStats(*self.counters())


class Replier(AsyncIterated, Serving, _core.UntypedReplier, ClosedOnExit):
    """Answers the requests of a channel; each goes to one replier.

    `serve(handler)` answers them all. `recv` and `send` take turns, as a REP socket of ZeroMQ: the request received last is in
    hand until it is answered. `take` gives requests as objects, of which six may be open, to be answered in any order.

    A replier and its requests are used by one thread at a time, or by the tasks of one event loop. A request that is dropped,
    or in hand at `close`, is answered with an error; if this process dies, the callers of what it had taken learn that at
    once. After fork() it works only in the parent. It can be iterated over, with `async for` too: that waits for requests, as
    recv does, until it is closed.

    >>> with Replier("doc/square") as server, Requester("doc/square") as client:
    ...     call = client.start(7)
    ...     for number in server:
    ...         server.send(number * number)
    ...         break
    ...     call.result(timeout=100)
    True
    49
    """

    _in_hand: _core.UntypedRequest | None = None

    def __init__(
        self,
        name: str,
        *,
        capacity: int | None = None,
        max_size: int | None = None,
        serializer: str | None = None,
        allow_pickle: bool | None = None,
        spin: Timeout = None,
        root: str | PathLike[str] = "",
        domain: str = "",
    ) -> None:
        """Joins the channel `name`, and creates it if this is its first endpoint.

        capacity: as for Requester. max_size: largest reply in bytes. serializer, root, domain: as for Publisher.
        allow_pickle, spin: as for Subscriber. Errors: as Requester.
        """
        _check_options(name, max_size)
        chosen = _chosen(None, capacity=capacity)
        super().__init__(name, fspath(root), domain, chosen, max_size, serializer, allow_pickle, spin)

    def recv(self, timeout: Timeout = None, *, copy: bool = False) -> Any:
        """The next request, in hand until `send` or `fail` answers it; waited for up to `timeout`: an int of milliseconds, a
        timedelta, or None for ever. It arrives as Puller.recv gives jobs. Other threads run while it waits; Ctrl-C ends the
        wait. Errors: as take; SHMError where the request before was not answered.

        >>> with Replier("doc/recv_request") as server, Requester("doc/recv_request") as client:
        ...     client.send({"query": "status"})
        ...     server.recv(timeout=100)
        {'query': 'status'}
        """
        self._check_hand_is_free()
        self._in_hand = request = self.take(timeout, copy=copy)
        return request.body

    def try_recv(self, default: Any = None, *, copy: bool = False) -> Any:
        """The next request, or `default` if there is none. Never waits. Errors as recv.

        >>> with Replier("doc/try_request") as server:
        ...     server.try_recv("nothing")
        'nothing'
        """
        self._check_hand_is_free()
        request = self.try_take(copy=copy)
        if request is None:
            return default
        self._in_hand = request
        return request.body

    async def arecv(self, timeout: Timeout = None, *, copy: bool = False) -> Any:
        """recv for asyncio: other tasks run while it waits, and cancelling it loses no request. There is one request in hand:
        tasks that share a replier use atake. Errors: as recv; SHMError where a task of another event loop waits.

        >>> async def first(server):
        ...     return await server.arecv(timeout=100)
        >>> import asyncio
        >>> with Requester("doc/arecv_request") as client, Replier("doc/arecv_request") as server:
        ...     client.send("hello")
        ...     asyncio.run(first(server))
        'hello'
        """
        from shmcomm.event_loop import arrival

        return await arrival(self, lambda: self.try_recv(_NOTHING, copy=copy), _NOTHING, timeout, wanted="request")

    async def atake(self, timeout: Timeout = None, *, copy: bool = False) -> _core.UntypedRequest:
        """take for asyncio. Several tasks may wait; each request goes to one of them. Errors: as take; SHMError where a task
        of another event loop waits.

        >>> async def answer_next(server):
        ...     request = await server.atake(timeout=100)
        ...     request.reply(request.body.upper())
        >>> import asyncio
        >>> with Requester("doc/atake") as client, Replier("doc/atake") as server:
        ...     client.send("hello")
        ...     asyncio.run(answer_next(server))
        ...     client.recv(timeout=100)
        'HELLO'
        """
        from shmcomm.event_loop import arrival

        look = lambda: self.try_take(copy=copy)  # noqa: E731
        request: _core.UntypedRequest = await arrival(self, look, None, timeout, wanted="request")
        return request

    def send(self, message: object, /, *, serializer: str | None = None) -> bool:
        """Answers the request in hand with any object, encoded as Publisher.send does. Never waits.

        Returns True, or False where the requester no longer waits or is gone: the reply was dropped and counted.
        Errors: SHMError (no request is in hand), SHMConnectionError (closed, forked); SHMSerializationError and
        SHMMessageTooLargeError, after which the request is still in hand.

        >>> with Replier("doc/answer") as server, Requester("doc/answer") as client:
        ...     client.send(7), server.recv(timeout=100), server.send([7, 49]), client.recv(timeout=100)
        (None, 7, True, [7, 49])
        """
        return self._answer_in_hand(lambda request: request.reply(message, serializer=serializer))

    def fail(self, message: str, /) -> bool:
        """Answers the request in hand with an error: its caller gets an SHMReplyError with this message. As send.

        >>> with Replier("doc/fail") as server, Requester("doc/fail") as client:
        ...     call = client.start("left")
        ...     _ = server.recv(timeout=100), server.fail("out of order")
        ...     try:
        ...         call.result(timeout=100)
        ...     except SHMReplyError as error:
        ...         print(error)
        out of order
        """
        return self._answer_in_hand(lambda request: request.fail(message))

    def serve(self, handler: Callable[[Any], Any], /) -> Callable[[Any], Any]:
        """Answers requests with what `handler(request)` returns, None too, until stop() or close() is called from another
        thread, a signal handler or the handler itself; then returns `handler`, so that it is a decorator, too.

            @Replier("control_service").serve
            def on_request(request):
                return {"status": "ok"}

        An exception of the handler, or of sending what it returned, becomes the caller's SHMReplyError, `KeyError: 'left'`,
        and is logged. A reply that cannot be delivered is counted and ends nothing. Ctrl-C raises KeyboardInterrupt as
        everywhere; the request in hand is then answered with an error. Errors: SHMConnectionError (forked, lock lost).

        >>> from threading import Thread
        >>> with Replier("doc/serve") as server, Requester("doc/serve") as client:
        ...     thread = Thread(target=server.serve, args=[len])
        ...     thread.start()
        ...     print(client.call("four", timeout=60_000))
        ...     server.stop()
        ...     thread.join()
        4
        """
        return self._serve(handler)

    def close(self) -> None:
        """Leaves the channel, once its open requests are answered; the one in hand is answered with an error. Whoever waits,
        in another thread or in tasks, gets SHMConnectionError. Closing twice is allowed."""
        super().close()
        self._in_hand = None

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        """Waits for ever; a closed replier ends the iteration."""
        try:
            return self.recv()
        except SHMConnectionError:
            if self.closed:
                raise StopIteration from None
            raise

    def _check_hand_is_free(self) -> None:
        if self._in_hand is not None and not self._in_hand.answered:
            raise SHMError(
                f"{self.channel}: the request before was not answered; send() or fail() it first, or use take() to have several "
                "open"
            )

    def _answer_in_hand(self, answer: Callable[[_core.UntypedRequest], None]) -> bool:
        request = self._in_hand
        if request is None or request.answered:
            if self.closed:
                raise SHMConnectionError(f"{self.channel}: this endpoint is closed")
            raise SHMError(f"{self.channel}: no request is in hand; recv() one first")
        try:
            answer(request)
        except UNDELIVERABLE:
            return False
        return True

    def _try_next(self) -> _core.UntypedRequest | None:
        return self.try_take()

    def _answer(self, request: _core.UntypedRequest, handler: Callable[[Any], Any]) -> None:
        carry_out(lambda: request.reply(handler(request.body)), lambda: request.answered, request.fail)

    @property
    def metadata(self) -> RequestMetadata:
        """What travelled with the request that was received last. SHMError where none was.

        >>> with Replier("doc/request_meta") as server, Requester("doc/request_meta") as client:
        ...     client.send(b"abc"), bytes(server.recv(timeout=100))
        ...     server.metadata.sequence, server.metadata.attempt
        (None, b'abc')
        (0, 0)
        """
        request = self._in_hand
        if request is None:
            raise SHMError(f"{self.channel}: no request is in hand; recv() one first")
        return RequestMetadata(request.sequence, request.publish_ns, request.requester, request.attempt)

    @property
    def stats(self) -> ReplierStats:
        """Counters: requests received, answered, and others; after close those of the end.

        >>> with Replier("doc/replier_stats") as server:
        ...     server.stats.received, server.stats.replied
        (0, 0)
        """
        return ReplierStats(*self.counters())
