# SPDX-License-Identifier: Apache-2.0
"""The built package, packages generated from the channel files of this folder, and a root of shared memory for each test."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

# A shell lets what it starts in the background ignore SIGINT, and children inherit that: those we interrupt would not hear.
signal.signal(signal.SIGINT, signal.default_int_handler)

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]

sys.path.insert(0, str(HERE))
if "SHMCOMM_BUILD_DIR" in os.environ:
    sys.path.insert(0, str(Path(os.environ["SHMCOMM_BUILD_DIR"]) / "python"))


from event_loops import Run, runner  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def built_package() -> None:
    """Nothing here works without the extension."""
    if importlib.util.find_spec("shmcomm") is None:
        pytest.skip("shmcomm is not on the path; SHMCOMM_BUILD_DIR names the build folder that has it")


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the packages `everything`, `unions` and `patterns`."""
    out = tmp_path_factory.mktemp("generated")
    environment = dict(os.environ)
    if "SHMCOMM_BUILD_DIR" in os.environ:  # else the compiler is installed along with the package
        environment["PYTHONPATH"] = str(REPOSITORY / "generator")
    environment.pop("LD_PRELOAD", None)
    schemas = [HERE / f"{name}.channel" for name in ("everything", "unions", "patterns")]
    command = [sys.executable, "-m", "shmcomm_gen", *schemas, "-I", HERE, "--python", out]
    subprocess.run(command, check=True, env=environment)
    return out


@pytest.fixture(scope="session")
def everything(generated: Path) -> Any:
    """The generated package."""
    sys.path.insert(0, str(generated))
    return importlib.import_module("everything")


@pytest.fixture(scope="session")
def unions(generated: Path) -> Any:
    """The generated package of unions, optional scalars and messages within messages."""
    sys.path.insert(0, str(generated))
    return importlib.import_module("unions")


@pytest.fixture(scope="session")
def patterns(generated: Path) -> Any:
    """The generated package of jobs and calls."""
    sys.path.insert(0, str(generated))
    return importlib.import_module("patterns")


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which flatc put its own Python classes and binary schema of the same types."""
    flatc = shutil.which("flatc")
    if flatc is None:
        pytest.skip("flatc is not installed")
    out = tmp_path_factory.mktemp("reference")
    subprocess.run([flatc, "--python", "-o", out, HERE / "everything_types.fbs"], check=True)
    subprocess.run([flatc, "-b", "--schema", "-o", out, HERE / "everything_types.fbs"], check=True)
    (out / "everything").rename(out / "flatc_everything")
    for file in (out / "flatc_everything").glob("*.py"):
        file.write_text(file.read_text().replace("from everything.", "from flatc_everything."))
    return out


@pytest.fixture(scope="session")
def flatc_class(reference: Path) -> Any:
    """Imports one of flatc's modules: flatc_class("Tree")."""
    sys.path.insert(0, str(reference))

    def load(name: str) -> ModuleType:
        return importlib.import_module(f"flatc_everything.{name}")

    return load


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a coroutine on an event loop of its own."""
    return runner(request.param)


@pytest.fixture
def root() -> Iterator[Path]:
    """An empty root of channels; the test must leave it empty."""
    path = Path(tempfile.mkdtemp(prefix="shmcomm-python-", dir="/dev/shm"))
    try:
        yield path
    finally:
        shutil.rmtree(path)
