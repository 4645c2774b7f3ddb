# SPDX-License-Identifier: Apache-2.0
"""How objects become messages and back, as far as it is not done in the extension."""

from __future__ import annotations

import ast
import io
from collections.abc import Callable
from functools import lru_cache
from math import prod
from pickle import dumps, loads
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from typing_extensions import Buffer

__all__ = [
    "array_header",
    "by_name",
    "by_type",
    "dumps",
    "loads",
    "pack",
    "parse_array_header",
    "register_codec",
    "unpack",
]

_Codec = tuple[str, Callable[[Any], "Buffer"], Callable[[memoryview], Any]]

by_type: dict[type, _Codec] = {}
by_name: dict[str, _Codec] = {}


def register_codec(
    name: str,
    encode: Callable[[Any], Buffer],
    decode: Callable[[memoryview], Any],
    *,
    type: type | None = None,
) -> None:
    """Teaches this process another way to encode messages; both ends need it under the same `name`.

    `encode(message)` answers bytes or anything else with a buffer, which is copied into shared memory. `decode(view)`
    gets them as a memoryview; above 1 KiB a view that it keeps keeps the message borrowed. With `type`, every message of
    exactly that class is sent this way; otherwise those sent with `serializer=name`. A second registration of a name
    replaces the first. Errors: ValueError for a name that is empty, longer than 200 bytes or taken by a built-in
    serializer. Not to be called while another thread sends or receives. Cost: while a codec is registered with a `type`, each
    message is looked up by its class.

    >>> from fractions import Fraction
    >>> register_codec("fraction", lambda f: str(f).encode(), lambda view: Fraction(str(view, "ascii")), type=Fraction)
    >>> with Subscriber("doc/codec") as sub, Publisher("doc/codec") as pub:
    ...     pub.send(Fraction(1, 3))
    ...     sub.recv(timeout=100)
    True
    Fraction(1, 3)
    """
    if not name or len(name.encode()) > 200 or name in ("pickle", "msgpack"):
        raise ValueError(f"a codec is named by 1 to 200 bytes, and not 'pickle' or 'msgpack'; got {name!r}")
    if not callable(encode) or not callable(decode):
        raise TypeError("encode and decode must be functions of one argument")
    codec: _Codec = (name, encode, decode)
    by_name[name] = codec
    for registered in [known for known, taken in by_type.items() if taken[0] == name]:
        del by_type[registered]
    if type is not None:
        by_type[type] = codec


def pack(message: object) -> bytes:
    """The message in msgpack."""
    import msgpack  # type: ignore[import-untyped]

    packed: bytes = msgpack.packb(message, use_bin_type=True)
    return packed


def unpack(packed: bytes) -> Any:
    """A message in msgpack; its maps may have any keys that Python can hash."""
    import msgpack

    return msgpack.unpackb(packed, raw=False, strict_map_key=False)


def _npy() -> Any:
    """What knows the heads of .npy files. NumPy has had types for it since 2.3, which CPython 3.10 does not get."""
    import numpy as np

    return np.lib.format


@lru_cache(256)
def _description(dtype: np.dtype[Any]) -> Any:
    """What a .npy file says of the dtype; None if it cannot say it all."""
    if dtype.hasobject or dtype.metadata is not None:
        return None
    try:
        described = _npy().dtype_to_descr(dtype)
        return described if _npy().descr_to_dtype(described) == dtype else None
    except (ValueError, TypeError):
        return None


@lru_cache(256)
def array_header(dtype: np.dtype[Any], shape: tuple[int, ...], is_fortran: bool) -> bytes | None:
    """The head of a .npy file, a multiple of 64 bytes long; None if the array has to be pickled."""
    described = _description(dtype)
    if described is None:
        return None
    head = io.BytesIO()
    header = {"descr": described, "fortran_order": is_fortran, "shape": shape}
    write = _npy().write_array_header_1_0 if len(str(header)) < 60_000 else _npy().write_array_header_2_0
    write(head, header)
    return head.getvalue()


@lru_cache(256)
def parse_array_header(head: bytes) -> tuple[np.dtype[Any], tuple[int, ...], str, int, int]:
    """dtype, shape, order, where the data begins and how many bytes it has. ValueError where the head makes no sense."""
    text = head[10 if head[6] == 1 else 12 :].decode("latin-1")
    header = ast.literal_eval(text.strip())
    described, is_fortran, shape = header["descr"], header["fortran_order"], header["shape"]
    dtype: np.dtype[Any] = _npy().descr_to_dtype(described)
    if dtype.hasobject:
        raise ValueError("an array of Python objects")
    if not isinstance(shape, tuple) or not all(type(length) is int and length >= 0 for length in shape):
        raise ValueError(f"a shape of {shape!r}")
    return dtype, shape, "F" if is_fortran else "C", len(head), prod(shape) * dtype.itemsize
