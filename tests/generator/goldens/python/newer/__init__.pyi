"""Generated from newer.channel by shmcommc; do not edit."""
# pyright: reportUnusedImport=false, reportIncompatibleMethodOverride=false

from collections.abc import Callable as _Callable, Iterator as _Iterator, Sequence as _Sequence
from datetime import timedelta as _timedelta
from enum import IntEnum as _IntEnum, IntFlag as _IntFlag
from typing import Any as _Any, overload as _overload

import numpy as _np
import numpy.typing as _npt
from shmcomm import _core
from shmcomm.typed import (
    Publisher as _Publisher,
    Puller as _Puller,
    Pusher as _Pusher,
    Replier as _Replier,
    Requester as _Requester,
    Subscriber as _Subscriber,
)
from typing_extensions import Self as _Self

_Elements = bytes | bytearray | memoryview | _npt.NDArray[_Any]

class Mode(_IntEnum):
    """robot.newer.Mode"""

    Off = 0
    On = 1

class Task(_IntEnum):
    """robot.newer.Task"""

    NONE = 0
    Walk = 300
    text = 400

class Walk(_core.Record):
    """robot.newer.Walk"""

    def __new__(cls) -> _Self: ...

class Cell(_core.Record):
    """robot.newer.Cell"""

    def __new__(cls, *, at: _Elements | _Sequence[int] = ...) -> _Self: ...
    @property
    def at(self) -> _npt.NDArray[_np.uint8]: ...

class Grid(_core.Record):
    """robot.newer.Grid"""

    def __new__(cls, *, cells: _Elements | _Sequence[Cell | dict[str, _Any] | tuple[_Any, ...]] = ...) -> _Self: ...
    @property
    def cells(self) -> _npt.NDArray[_np.void]: ...

class Place(_core.Record):
    """robot.newer.Place"""

    def __new__(cls, *, cell: Cell | dict[str, _Any] | tuple[_Any, ...] = ...) -> _Self: ...
    @property
    def cell(self) -> Cell: ...

class Order(_core.Record):
    """robot.newer.Order"""

    def __new__(
        cls,
        *,
        task: Walk | str | tuple[Task | str, _Any] | None = ...,
        name: str | bytes | None = ...,
        none: str | bytes | None = ...,
        list: _Elements | _Sequence[int] | None = ...,
        names: _Sequence[str | bytes] | None = ...,
        far: _Elements | _Sequence[int] | None = ...,
        words: str | bytes | None = ...,
        huge: _Elements | _Sequence[int] | None = ...,
        places: _Elements | _Sequence[Place | dict[str, _Any] | tuple[_Any, ...]] | None = ...,
    ) -> _Self: ...
    @property
    def task_type(self) -> Task: ...
    @property
    def task(self) -> Walk | str | None: ...
    @property
    def name(self) -> str: ...
    @property
    def none(self) -> str: ...
    @property
    def list(self) -> _npt.NDArray[_np.int32]: ...
    @property
    def names(self) -> _Sequence[str]: ...
    @property
    def far(self) -> _npt.NDArray[_np.int32] | None: ...
    @property
    def words(self) -> str | None: ...
    @property
    def huge(self) -> _npt.NDArray[_np.uint8] | None: ...
    @property
    def places(self) -> _npt.NDArray[_np.void] | None: ...

class _OrderSample(Order, _core.Sample): ...

class _OrderLoan(Order, _core.Loan):
    @property
    def list(self) -> _npt.NDArray[_np.int32]: ...
    @list.setter
    def list(self, value: _Elements | _Sequence[int], /) -> None: ...
    @property
    def far(self) -> _npt.NDArray[_np.int32]: ...
    @far.setter
    def far(self, value: _Elements | _Sequence[int], /) -> None: ...
    @property
    def huge(self) -> _npt.NDArray[_np.uint8]: ...
    @huge.setter
    def huge(self, value: _Elements | _Sequence[int], /) -> None: ...
    @property
    def places(self) -> _npt.NDArray[_np.void]: ...
    @places.setter
    def places(self, value: _Elements | _Sequence[Place | dict[str, _Any] | tuple[_Any, ...]], /) -> None: ...

class OrderPublisher(_Publisher):
    """Channel 'robot/newer/order', pubsub<Order>."""

    @_overload  # type: ignore[override]
    def send(self, message: Order | dict[str, _Any], /) -> bool: ...
    @_overload
    def send(
        self,
        *,
        task: Walk | str | tuple[Task | str, _Any] | None = ...,
        name: str | bytes | None = ...,
        none: str | bytes | None = ...,
        list: _Elements | _Sequence[int] | None = ...,
        names: _Sequence[str | bytes] | None = ...,
        far: _Elements | _Sequence[int] | None = ...,
        words: str | bytes | None = ...,
        huge: _Elements | _Sequence[int] | None = ...,
        places: _Elements | _Sequence[Place | dict[str, _Any] | tuple[_Any, ...]] | None = ...,
    ) -> bool: ...
    def loan(
        self,
        *,
        task: Walk | str | tuple[Task | str, _Any] | None = ...,
        name: str | bytes | None = ...,
        none: str | bytes | None = ...,
        list: int | tuple[int, ...] | _Elements | _Sequence[int] | None = ...,
        names: _Sequence[str | bytes] | None = ...,
        far: int | tuple[int, ...] | _Elements | _Sequence[int] | None = ...,
        words: str | bytes | None = ...,
        huge: int | tuple[int, ...] | _Elements | _Sequence[int] | None = ...,
        places: int | tuple[int, ...] | _Elements | _Sequence[Place | dict[str, _Any] | tuple[_Any, ...]] | None = ...,
    ) -> _OrderLoan: ...

class OrderSubscriber(_Subscriber):
    """Channel 'robot/newer/order', pubsub<Order>."""

    def recv(self, timeout: int | _timedelta | None = None) -> _OrderSample: ...
    def try_recv(self) -> _OrderSample | None: ...
    def latest(self) -> _OrderSample | None: ...
    def __iter__(self) -> _Iterator[_OrderSample]: ...
    def __next__(self) -> _OrderSample: ...
    async def arecv(self, timeout: int | _timedelta | None = None) -> _OrderSample: ...
    async def __anext__(self) -> _OrderSample: ...

__all__ = [
    "Mode",
    "Task",
    "Walk",
    "Cell",
    "Grid",
    "Place",
    "Order",
    "OrderPublisher",
    "OrderSubscriber",
]
