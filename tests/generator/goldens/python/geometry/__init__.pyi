"""Generated from geometry.fbs by shmcommc; do not edit."""
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

class Point(_core.Record):
    """A point, metres."""

    def __new__(cls, *, x: float = ..., y: float = ..., z: float = ...) -> _Self: ...
    @property
    def x(self) -> float: ...
    @property
    def y(self) -> float: ...
    @property
    def z(self) -> float: ...

class Path(_core.Record):
    """A way through space."""

    def __new__(
        cls,
        *,
        points: _Elements | _Sequence[Point | dict[str, _Any] | tuple[_Any, ...]] | None = ...,
        name: str | bytes | None = ...,
    ) -> _Self: ...
    @property
    def points(self) -> _npt.NDArray[_np.void] | None: ...
    @property
    def name(self) -> str | None: ...

__all__ = [
    "Point",
    "Path",
]
