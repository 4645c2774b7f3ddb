# SPDX-License-Identifier: Apache-2.0
"""Requesters through which tasks of an event loop call: who finds no room waits for its turn, and the loop runs on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from shmcomm import _core
from shmcomm.awaited import ClosedWhileAwaited
from shmcomm.errors import SHMTimeoutError

__all__ = ["CalledByTasks"]

_LOOK_FOR_ROOM_MS = 20  # other requesters' requests end, calls are cancelled and repliers come without an event


class CalledByTasks(ClosedWhileAwaited):
    """A requester. It comes before the native class among the bases."""

    _line: deque[object] | None = None  # of the tasks that wait for their turn, the first in front

    async def _turn(self, seconds: float | None) -> timedelta | None:
        """What is left of the time when a call may be sent, or nothing of it; None is for ever."""
        import asyncio

        loop = asyncio.get_running_loop()
        deadline = None if seconds is None else loop.time() + seconds
        if self._line is None:
            self._line = deque()
        line, place = self._line, object()
        line.append(place)

        def has_turn() -> bool:
            return line[0] is place and bool(self._has_room())  # type: ignore[attr-defined]

        try:
            while not has_turn():
                left = None if deadline is None else deadline - loop.time()
                if left is not None and left <= 0:
                    return timedelta(0)
                await self._look_for_room(left, has_turn)
        finally:
            line.remove(place)
            self._rouse_line()
        return None if deadline is None else timedelta(seconds=max(0.0, deadline - loop.time()))

    async def _look_for_room(self, left: float | None, has_turn: Callable[[], bool]) -> None:
        from shmcomm.event_loop import arrival

        span = timedelta(milliseconds=_LOOK_FOR_ROOM_MS)
        try:
            await arrival(self, has_turn, False, span if left is None else min(span, timedelta(seconds=left)))  # type: ignore
        except SHMTimeoutError:
            pass

    async def _reply_to(self, call: _core.Call[Any] | _core.UntypedCall, look: Callable[[], Any], nothing: object) -> Any:
        """What `look()` gives of a call that was sent. Given up where this is cancelled."""
        from shmcomm.event_loop import arrival

        try:
            return await arrival(self, look, nothing, None, wanted="reply")  # type: ignore[arg-type]
        finally:
            call.cancel()
            self._rouse_line()  # there may be room now

    def _rouse_line(self) -> None:
        if self._line and self._watch is not None:
            self._watch.rouse()
