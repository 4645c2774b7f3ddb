# SPDX-License-Identifier: Apache-2.0
"""What endpoints have in common for which tasks of an event loop may wait. asyncio is imported with the first wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shmcomm.errors import SHMConnectionError

if TYPE_CHECKING:
    from typing_extensions import Self

    from shmcomm.event_loop import Watch

__all__ = ["AsyncIterated", "ClosedWhileAwaited"]


class ClosedWhileAwaited:
    """An endpoint that may be closed while tasks wait. It comes before the native class among the bases."""

    __slots__ = ()

    _watch: Watch | None = None

    def close(self) -> None:
        """Leaves the channel; what was received stays valid. Whoever waits, in another thread or in tasks, gets
        SHMConnectionError. Closing twice is allowed. Where tasks wait on the loop of another thread, that loop closes."""
        watch = self._watch
        if watch is not None:
            if watch.rouse_elsewhere(self.close):
                return
            watch.rouse()
        super().close()  # type: ignore[misc]


class AsyncIterated(ClosedWhileAwaited):
    """An endpoint that gives one message after the other."""

    __slots__ = ()

    async def arecv(self) -> Any:
        raise NotImplementedError

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        """Waits for ever; a closed endpoint ends the iteration."""
        try:
            return await self.arecv()
        except SHMConnectionError:
            if self.closed:  # type: ignore[attr-defined]
                raise StopAsyncIteration from None
            raise
