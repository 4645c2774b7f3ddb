# SPDX-License-Identifier: Apache-2.0
"""Programs, interpreters and environments for the tests of the wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SUPPORTED = ("3.10", "3.11", "3.12", "3.13")
OWN = f"{sys.version_info.major}.{sys.version_info.minor}"


def run(*command: object, folder: Path, **variables: str) -> str:
    """What the command prints; its output is shown where it fails. It knows nothing of a build tree, nor of the counts of a
    long run and the recorded data, which are for the tests of the build."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME", "LD_PRELOAD")}
    for name in [*environment]:
        if name.startswith("SHMCOMM_") and name != "SHMCOMM_SEED":
            del environment[name]
    done = subprocess.run(
        list(map(str, command)), cwd=folder, env=environment | variables, capture_output=True, text=True
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def find_python(version: str) -> Path | None:
    """The interpreter of that version: this one, pyenv's, or one on PATH."""
    if version == OWN:
        return Path(sys.executable)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    on_path = shutil.which(f"python{version}")
    for place in [*sorted(pyenv.glob(f"versions/{version}.*/bin/python")), *([Path(on_path)] if on_path else [])]:
        done = subprocess.run([place, "--version"], capture_output=True, text=True)
        if done.stdout.startswith(f"Python {version}."):
            return place
    return None


def make_venv(folder: Path, python: Path, *packages: object) -> Path:
    """The programs of a new environment that has these packages."""
    folder.parent.mkdir(exist_ok=True)
    run(python, "-m", "venv", folder, folder=folder.parent)
    if packages:
        run(folder / "bin/python", "-m", "pip", "--quiet", "install", *packages, folder=folder)
    return folder / "bin"


def compiler_cache(folder: Path) -> dict[str, str]:
    """Variables with which ccache, where it is at hand, finds what a build in another such folder has compiled: all but the
    extension is the same for every interpreter."""
    if shutil.which("ccache") is None:
        return {}
    return {"CMAKE_CXX_COMPILER_LAUNCHER": "ccache", "CCACHE_BASEDIR": str(folder), "CCACHE_NOHASHDIR": "1"}
