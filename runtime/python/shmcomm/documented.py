# SPDX-License-Identifier: Apache-2.0
"""What the fields of a named tuple mean, in its help."""

from __future__ import annotations

from typing import TypeVar

__all__ = ["documented"]

_Tuple = TypeVar("_Tuple", bound=type[tuple[object, ...]])


def documented(kind: _Tuple) -> _Tuple:
    """A named tuple each of whose fields has what the tuple's documentation says of it, on a line `name: what it is`."""
    fields: tuple[str, ...] = getattr(kind, "_fields")  # noqa: B009
    for line in (kind.__doc__ or "").splitlines():
        name, colon, text = line.strip().partition(": ")
        if colon and name in fields:
            getattr(kind, name).__doc__ = text
    return kind
