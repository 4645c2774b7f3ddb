# SPDX-License-Identifier: Apache-2.0
"""Waiting in an event loop of asyncio: the loop watches an endpoint's descriptor while a task waits for it, and not
otherwise. No thread runs, and between two waits nothing is registered anywhere."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from shmcomm import _core
from shmcomm.errors import SHMError, SHMTimeoutError

if TYPE_CHECKING:
    from datetime import timedelta

__all__ = ["arrival", "wake"]

_AFTER_WAITING = {
    "message": "wait longer, or see whether a publisher is open there",
    "job": "wait longer, or see whether a pusher is open there",
    "request": "wait longer, or see whether a requester is open there",
    "reply": "the call goes on: receive it later, or give it up",
}

# So often in succession a take may find its message at once before other tasks get their turn.
_TAKES_A_TURN = 64


class _Awaited(Protocol):
    """An endpoint that has a descriptor."""

    _watch: Watch | None

    def fileno(self) -> int: ...
    @property
    def channel(self) -> str: ...


async def arrival(
    endpoint: _Awaited, look: Callable[[], Any], nothing: object, timeout: int | timedelta | None, *, wanted: str = "message"
) -> Any:
    """The first answer of `look()` that is not `nothing`, looked for whenever the endpoint's descriptor is readable. Such a
    look arms the descriptor again. What was answered is never lost to a cancellation: no task is switched after it.
    Errors: SHMTimeoutError, SHMError for a second loop, and what `look` raises."""
    seconds = _core.timeout_seconds(timeout)
    loop = asyncio.get_running_loop()
    deadline = None if seconds is None else loop.time() + seconds
    watch = _watch_of(endpoint)
    if watch.is_turn_over():
        await asyncio.sleep(0)
    while (answer := look()) is nothing:
        if deadline is not None and loop.time() >= deadline:
            waited = f"{endpoint.channel}: no {wanted} within {round(1000 * (seconds or 0))} ms"
            raise SHMTimeoutError(f"{waited}; {_AFTER_WAITING[wanted]}")
        await watch.sleep(loop, endpoint.fileno(), deadline, endpoint.channel)
    return answer


def _watch_of(endpoint: _Awaited) -> Watch:
    watch = endpoint._watch
    if watch is None:
        watch = endpoint._watch = Watch()
    return watch


class Watch:
    """The tasks that wait for one endpoint, all on one loop. Each is woken whenever the descriptor is readable, and looks."""

    __slots__ = ("_descriptor", "_loop", "_sleepers", "_takes", "_thread")

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None  # while it watches
        self._thread = 0
        self._descriptor = -1
        self._sleepers: list[asyncio.Future[None]] = []
        self._takes = 0

    def is_turn_over(self) -> bool:
        """Whether takes have followed each other without a wait for so long that others should run."""
        self._takes += 1
        if self._takes < _TAKES_A_TURN:
            return False
        self._takes = 0
        return True

    async def sleep(self, loop: asyncio.AbstractEventLoop, descriptor: int, deadline: float | None, channel: str) -> None:
        """Returns when the descriptor is readable, `deadline` on the loop's clock has passed, or `rouse` was called."""
        self._takes = 0
        if self._loop is None:
            loop.add_reader(descriptor, self.rouse)
            self._loop, self._thread, self._descriptor = loop, threading.get_ident(), descriptor
        elif self._loop is not loop:
            raise SHMError(f"{channel}: a task of another event loop waits on this endpoint; give each loop its own")
        sleeper = loop.create_future()
        self._sleepers.append(sleeper)
        timer = None if deadline is None else loop.call_at(deadline, wake, sleeper)
        try:
            await sleeper
        finally:
            if timer is not None:
                timer.cancel()
            if sleeper in self._sleepers:  # cancelled, or out of time
                self._sleepers.remove(sleeper)
                if not self._sleepers:
                    self._forget()

    def rouse(self) -> None:
        """Wakes all and stops watching; who goes on waiting watches again."""
        self._forget()
        sleepers, self._sleepers = self._sleepers, []
        for sleeper in sleepers:
            wake(sleeper)

    def rouse_elsewhere(self, then: Callable[[], None]) -> bool:
        """True where tasks wait on a loop that runs in another thread: it will call `then`."""
        loop = self._loop
        if loop is None or not loop.is_running() or self._thread == threading.get_ident():
            return False
        try:
            loop.call_soon_threadsafe(then)
        except RuntimeError:  # closed just now
            return False
        return True

    def _forget(self) -> None:
        loop, self._loop = self._loop, None
        if loop is not None and not loop.is_closed():
            loop.remove_reader(self._descriptor)


def wake(sleeper: asyncio.Future[None]) -> None:
    """Lets the task that awaits it go on."""
    if not sleeper.done() and not sleeper.get_loop().is_closed():
        sleeper.set_result(None)
