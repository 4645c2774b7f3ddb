# SPDX-License-Identifier: Apache-2.0
"""The Python of the generator and of the runtime type-checks strictly."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("package", ["generator/shmcomm_gen", "runtime/python/shmcomm"])
def test_package_is_strictly_typed(package: str, tmp_path: Path) -> None:
    folder = ROOT / package

    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), str(folder)],
        cwd=folder.parent, capture_output=True, text=True,
    )

    assert run.returncode == 0, run.stdout + run.stderr
