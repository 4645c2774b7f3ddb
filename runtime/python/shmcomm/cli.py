# SPDX-License-Identifier: Apache-2.0
"""The command `shmcomm`: where this installation is. Compiling channel files is `shmcommc`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["main", "run"]

_EXAMPLE = "example: cmake -S . -B build -Dshmcomm_DIR=$(shmcomm --cmake-dir)"


def run() -> None:
    """The command itself."""
    sys.exit(main(sys.argv[1:]))


def main(arguments: Sequence[str]) -> int:
    """Answers the exit code: 0, or 1 where something is missing."""
    parser = argparse.ArgumentParser("shmcomm", description="Shared-memory messaging.", epilog=_EXAMPLE)
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--version", action="store_true", help="print the version")
    choice.add_argument("--cmake-dir", action="store_true", help="print the folder for CMake's shmcomm_DIR")
    options = parser.parse_args(arguments)
    return _print_version() if options.version else _print_cmake_dir()


def _print_version() -> int:
    try:
        print(version("shm-comm-lib"))
    except PackageNotFoundError:
        print("shmcomm is not installed with pip, so it has no version of its own", file=sys.stderr)
        return 1
    return 0


def _print_cmake_dir() -> int:
    folder = Path(__file__).parent / "cpp" / "config"
    if not folder.is_dir():
        print(f"{folder} is not there: this is no installed wheel; use find_package with an installation", file=sys.stderr)
        return 1
    print(folder)
    return 0
