# SPDX-License-Identifier: Apache-2.0
"""The telemetry example as a whole: a C++ publisher, a Python subscriber, shared memory between them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

RUN = Path(__file__).resolve().parents[2] / "examples" / "telemetry" / "run.sh"


@pytest.fixture
def root() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="shmcomm-telemetry-", dir="/dev/shm"))
    yield path
    shutil.rmtree(path)


@pytest.mark.timeout(120)
def test_telemetry_flows_and_leaves_nothing_behind(root: Path) -> None:
    build = os.environ.get("SHMCOMM_BUILD_DIR")
    if not build:
        pytest.skip("SHMCOMM_BUILD_DIR does not name a build folder")
    environment = os.environ | {"SHMCOMM_ROOT": str(root), "PYTHON": sys.executable}

    run = subprocess.run(["bash", str(RUN), build, "--seconds", "1"], env=environment, capture_output=True, text=True)

    assert run.returncode == 0, run.stdout + run.stderr
    for channel in ("snapshot", "pulse"):
        received = re.search(rf"^telemetry/{channel} +([\d,]+)", run.stdout, re.MULTILINE)
        assert received and int(received[1].replace(",", "")) > 0
    assert "\x1b" not in run.stdout
    assert list(root.iterdir()) == []
