"""Generated from everything.channel by shmcommc; do not edit."""
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
    """robot.deep.Mode"""

    Idle = 0
    Low = 5
    # Mode["None"]
    # Mode["class"]
    # Mode["from"]

class Bits(_IntFlag):
    """robot.deep.Bits"""

    A = 1
    B = 2
    High = 32768

class P(_core.Record):
    """A point."""

    def __new__(cls, *, x: float = ..., y: float = ...) -> _Self: ...
    @property
    def x(self) -> float: ...
    @property
    def y(self) -> float: ...

class S(_core.Record):
    """Every scalar, an array of each kind."""

    def __new__(
        cls,
        *,
        a: bool = ...,
        b: int = ...,
        c: int = ...,
        d: int = ...,
        e: int = ...,
        f: int = ...,
        g: int = ...,
        h: int = ...,
        i: int = ...,
        j: float = ...,
        k: float = ...,
        p: P | dict[str, _Any] | tuple[_Any, ...] = ...,
        m: Mode | int = ...,
        n: Bits | int = ...,
        ps: _Elements | _Sequence[P | dict[str, _Any] | tuple[_Any, ...]] = ...,
        ms: _Elements | _Sequence[int] = ...,
        fs: _Elements | _Sequence[float] = ...,
    ) -> _Self: ...
    @property
    def a(self) -> bool: ...
    @property
    def b(self) -> int: ...
    @property
    def c(self) -> int: ...
    @property
    def d(self) -> int: ...
    @property
    def e(self) -> int: ...
    @property
    def f(self) -> int: ...
    @property
    def g(self) -> int: ...
    @property
    def h(self) -> int: ...
    @property
    def i(self) -> int: ...
    @property
    def j(self) -> float: ...
    @property
    def k(self) -> float: ...
    @property
    def p(self) -> P: ...
    @property
    def m(self) -> Mode: ...
    @property
    def n(self) -> Bits: ...
    @property
    def ps(self) -> _npt.NDArray[_np.void]: ...
    @property
    def ms(self) -> _npt.NDArray[_np.int32]: ...
    @property
    def fs(self) -> _npt.NDArray[_np.float32]: ...

class Leaf(_core.Record):
    """robot.deep.Leaf"""

    def __new__(cls, *, name: str | bytes, v: int = ...) -> _Self: ...
    @property
    def name(self) -> str: ...
    @property
    def v(self) -> int: ...

class All(_core.Record):
    """robot.deep.All"""

    def __new__(
        cls,
        *,
        a: bool = ...,
        b: int = ...,
        c: int = ...,
        d: int = ...,
        e: int = ...,
        f: int = ...,
        g: int = ...,
        h: int = ...,
        i: int = ...,
        j: float = ...,
        k: float = ...,
        m: Mode | int = ...,
        n: Bits | int = ...,
        s: str | bytes | None = ...,
        sr: str | bytes,
        p: P | dict[str, _Any] | tuple[_Any, ...] | None = ...,
        pr: P | dict[str, _Any] | tuple[_Any, ...],
        st: S | dict[str, _Any] | tuple[_Any, ...] | None = ...,
        leaf: Leaf | dict[str, _Any] | None = ...,
        self: All | dict[str, _Any] | None = ...,
        va: _Elements | _Sequence[int] | None = ...,
        vb: _Elements | _Sequence[bool] | None = ...,
        vc: _Elements | _Sequence[float] | None = ...,
        vm: _Elements | _Sequence[int] | None = ...,
        vp: _Elements | _Sequence[P | dict[str, _Any] | tuple[_Any, ...]],
        vs: _Sequence[str | bytes] | None = ...,
        vl: _Sequence[Leaf | dict[str, _Any]] | None = ...,
        vu: _Elements | _Sequence[int] | None = ...,
        sequence: str | bytes | None = ...,
        lost: int = ...,
        to_dict: str | bytes | None = ...,
    ) -> _Self: ...
    @property
    def a(self) -> bool: ...
    @property
    def b(self) -> int: ...
    @property
    def c(self) -> int: ...
    @property
    def d(self) -> int: ...
    @property
    def e(self) -> int: ...
    @property
    def f(self) -> int: ...
    @property
    def g(self) -> int: ...
    @property
    def h(self) -> int: ...
    @property
    def i(self) -> int: ...
    @property
    def j(self) -> float: ...
    @property
    def k(self) -> float: ...
    @property
    def m(self) -> Mode: ...
    @property
    def n(self) -> Bits: ...
    @property
    def s(self) -> str | None: ...
    @property
    def sr(self) -> str: ...
    @property
    def p(self) -> P | None: ...
    @property
    def pr(self) -> P: ...
    @property
    def st(self) -> S | None: ...
    @property
    def leaf(self) -> Leaf | None: ...
    @property
    def self(self) -> All | None: ...
    @property
    def va(self) -> _npt.NDArray[_np.uint8] | None:
        """Bytes of it."""
    @property
    def vb(self) -> _npt.NDArray[_np.bool_] | None: ...
    @property
    def vc(self) -> _npt.NDArray[_np.float32] | None: ...
    @property
    def vm(self) -> _npt.NDArray[_np.int32] | None: ...
    @property
    def vp(self) -> _npt.NDArray[_np.void]: ...
    @property
    def vs(self) -> _Sequence[str] | None: ...
    @property
    def vl(self) -> _Sequence[Leaf] | None: ...
    @property
    def vu(self) -> _npt.NDArray[_np.uint64] | None: ...
    @property
    def sequence(self) -> str | None: ...
    @property
    def lost(self) -> int: ...
    @property
    def to_dict(self) -> str | None: ...  # type: ignore[override]
    # getattr(message, "class")

