# SPDX-License-Identifier: Apache-2.0
"""Schema text and places in it."""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path


@dataclass(frozen=True)
class Source:
    """One schema file as read. `label` is what people see: the name on the command line or in the include."""

    label: str
    path: Path
    text: str

    @property
    def stem(self) -> str:
        return self.path.stem

    @cached_property
    def _line_starts(self) -> tuple[int, ...]:
        starts = [0]
        starts.extend(i + 1 for i, char in enumerate(self.text) if char == "\n")
        return tuple(starts)

    def line_column(self, offset: int) -> tuple[int, int]:
        """Line and column of `offset`, both counted from 1."""
        line = bisect.bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def line_text(self, line: int) -> str:
        start = self._line_starts[line - 1]
        end = self._line_starts[line] if line < len(self._line_starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")


@dataclass(frozen=True)
class Span:
    """A stretch of a source: offsets [start, end)."""

    source: Source
    start: int
    end: int

    @property
    def line(self) -> int:
        return self.source.line_column(self.start)[0]

    @property
    def column(self) -> int:
        return self.source.line_column(self.start)[1]

    @property
    def place(self) -> str:
        """`robot.channel:19`, as people name a line."""
        return f"{self.source.label}:{self.line}"


def read_source(path: Path, label: str) -> Source:
    """Reads a schema. Raises OSError, or ValueError where the file, or its name, is not UTF-8 text."""
    if not _is_text(label):
        raise ValueError("its name is not UTF-8")
    return source_of(path.read_bytes(), path, label)


def _is_text(name: str) -> bool:
    """Python holds what it cannot decode as single surrogates, which go into no output."""
    return not any("\ud800" <= char <= "\udfff" for char in name)


def source_of(data: bytes, path: Path, label: str) -> Source:
    """The source these bytes are. Raises ValueError where they are not UTF-8 text."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} is not UTF-8") from error
    if "\0" in text:
        raise ValueError("it contains a NUL byte")
    return Source(label=label, path=path, text=text)


def find_include(name: str, includer: Path, import_dirs: tuple[Path, ...]) -> Path | None:
    """Where `include "name"` leads: beside the includer first, then the import directories in order."""
    for directory in (includer.parent, *import_dirs):
        candidate = directory / name
        if _is_file(candidate):
            return candidate
    return None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # The name is too long, or a folder may not be searched.
        return False
