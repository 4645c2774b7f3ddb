# SPDX-License-Identifier: Apache-2.0
"""Requesters through which tasks of an event loop call: who finds no room waits for its turn, and the loop runs on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from shmcomm import _core
from shmcomm.awaited import ClosedWhileAwaited
from shmcomm.errors import SHMError, SHMTimeoutError

if TYPE_CHECKING:
    import asyncio

__all__ = ["CalledByTasks"]

_LOOK_FOR_ROOM_MS = 20  # other requesters' requests end, calls are cancelled and repliers come without an event


class CalledByTasks(ClosedWhileAwaited):
    """A requester. It comes before the native class among the bases."""

    # Tasks that wait for their turn. Only the first looks for room: a look of each at every event would be quadratic.
    _line: deque[asyncio.Future[None]] | None = None

    async def _turn(self, seconds: float | None) -> timedelta | None:
        """What is left of the time when a call may be sent, None for ever. Nothing is left where the time ran out without
        room: sending says why. Errors: SHMTimeoutError where there is room by then, but others are to use it."""
        import asyncio

        loop = asyncio.get_running_loop()
        deadline = None if seconds is None else loop.time() + seconds
        line = self._line_on(loop)
        place = loop.create_future()
        line.append(place)
        try:
            if line[0] is not place:
                await _woken(place, loop, deadline)
            while line[0] is place and not self._has_room():  # type: ignore[attr-defined]
                left = None if deadline is None else deadline - loop.time()
                if left is not None and left <= 0:
                    return timedelta(0)
                await self._look_for_room(left)
            if line[0] is not place:
                self._refuse_late(seconds or 0.0)
                return timedelta(0)
        finally:
            self._leave(line, place)
        return None if deadline is None else timedelta(seconds=max(0.0, deadline - loop.time()))

    def _line_on(self, loop: asyncio.AbstractEventLoop) -> deque[asyncio.Future[None]]:
        if self._line is None:
            self._line = deque()
        if self._line and self._line[0].get_loop() is not loop:
            raise SHMError(
                f"{self.channel}: a task of another event loop waits on this endpoint; give each loop its own"  # type: ignore
            )
        return self._line

    def _refuse_late(self, seconds: float) -> None:
        if self._has_room():  # type: ignore[attr-defined]
            ms = round(1000 * seconds)
            raise SHMTimeoutError(
                f"{self.channel}: no turn within {ms} ms, calls of other tasks came first; nothing was sent\n"  # type: ignore
                "  options: a longer timeout, fewer calls at once, more repliers"
            )

    @staticmethod
    def _leave(line: deque[asyncio.Future[None]], place: asyncio.Future[None]) -> None:
        from shmcomm.event_loop import wake

        was_first = line[0] is place
        line.remove(place)
        if was_first and line:
            wake(line[0])

    async def _look_for_room(self, left: float | None) -> None:
        from shmcomm.event_loop import arrival

        span = timedelta(milliseconds=_LOOK_FOR_ROOM_MS)
        try:
            await arrival(self, self._has_room, False, span if left is None else min(span, timedelta(seconds=left)))  # type: ignore
        except SHMTimeoutError:
            pass

    async def _reply_to(self, call: _core.Call[Any] | _core.UntypedCall, look: Callable[[], Any], nothing: object) -> Any:
        """What `look()` gives of a call that was sent. Given up where this is cancelled."""
        from shmcomm.event_loop import arrival

        try:
            return await arrival(self, look, nothing, None, wanted="reply")  # type: ignore[arg-type]
        finally:
            call.cancel()
            if self._line and self._watch is not None:
                self._watch.rouse()  # there may be room now


async def _woken(place: asyncio.Future[None], loop: asyncio.AbstractEventLoop, deadline: float | None) -> None:
    """Returns when this place is the first or its time is over."""
    from shmcomm.event_loop import wake

    timer = None if deadline is None else loop.call_at(deadline, wake, place)
    try:
        await place
    finally:
        if timer is not None:
            timer.cancel()
