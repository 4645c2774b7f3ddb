# SPDX-License-Identifier: Apache-2.0
"""A schema and all it includes, parsed: each file once, the main file first, includes in the order they are met."""

from __future__ import annotations

from collections import deque
from pathlib import Path

from shmcomm_gen.diagnostics import Sink
from shmcomm_gen.source import Source, find_include, read_source
from shmcomm_gen.syntax import FileSyntax, Name
from shmcomm_gen.transform import read_syntax


class Closure:
    """The files of one compilation. A cycle of includes is legal and reads each file once."""

    def __init__(self) -> None:
        self.files: list[FileSyntax] = []
        self.targets: dict[tuple[Path, str], Path] = {}

    @property
    def paths(self) -> tuple[Path, ...]:
        return tuple(file.source.path for file in self.files)

    def included_by(self, file: FileSyntax) -> tuple[FileSyntax, ...]:
        """The files `file` includes itself, in the order it names them."""
        by_path = {other.source.path: other for other in self.files}
        reached = [self.targets.get((file.source.path, name.text)) for name in file.includes]
        return tuple(dict.fromkeys(by_path[path] for path in reached if path in by_path and path is not None))


def load(path: Path, import_dirs: tuple[Path, ...], sink: Sink) -> Closure:
    closure = Closure()
    waiting: deque[tuple[Path, str, Name | None]] = deque([(path, path.name, None)])
    seen = {path.resolve()}
    while waiting:
        file_path, label, include = waiting.popleft()
        source = _read(file_path, label, include, sink)
        if source is None:
            continue
        file = read_syntax(source, sink)
        closure.files.append(file)
        for name in file.includes:
            found = find_include(name.text, file_path, import_dirs)
            if found is None:
                searched = ", ".join(_shown(d) for d in (file_path.parent, *import_dirs))
                sink.error("S002", f"include '{name.text}' not found", name.span, f"looked in {searched}; add -I")
                continue
            known = next((p for p in (*closure.paths, *(w[0] for w in waiting)) if p.samefile(found)), found)
            closure.targets[(file_path, name.text)] = known
            if found.resolve() not in seen:
                seen.add(found.resolve())
                waiting.append((found, name.text, name))
    return closure


def _read(path: Path, label: str, include: Name | None, sink: Sink) -> Source | None:
    try:
        return read_source(path, label)
    except OSError as error:
        sink.error("S002", f"cannot read '{path}': {error.strerror}", include.span if include else None)
    except ValueError as error:
        sink.error("S003", f"'{label}' is not a text file: {error}", include.span if include else None)
    return None


def _shown(directory: Path) -> str:
    return str(directory) if str(directory) != "." else "the current directory"
