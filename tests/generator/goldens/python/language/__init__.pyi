"""Generated from language.channel by shmcommc; do not edit."""
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
    """robot.language.Mode"""

    Off = 0
    On = 1
    # Mode["mro"]

class Task(_IntEnum):
    """What a robot is to do."""

    NONE = 0
    Walk = 1
    Say = 2
    """Words."""
    Point = 3
    line = 4
    again = 9

class Point(_core.Record):
    """robot.language.Point"""

    def __new__(cls, *, x: float = ..., y: float = ...) -> _Self: ...
    @property
    def x(self) -> float: ...
    @property
    def y(self) -> float: ...

class Walk(_core.Record):
    """robot.language.Walk"""

    def __new__(cls, *, to: Point | dict[str, _Any] | tuple[_Any, ...] | None = ...) -> _Self: ...
    @property
    def to(self) -> Point | None: ...

class Say(_core.Record):
    """robot.language.Say"""

    def __new__(cls, *, text: str | bytes) -> _Self: ...
    @property
    def text(self) -> str: ...

class Order(_core.Record):
    """robot.language.Order"""

    def __new__(
        cls,
        *,
        task: Walk | Say | Point | str | tuple[Task | str, _Any] | None = ...,
        tasks: _Sequence[Walk | Say | Point | str | tuple[Task | str, _Any] | None] | None = ...,
        must: Walk | Say | Point | str | tuple[Task | str, _Any],
        count: int | None = ...,
        mode: Mode | int | None = ...,
        is_on: bool | None = ...,
        speed: float | None = ...,
        angle: float = ...,
        turn: float = ...,
        most: float = ...,
        quoted: int = ...,
        inner: Say | dict[str, _Any] | bytes | None = ...,
        free: _Elements | _Sequence[int] | None = ...,
        aligned: _Elements | _Sequence[int] | None = ...,
        id_hash: int = ...,
        table: int = ...,
        union: int = ...,
        channel: int = ...,
        null: int = ...,
        required: str | bytes | None = ...,
    ) -> _Self: ...
    @property
    def task_type(self) -> Task: ...
    @property
    def task(self) -> Walk | Say | Point | str | None: ...
    @property
    def tasks_type(self) -> _npt.NDArray[_np.uint8] | None: ...
    @property
    def tasks(self) -> _Sequence[Walk | Say | Point | str | None] | None: ...
    @property
    def must_type(self) -> Task: ...
    @property
    def must(self) -> Walk | Say | Point | str: ...
    @property
    def count(self) -> int | None: ...
    @property
    def mode(self) -> Mode | None: ...
    @property
    def is_on(self) -> bool | None: ...
    @property
    def speed(self) -> float | None: ...
    @property
    def angle(self) -> float: ...
    @property
    def turn(self) -> float: ...
    @property
    def most(self) -> float: ...
    @property
    def quoted(self) -> int: ...
    @property
    def inner(self) -> Say | None: ...
    @property
    def free(self) -> _npt.NDArray[_np.uint8] | None: ...
    @property
    def aligned(self) -> _npt.NDArray[_np.uint8] | None: ...
    @property
    def id_hash(self) -> int: ...
    @property
    def table(self) -> int: ...
    @property
    def union(self) -> int: ...
    @property
    def channel(self) -> int: ...
    @property
    def null(self) -> int: ...
    @property
    def required(self) -> str | None: ...

class _OrderSample(Order, _core.Sample): ...