class _AllSample(All, _core.Sample): ...  # type: ignore[misc]

class _PSample(P, _core.Sample): ...

class _PLoan(P, _core.Loan):
    @property
    def x(self) -> float: ...
    @x.setter
    def x(self, value: float, /) -> None: ...
    @property
    def y(self) -> float: ...
    @y.setter
    def y(self, value: float, /) -> None: ...

class _AllLoan(All, _core.Loan):
    @property
    def a(self) -> bool: ...
    @a.setter
    def a(self, value: bool, /) -> None: ...
    @property
    def b(self) -> int: ...
    @b.setter
    def b(self, value: int, /) -> None: ...
    @property
    def c(self) -> int: ...
    @c.setter
    def c(self, value: int, /) -> None: ...
    @property
    def d(self) -> int: ...
    @d.setter
    def d(self, value: int, /) -> None: ...
    @property
    def e(self) -> int: ...
    @e.setter
    def e(self, value: int, /) -> None: ...
    @property
    def f(self) -> int: ...
    @f.setter
    def f(self, value: int, /) -> None: ...
    @property
    def g(self) -> int: ...
    @g.setter
    def g(self, value: int, /) -> None: ...
    @property
    def h(self) -> int: ...
    @h.setter
    def h(self, value: int, /) -> None: ...
    @property
    def i(self) -> int: ...
    @i.setter
    def i(self, value: int, /) -> None: ...
    @property
    def j(self) -> float: ...
    @j.setter
    def j(self, value: float, /) -> None: ...
    @property
    def k(self) -> float: ...
    @k.setter
    def k(self, value: float, /) -> None: ...
    @property
    def m(self) -> Mode: ...
    @m.setter
    def m(self, value: Mode | int, /) -> None: ...
    @property
    def n(self) -> Bits: ...
    @n.setter
    def n(self, value: Bits | int, /) -> None: ...
    @property
    def p(self) -> P | None: ...
    @p.setter
    def p(self, value: P | dict[str, _Any] | tuple[_Any, ...], /) -> None: ...
    @property
    def pr(self) -> P: ...
    @pr.setter
    def pr(self, value: P | dict[str, _Any] | tuple[_Any, ...], /) -> None: ...
    @property
    def st(self) -> S | None: ...
    @st.setter
    def st(self, value: S | dict[str, _Any] | tuple[_Any, ...], /) -> None: ...
    @property
    def va(self) -> _npt.NDArray[_np.uint8]: ...
    @va.setter
    def va(self, value: _Elements | _Sequence[int], /) -> None: ...
    @property
    def vb(self) -> _npt.NDArray[_np.bool_]: ...
    @vb.setter
    def vb(self, value: _Elements | _Sequence[bool], /) -> None: ...
    @property
    def vc(self) -> _npt.NDArray[_np.float32]: ...
    @vc.setter
    def vc(self, value: _Elements | _Sequence[float], /) -> None: ...
    @property
    def vm(self) -> _npt.NDArray[_np.int32]: ...
    @vm.setter
    def vm(self, value: _Elements | _Sequence[int], /) -> None: ...
    @property
    def vp(self) -> _npt.NDArray[_np.void]: ...
    @vp.setter
    def vp(self, value: _Elements | _Sequence[P | dict[str, _Any] | tuple[_Any, ...]], /) -> None: ...
    @property
    def vu(self) -> _npt.NDArray[_np.uint64]: ...
    @vu.setter
    def vu(self, value: _Elements | _Sequence[int], /) -> None: ...
    @property
    def lost(self) -> int: ...
    @lost.setter
    def lost(self, value: int, /) -> None: ...

