"""Generated from robot.channel by shmcommc; do not edit."""
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

class Encoding(_IntEnum):
    """robot.Encoding"""

    Mono8 = 0
    Rgb8 = 1
    Bgr8 = 2

class Vec3(_core.Record):
    """robot.Vec3"""

    def __new__(cls, *, x: float = ..., y: float = ..., z: float = ...) -> _Self: ...
    @property
    def x(self) -> float: ...
    @property
    def y(self) -> float: ...
    @property
    def z(self) -> float: ...

class Imu(_core.Record):
    """Inertial sample, 200 Hz. A struct is the fast path: fixed size, plain bytes."""

    def __new__(
        cls,
        *,
        stamp_ns: int = ...,
        accel: Vec3 | dict[str, _Any] | tuple[_Any, ...] = ...,
        gyro: Vec3 | dict[str, _Any] | tuple[_Any, ...] = ...,
        cov: _Elements | _Sequence[float] = ...,
    ) -> _Self: ...
    @property
    def stamp_ns(self) -> int: ...
    @property
    def accel(self) -> Vec3: ...
    @property
    def gyro(self) -> Vec3: ...
    @property
    def cov(self) -> _npt.NDArray[_np.float32]: ...

class Image(_core.Record):
    """robot.Image"""

    def __new__(
        cls,
        *,
        stamp_ns: int = ...,
        width: int = ...,
        height: int = ...,
        encoding: Encoding | int = ...,
        data: _Elements | _Sequence[int],
    ) -> _Self: ...
    @property
    def stamp_ns(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def encoding(self) -> Encoding: ...
    @property
    def data(self) -> _npt.NDArray[_np.uint8]: ...

class Twist(_core.Record):
    """robot.Twist"""

    def __new__(cls, *, linear: float = ..., angular: float = ...) -> _Self: ...
    @property
    def linear(self) -> float: ...
    @property
    def angular(self) -> float: ...

class Ack(_core.Record):
    """robot.Ack"""

    def __new__(cls, *, ok: bool = ..., message: str | bytes | None = ...) -> _Self: ...
    @property
    def ok(self) -> bool: ...
    @property
    def message(self) -> str | None: ...

class Job(_core.Record):
    """robot.Job"""

    def __new__(cls, *, id: int = ..., tile: _Elements | _Sequence[int] | None = ...) -> _Self: ...
    @property
    def id(self) -> int: ...
    @property
    def tile(self) -> _npt.NDArray[_np.uint8] | None: ...

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

class _ImuSample(Imu, _core.Sample): ...

class _ImageSample(Image, _core.Sample): ...

class _AckSample(Ack, _core.Sample): ...

class _JobJob(Job, _core.Job): ...

class _ImuLoan(Imu, _core.Loan):
    @property
    def stamp_ns(self) -> int: ...
    @stamp_ns.setter
    def stamp_ns(self, value: int, /) -> None: ...
    @property
    def accel(self) -> Vec3: ...
    @accel.setter
    def accel(self, value: Vec3 | dict[str, _Any] | tuple[_Any, ...], /) -> None: ...
    @property
    def gyro(self) -> Vec3: ...
    @gyro.setter
    def gyro(self, value: Vec3 | dict[str, _Any] | tuple[_Any, ...], /) -> None: ...
    @property
    def cov(self) -> _npt.NDArray[_np.float32]: ...
    @cov.setter
    def cov(self, value: _Elements | _Sequence[float], /) -> None: ...

class _ImageLoan(Image, _core.Loan):
    @property
    def stamp_ns(self) -> int: ...
    @stamp_ns.setter
    def stamp_ns(self, value: int, /) -> None: ...
    @property
    def width(self) -> int: ...
    @width.setter
    def width(self, value: int, /) -> None: ...
    @property
    def height(self) -> int: ...
    @height.setter
    def height(self, value: int, /) -> None: ...
    @property
    def encoding(self) -> Encoding: ...
    @encoding.setter
    def encoding(self, value: Encoding | int, /) -> None: ...
    @property
    def data(self) -> _npt.NDArray[_np.uint8]: ...
    @data.setter
    def data(self, value: _Elements | _Sequence[int], /) -> None: ...

class _JobLoan(Job, _core.Loan):
    @property
    def id(self) -> int: ...
    @id.setter
    def id(self, value: int, /) -> None: ...
    @property
    def tile(self) -> _npt.NDArray[_np.uint8]: ...
    @tile.setter
    def tile(self, value: _Elements | _Sequence[int], /) -> None: ...

class ImuPublisher(_Publisher):
    """Channel 'robot/imu', pubsub<Imu>."""

    @_overload  # type: ignore[override]
    def send(self, message: Imu | dict[str, _Any], /) -> bool: ...
    @_overload
    def send(
        self,
        *,
        stamp_ns: int = ...,
        accel: Vec3 | dict[str, _Any] | tuple[_Any, ...] = ...,
        gyro: Vec3 | dict[str, _Any] | tuple[_Any, ...] = ...,
        cov: _Elements | _Sequence[float] = ...,
    ) -> bool: ...
    def loan(
        self,
        *,
        stamp_ns: int = ...,
        accel: Vec3 | dict[str, _Any] | tuple[_Any, ...] = ...,
        gyro: Vec3 | dict[str, _Any] | tuple[_Any, ...] = ...,
        cov: _Elements | _Sequence[float] = ...,
    ) -> _ImuLoan: ...

class ImuSubscriber(_Subscriber):
    """Channel 'robot/imu', pubsub<Imu>."""

    def recv(self, timeout: int | _timedelta | None = None) -> _ImuSample: ...
    def try_recv(self) -> _ImuSample | None: ...
    def latest(self) -> _ImuSample | None: ...
    def __iter__(self) -> _Iterator[_ImuSample]: ...
    def __next__(self) -> _ImuSample: ...
    async def arecv(self, timeout: int | _timedelta | None = None) -> _ImuSample: ...
    async def __anext__(self) -> _ImuSample: ...

class CameraPublisher(_Publisher):
    """Channel 'front/camera', pubsub<Image>."""

    @_overload  # type: ignore[override]
    def send(self, message: Image | dict[str, _Any], /) -> bool: ...
    @_overload
    def send(
        self,
        *,
        stamp_ns: int = ...,
        width: int = ...,
        height: int = ...,
        encoding: Encoding | int = ...,
        data: _Elements | _Sequence[int],
    ) -> bool: ...
    def loan(
        self,
        *,
        stamp_ns: int = ...,
        width: int = ...,
        height: int = ...,
        encoding: Encoding | int = ...,
        data: int | tuple[int, ...] | _Elements | _Sequence[int],
    ) -> _ImageLoan: ...

class CameraSubscriber(_Subscriber):
    """Channel 'front/camera', pubsub<Image>."""

    def recv(self, timeout: int | _timedelta | None = None) -> _ImageSample: ...
    def try_recv(self) -> _ImageSample | None: ...
    def latest(self) -> _ImageSample | None: ...
    def __iter__(self) -> _Iterator[_ImageSample]: ...
    def __next__(self) -> _ImageSample: ...
    async def arecv(self, timeout: int | _timedelta | None = None) -> _ImageSample: ...
    async def __anext__(self) -> _ImageSample: ...

class _DriveRequest(Twist, _core.Request):
    @_overload  # type: ignore[override]
    def reply(self, message: Ack | dict[str, _Any], /) -> None: ...
    @_overload
    def reply(self, *, ok: bool = ..., message: str | bytes | None = ...) -> None: ...

class DriveRequester(_Requester):
    """Channel 'robot/drive', reqrep<Twist, Ack>."""

    @_overload  # type: ignore[override]
    def call(
        self, message: Twist | dict[str, _Any], /, *, timeout: int | _timedelta | None = ...
    ) -> _AckSample: ...
    @_overload
    def call(self, *, linear: float = ..., angular: float = ..., timeout: int | _timedelta | None = ...) -> _AckSample: ...
    @_overload
    async def acall(
        self, message: Twist | dict[str, _Any], /, *, timeout: int | _timedelta | None = ...
    ) -> _AckSample: ...
    @_overload
    async def acall(self, *, linear: float = ..., angular: float = ..., timeout: int | _timedelta | None = ...) -> _AckSample: ...
    @_overload  # type: ignore[override]
    def start(
        self, message: Twist | dict[str, _Any], /, *, timeout: int | _timedelta | None = ...
    ) -> _core.Call[_AckSample]: ...
    @_overload
    def start(self, *, linear: float = ..., angular: float = ..., timeout: int | _timedelta | None = ...) -> _core.Call[_AckSample]: ...

class DriveReplier(_Replier):
    """Channel 'robot/drive', reqrep<Twist, Ack>."""

    def recv(self, timeout: int | _timedelta | None = None) -> _DriveRequest: ...
    def try_recv(self) -> _DriveRequest | None: ...
    def serve(
        self, handler: _Callable[[_DriveRequest], Ack | dict[str, _Any] | None], /
    ) -> _Callable[[_DriveRequest], Ack | dict[str, _Any] | None]: ...
    def __iter__(self) -> _Iterator[_DriveRequest]: ...
    def __next__(self) -> _DriveRequest: ...
    async def arecv(self, timeout: int | _timedelta | None = None) -> _DriveRequest: ...
    async def __anext__(self) -> _DriveRequest: ...

class TilesPusher(_Pusher):
    """Channel 'robot/tiles', pushpull<Job>."""

    @_overload  # type: ignore[override]
    def push(self, message: Job | dict[str, _Any], /, *, timeout: int | _timedelta | None = ...) -> None: ...
    @_overload
    def push(
        self,
        *,
        id: int = ...,
        tile: _Elements | _Sequence[int] | None = ...,
        timeout: int | _timedelta | None = ...,
    ) -> None: ...
    def loan(self, *, id: int = ..., tile: int | tuple[int, ...] | _Elements | _Sequence[int] | None = ...) -> _JobLoan: ...

class TilesPuller(_Puller):
    """Channel 'robot/tiles', pushpull<Job>."""

    def recv(self, timeout: int | _timedelta | None = None) -> _JobJob: ...
    def try_recv(self) -> _JobJob | None: ...
    def __iter__(self) -> _Iterator[_JobJob]: ...
    def __next__(self) -> _JobJob: ...
    async def arecv(self, timeout: int | _timedelta | None = None) -> _JobJob: ...
    async def __anext__(self) -> _JobJob: ...

__all__ = [
    "Encoding",
    "Vec3",
    "Imu",
    "Image",
    "Twist",
    "Ack",
    "Job",
    "Point",
    "Path",
    "ImuPublisher",
    "ImuSubscriber",
    "CameraPublisher",
    "CameraSubscriber",
    "DriveRequester",
    "DriveReplier",
    "TilesPusher",
    "TilesPuller",
]
