# SPDX-License-Identifier: Apache-2.0
"""The only code that writes: whole files, atomically, and only where the content changed, so that a build that changes
nothing rebuilds nothing."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Output:
    """A file to be."""

    path: Path
    content: bytes


def text_output(path: Path, text: str) -> Output:
    return Output(path, text.encode(errors="surrogateescape"))  # of names that are no text: the bytes that they are


def write_all(outputs: Iterable[Output]) -> tuple[Path, ...]:
    """Writes what differs and returns the paths written. Raises OSError."""
    return tuple(output.path for output in outputs if _write(output))


def _write(output: Output) -> bool:
    if _current(output.path) == output.content:
        return False
    output.path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{output.path.name}.", dir=output.path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(output.content)
        os.chmod(temporary, _mode(output.path))
        os.replace(temporary, output.path)
    except BaseException:
        os.unlink(temporary)
        raise
    return True


def _current(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _mode(path: Path) -> int:
    """That of the file before, else that of a new one."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def depfile_text(target: Path, dependencies: Iterable[Path]) -> str:
    """A rule in the language of make, as Ninja and CMake read it: the first output, then all it was made from."""
    words = " \\\n  ".join(_escaped(path) for path in sorted(set(dependencies)))
    return f"{_escaped(target)}: \\\n  {words}\n"


def _escaped(path: Path) -> str:
    return str(path).replace("$", "$$").replace("#", "\\#").replace(" ", "\\ ")