class AllPublisher(_Publisher):
    """All of it. Channel 'robot/deep/all', pubsub<All>."""

    @_overload  # type: ignore[override]
    def send(self, message: All | dict[str, _Any], /) -> bool: ...
    @_overload
    def send(
        _self,
        *,
        a: bool = ...,
        b: int = ...,
        c: int = ...,
        d: int = ...,
        e: int = ...,
        f: int = ...,
        g: int = ...,
        h: int = ...,
        i: int = ...,
        j: float = ...,
        k: float = ...,
        m: Mode | int = ...,
        n: Bits | int = ...,
        s: str | bytes | None = ...,
        sr: str | bytes,
        p: P | dict[str, _Any] | tuple[_Any, ...] | None = ...,
        pr: P | dict[str, _Any] | tuple[_Any, ...],
        st: S | dict[str, _Any] | tuple[_Any, ...] | None = ...,
        leaf: Leaf | dict[str, _Any] | None = ...,
        self: All | dict[str, _Any] | None = ...,
        va: _Elements | _Sequence[int] | None = ...,
        vb: _Elements | _Sequence[bool] | None = ...,
        vc: _Elements | _Sequence[float] | None = ...,
        vm: _Elements | _Sequence[int] | None = ...,
        vp: _Elements | _Sequence[P | dict[str, _Any] | tuple[_Any, ...]],
        vs: _Sequence[str | bytes] | None = ...,
        vl: _Sequence[Leaf | dict[str, _Any]] | None = ...,
        vu: _Elements | _Sequence[int] | None = ...,
        sequence: str | bytes | None = ...,
        lost: int = ...,
        to_dict: str | bytes | None = ...,
    ) -> bool: ...
    def loan(
        _self,
        *,
        a: bool = ...,
        b: int = ...,
        c: int = ...,
        d: int = ...,
        e: int = ...,
        f: int = ...,
        g: int = ...,
        h: int = ...,
        i: int = ...,
        j: float = ...,
        k: float = ...,
        m: Mode | int = ...,
        n: Bits | int = ...,
        s: str | bytes | None = ...,
        sr: str | bytes,
        p: P | dict[str, _Any] | tuple[_Any, ...] | None = ...,
        pr: P | dict[str, _Any] | tuple[_Any, ...],
        st: S | dict[str, _Any] | tuple[_Any, ...] | None = ...,
        leaf: Leaf | dict[str, _Any] | None = ...,
        self: All | dict[str, _Any] | None = ...,
        va: int | tuple[int, ...] | _Elements | _Sequence[int] | None = ...,
        vb: int | tuple[int, ...] | _Elements | _Sequence[bool] | None = ...,
        vc: int | tuple[int, ...] | _Elements | _Sequence[float] | None = ...,
        vm: int | tuple[int, ...] | _Elements | _Sequence[int] | None = ...,
        vp: int | tuple[int, ...] | _Elements | _Sequence[P | dict[str, _Any] | tuple[_Any, ...]],
        vs: _Sequence[str | bytes] | None = ...,
        vl: _Sequence[Leaf | dict[str, _Any]] | None = ...,
        vu: int | tuple[int, ...] | _Elements | _Sequence[int] | None = ...,
        sequence: str | bytes | None = ...,
        lost: int = ...,
        to_dict: str | bytes | None = ...,
    ) -> _AllLoan: ...

class AllSubscriber(_Subscriber):
    """All of it. Channel 'robot/deep/all', pubsub<All>."""

    def recv(self, timeout: int | _timedelta | None = None) -> _AllSample: ...
    def try_recv(self) -> _AllSample | None: ...
    def latest(self) -> _AllSample | None: ...
    def __iter__(self) -> _Iterator[_AllSample]: ...
    def __next__(self) -> _AllSample: ...
    async def arecv(self, timeout: int | _timedelta | None = None) -> _AllSample: ...
    async def __anext__(self) -> _AllSample: ...

class PPublisher(_Publisher):
    """Channel 'robot/deep/p', pubsub<P>."""

    @_overload  # type: ignore[override]
    def send(self, message: P | dict[str, _Any], /) -> bool: ...
    @_overload
    def send(self, *, x: float = ..., y: float = ...) -> bool: ...
    def loan(self, *, x: float = ..., y: float = ...) -> _PLoan: ...

class PSubscriber(_Subscriber):
    """Channel 'robot/deep/p', pubsub<P>."""

    def recv(self, timeout: int | _timedelta | None = None) -> _PSample: ...
    def try_recv(self) -> _PSample | None: ...
    def latest(self) -> _PSample | None: ...
    def __iter__(self) -> _Iterator[_PSample]: ...
    def __next__(self) -> _PSample: ...
    async def arecv(self, timeout: int | _timedelta | None = None) -> _PSample: ...
    async def __anext__(self) -> _PSample: ...

__all__ = [
    "Mode",
    "Bits",
    "P",
    "S",
    "Leaf",
    "All",
    "AllPublisher",
    "AllSubscriber",
    "PPublisher",
    "PSubscriber",
]
