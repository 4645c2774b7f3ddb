# SPDX-License-Identifier: Apache-2.0
"""The two versions of flatc every binary schema is compared with, and what they write differently."""

from __future__ import annotations

import math
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.generator.support.bfbs_reader import read_bfbs
from tests.generator.support.tools import flatc_2_0_8, flatc_25


@dataclass(frozen=True)
class Lane:
    """One flatc. Later ones give a vector of structs the size of the struct as element_size, before that of an offset,
    and no field of a struct is optional; ours `is_like_2_0_8` there."""

    name: str
    find: Callable[[], Path]
    is_like_2_0_8: bool

    def __repr__(self) -> str:
        return self.name

    def run(self, directory: Path, path: Path, *import_dirs: Path) -> subprocess.CompletedProcess[str]:
        options = [word for folder in import_dirs for word in ("-I", str(folder))]
        command = [self.find(), "-b", "--schema", "--bfbs-comments", "--bfbs-builtins", *options, "-o", directory, path]
        return subprocess.run(command, check=False, capture_output=True, text=True)

    def schema(self, directory: Path, path: Path, *import_dirs: Path) -> dict[str, Any]:
        done = self.run(directory, path, *import_dirs)
        assert done.returncode == 0, done.stdout + done.stderr
        return read_bfbs((directory / f"{path.stem}.bfbs").read_bytes())


LANES = (Lane("flatc-2.0.8", flatc_2_0_8, True), Lane("flatc-25", flatc_25, False))


def comparable(value: Any, lane: Lane) -> Any:
    """Equal for equal schemas. Names of files depend on how each compiler was called; a documentation or a list that is
    absent is an empty one; NaN equals itself."""
    if isinstance(value, dict):
        dropped = {"declaration_file", "fbs_files"} | (set() if lane.is_like_2_0_8 else {"element_size"})
        if value.get("is_struct") and not lane.is_like_2_0_8:
            value = value | {"fields": [field | {"optional": False} for field in value["fields"]]}
        return {key: comparable(item, lane) for key, item in value.items() if key not in dropped}
    if isinstance(value, list):
        return [comparable(item, lane) for item in value] or None
    return "nan" if isinstance(value, float) and math.isnan(value) else value
