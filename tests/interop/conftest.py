# SPDX-License-Identifier: Apache-2.0
"""A root of shared memory of its own for each test, and an end of its programs, whatever happens."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from interop_peers import Peers  # noqa: E402


@pytest.fixture
def peers() -> Iterator[Peers]:
    build = os.environ.get("SHMCOMM_BUILD_DIR")
    if not build:
        pytest.skip("SHMCOMM_BUILD_DIR does not name a build folder")
    root = Path(tempfile.mkdtemp(prefix="shmcomm-interop-", dir="/dev/shm"))
    started = Peers(Path(build), root)
    try:
        yield started
    finally:
        started.kill()
        shutil.rmtree(root)