class _OrderLoan(Order, _core.Loan):
    @property
    def count(self) -> int | None: ...
    @count.setter
    def count(self, value: int, /) -> None: ...
    @property
    def mode(self) -> Mode | None: ...
    @mode.setter
    def mode(self, value: Mode | int, /) -> None: ...
    @property
    def is_on(self) -> bool | None: ...
    @is_on.setter
    def is_on(self, value: bool, /) -> None: ...
    @property
    def speed(self) -> float | None: ...
    @speed.setter
    def speed(self, value: float, /) -> None: ...
    @property
    def angle(self) -> float: ...
    @angle.setter
    def angle(self, value: float, /) -> None: ...
    @property
    def turn(self) -> float: ...
    @turn.setter
    def turn(self, value: float, /) -> None: ...
    @property
    def most(self) -> float: ...
    @most.setter
    def most(self, value: float, /) -> None: ...
    @property
    def quoted(self) -> int: ...
    @quoted.setter
    def quoted(self, value: int, /) -> None: ...
    @property
    def free(self) -> _npt.NDArray[_np.uint8]: ...
    @free.setter
    def free(self, value: _Elements | _Sequence[int], /) -> None: ...
    @property
    def aligned(self) -> _npt.NDArray[_np.uint8]: ...
    @aligned.setter
    def aligned(self, value: _Elements | _Sequence[int], /) -> None: ...
    @property
    def id_hash(self) -> int: ...
    @id_hash.setter
    def id_hash(self, value: int, /) -> None: ...
    @property
    def table(self) -> int: ...
    @table.setter
    def table(self, value: int, /) -> None: ...
    @property
    def union(self) -> int: ...
    @union.setter
    def union(self, value: int, /) -> None: ...
    @property
    def channel(self) -> int: ...
    @channel.setter
    def channel(self, value: int, /) -> None: ...
    @property
    def null(self) -> int: ...
    @null.setter
    def null(self, value: int, /) -> None: ...

class OrderPublisher(_Publisher):
    """Channel 'robot/language/order', pubsub<Order>."""

    @_overload  # type: ignore[override]
    def send(self, message: Order | dict[str, _Any], /) -> bool: ...
    @_overload
    def send(
        self,
        *,
        task: Walk | Say | Point | str | tuple[Task | str, _Any] | None = ...,
        tasks: _Sequence[Walk | Say | Point | str | tuple[Task | str, _Any] | None] | None = ...,
        must: Walk | Say | Point | str | tuple[Task | str, _Any],
        count: int | None = ...,
        mode: Mode | int | None = ...,
        is_on: bool | None = ...,
        speed: float | None = ...,
        angle: float = ...,
        turn: float = ...,
        most: float = ...,
        quoted: int = ...,
        inner: Say | dict[str, _Any] | bytes | None = ...,
        free: _Elements | _Sequence[int] | None = ...,
        aligned: _Elements | _Sequence[int] | None = ...,
        id_hash: int = ...,
        table: int = ...,
        union: int = ...,
        channel: int = ...,
        null: int = ...,
        required: str | bytes | None = ...,
    ) -> bool: ...
    def loan(
        self,
        *,
        task: Walk | Say | Point | str | tuple[Task | str, _Any] | None = ...,
        tasks: _Sequence[Walk | Say | Point | str | tuple[Task | str, _Any] | None] | None = ...,
        must: Walk | Say | Point | str | tuple[Task | str, _Any],
        count: int | None = ...,
        mode: Mode | int | None = ...,
        is_on: bool | None = ...,
        speed: float | None = ...,
        angle: float = ...,
        turn: float = ...,
        most: float = ...,
        quoted: int = ...,
        inner: Say | dict[str, _Any] | bytes | None = ...,
        free: int | tuple[int, ...] | _Elements | _Sequence[int] | None = ...,
        aligned: int | tuple[int, ...] | _Elements | _Sequence[int] | None = ...,
        id_hash: int = ...,
        table: int = ...,
        union: int = ...,
        channel: int = ...,
        null: int = ...,
        required: str | bytes | None = ...,
    ) -> _OrderLoan: ...

class OrderSubscriber(_Subscriber):
    """Channel 'robot/language/order', pubsub<Order>."""

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
    "Point",
    "Walk",
    "Say",
    "Order",
    "OrderPublisher",
    "OrderSubscriber",
]
