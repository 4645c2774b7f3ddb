# SPDX-License-Identifier: Apache-2.0
"""The answering end of calls without a schema."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

from shmcomm import _core
from shmcomm.awaited import AsyncIterated
from shmcomm.calls import ReplierStats, RequestMetadata
from shmcomm.closing import ClosedOnExit
from shmcomm.errors import SHMConnectionError, SHMError
from shmcomm.serving import UNDELIVERABLE, Serving, carry_out
from shmcomm.untyped import _NOTHING, Timeout, _check_options, _chosen

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Replier"]


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
        wait. Errors: as take; SHMError where the request before was not answered. Cost: as take.

        >>> with Replier("doc/recv_request") as server, Requester("doc/recv_request") as client:
        ...     client.send({"query": "status"})
        ...     server.recv(timeout=100)
        {'query': 'status'}
        """
        self._check_hand_is_free()
        self._in_hand = request = self.take(timeout, copy=copy)
        return request.body

    def try_recv(self, default: Any = None, *, copy: bool = False) -> Any:
        """The next request, or `default` if there is none. Never waits. Errors as recv. Cost: as try_take.

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
        Cost: as recv, and where it waits some system calls of the event loop.

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
        of another event loop waits. Cost: as arecv.

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
        SHMMessageTooLargeError, after which the request is still in hand. Cost: as Publisher.send.

        >>> with Replier("doc/answer") as server, Requester("doc/answer") as client:
        ...     client.send(7), server.recv(timeout=100), server.send([7, 49]), client.recv(timeout=100)
        (None, 7, True, [7, 49])
        """
        return self._answer_in_hand(lambda request: request.reply(message, serializer=serializer))

    def fail(self, message: str, /) -> bool:
        """Answers the request in hand with an error: its caller gets an SHMReplyError with this message. As send.
        Cost: as send.

        >>> with Replier("doc/fail") as server, Requester("doc/fail") as client:
        ...     call = client.start("left")
        ...     _ = server.recv(timeout=100), server.fail("out of order")
        ...     try:
        ...         call.result(timeout=100)
        ...     except SHMReplyError as error:
        ...         print(error.message, error.code, error, sep="\\n")
        out of order
        UNKNOWN
        doc/fail: the replier answered with an error: out of order
          options: another request; the replier's log may say more
        """
        return self._answer_in_hand(lambda request: request.fail(message))

    def serve(self, handler: Callable[[Any], Any], /) -> Callable[[Any], Any]:
        """Answers requests with what `handler(request)` returns, None too, until stop() or close() is called from another
        thread, a signal handler or the handler itself; then returns `handler`, so that it is a decorator, too.

            @Replier("control_service").serve
            def on_request(request):
                return {"status": "ok"}

        An exception of the handler, or of sending what it returned, becomes the caller's SHMReplyError, its message `KeyError: 'left'`,
        and is logged. A reply that cannot be delivered is counted and ends nothing. Ctrl-C raises KeyboardInterrupt as
        everywhere, once the caller of the request in hand has been told; the replier goes on being usable. Put it in a `with`
        block and catch KeyboardInterrupt around that, or call stop() in a signal handler, for a program that Ctrl-C ends
        without a traceback. Errors: SHMConnectionError (forked, lock lost).
        Cost: recv and send for each request; while there is none, the thread wakes every 50 ms to see stop().

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
                raise SHMConnectionError(f"{self.channel}: this endpoint is closed; open another one")
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
        """What travelled with the request that was received last. SHMError where none was. Cost: a few loads; no system call.

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
        """Counters: requests received, answered, and others; after close those of the end. Cost: a few loads; no system call.

        >>> with Replier("doc/replier_stats") as server:
        ...     server.stats.received, server.stats.replied
        (0, 0)
        """
        return ReplierStats(*self.counters())
