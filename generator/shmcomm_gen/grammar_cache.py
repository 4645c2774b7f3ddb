# SPDX-License-Identifier: Apache-2.0
"""The tables of the parser, kept between runs: to make them from the grammar takes longer than to compile most schemas.

They lie in the user's folder of caches, one file for each grammar and version of Lark, in a folder that nobody else may
enter. Where that cannot be had they are made in every run. Whoever runs at the same time sees a whole file or none.
"""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path

import lark
from lark import Lark

from shmcomm_gen.output import Output, write_all

_DIGEST_BYTES = 32
_FOR_OTHERS = 0o077


def load_parser(grammar: str) -> Lark:
    """The parser of `grammar`, from the cache where it is there."""
    path = _path(grammar)
    return (_read(path) if path else None) or _make(grammar, path)


def _path(grammar: str) -> Path | None:
    """None where the user has no folder for caches."""
    folder = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    key = hashlib.sha256(f"{lark.__version__}\n{grammar}".encode()).hexdigest()
    return Path(folder) / "shmcomm" / f"grammar-{key[:16]}.tables" if os.path.isabs(folder) else None


def _make(grammar: str, path: Path | None) -> Lark:
    parser = Lark(grammar, parser="lalr", lexer="contextual", propagate_positions=True)
    if path:
        _write(parser, path)
    return parser


def _write(parser: Lark, path: Path) -> None:
    buffer = io.BytesIO()
    parser.save(buffer)
    tables = buffer.getvalue()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _is_private(path.parent):
            write_all([Output(path, hashlib.sha256(tables).digest() + tables)])
    except OSError:
        return  # A home that is read-only or full.


def _read(path: Path) -> Lark | None:
    try:
        data = path.read_bytes() if _is_private(path.parent) else b""
    except OSError:
        return None
    digest, tables = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
    return Lark.load(io.BytesIO(tables)) if hashlib.sha256(tables).digest() == digest else None


def _is_private(folder: Path) -> bool:
    """Nobody but this user writes there: what the file holds is unpickled, and could be anything."""
    status = folder.stat()
    return status.st_uid == os.geteuid() and not status.st_mode & _FOR_OTHERS
