# SPDX-License-Identifier: Apache-2.0
"""How repliers serve: one request after the other, until they are told to stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shmcomm.errors import (
    SHMBufferFullError,
    SHMConnectionError,
    SHMCorruptionError,
    SHMPeerDiedError,
    SHMSerializationError,
    SHMTimeoutError,
)
from shmcomm.log import logger

__all__ = ["UNDELIVERABLE", "Serving", "carry_out"]

UNDELIVERABLE = (SHMTimeoutError, SHMPeerDiedError, SHMBufferFullError)
"""Errors of a reply that its caller no longer takes."""

_LOOK_FOR_STOP_MS = 50  # how long a serving thread sleeps before it sees that stop() was called
_UNREADABLE = (SHMCorruptionError, SHMSerializationError)


class Serving:
    """A replier that can serve. It comes before the native class among the bases."""

    _stops = False

    def stop(self) -> None:
        """Ends serve() within 50 ms, after the request in hand, or the next one at once. From any thread and from signal
        handlers. The replier goes on being usable. Cost: none.

        >>> with Replier("doc/stop") as server, Requester("doc/stop") as client:
        ...     def last(request):
        ...         server.stop()
        ...         return request
        ...     call = client.start("bye")
        ...     _ = server.serve(last)
        ...     call.result(timeout=100)
        'bye'
        """
        self._stops = True

    def _serve(self, handler: Callable[[Any], Any]) -> Callable[[Any], Any]:
        while not self._is_stopped():
            request = self._next_request()
            if request is not None:
                self._answer(request, handler)
        return handler

    def _try_next(self) -> Any:
        """The next request, None if there is none."""
        raise NotImplementedError

    def _answer(self, request: Any, handler: Callable[[Any], Any]) -> None:
        raise NotImplementedError

    def _is_stopped(self) -> bool:
        stops, self._stops = self._stops, False
        return stops or self.closed  # type: ignore[attr-defined]

    def _next_request(self) -> Any:
        """None where none came for a moment, another replier took it, it made no sense, or this was closed."""
        try:
            return self._try_next() if self.poll(_LOOK_FOR_STOP_MS) else None  # type: ignore[attr-defined]
        except _UNREADABLE:
            return None  # its caller has been told
        except SHMConnectionError:
            if self.closed:  # type: ignore[attr-defined]
                return None
            raise


def carry_out(work: Callable[[], None], is_answered: Callable[[], bool], fail: Callable[[str], None]) -> None:
    """Runs a handler and sends what it answers, `work()`. Its exception is logged, and told the caller by `fail`. One that ends
    programs is told the caller, too, and raised: what holds its traceback would hold the request back."""
    try:
        work()
    except Exception as error:
        if is_answered():
            if not isinstance(error, UNDELIVERABLE):  # those are counted
                logger.exception("a handler raised after it had answered")
            return
        logger.exception("a handler raised; its caller is told")
        _tell(fail, f"{type(error).__name__}: {error}")
    except BaseException as error:
        if not is_answered():
            _tell(fail, f"the replier was interrupted: {type(error).__name__}")
        raise


def _tell(fail: Callable[[str], None], text: str) -> None:
    try:
        fail(text)
    except UNDELIVERABLE:
        pass
