# SPDX-License-Identifier: Apache-2.0
"""Users' type checkers find nothing to say about the examples, against the built package and the generated modules."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLES = REPOSITORY / "examples"
FOLDERS = ("python", "patterns", "telemetry")

pytestmark = pytest.mark.skipif("SHMCOMM_BUILD_DIR" not in os.environ, reason="SHMCOMM_BUILD_DIR names no build")


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Where the package and what is generated for the examples are."""
    out = tmp_path_factory.mktemp("generated")
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "generator")}
    environment.pop("LD_PRELOAD", None)
    for schema in EXAMPLES.glob("*/*.channel"):
        command = [sys.executable, "-m", "shmcomm_gen", schema, "-I", schema.parent, "--python", out]
        subprocess.run(command, check=True, env=environment)
    return [str(Path(os.environ["SHMCOMM_BUILD_DIR"]).resolve() / "python"), str(out)]


def check(*command: object, **variables: str) -> None:
    environment = os.environ | variables
    environment.pop("LD_PRELOAD", None)
    run = subprocess.run(list(map(str, command)), env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("folder", FOLDERS)
def test_mypy_finds_the_examples_strictly_typed(folder: str, paths: list[str], tmp_path: Path) -> None:
    programs = sorted((EXAMPLES / folder).glob("*.py"))

    check(sys.executable, "-m", "mypy", "--strict", "--cache-dir", tmp_path, *programs, MYPYPATH=os.pathsep.join(paths))


def test_pyright_finds_nothing_in_the_examples(paths: list[str], tmp_path: Path) -> None:
    folders = [str(EXAMPLES / folder) for folder in FOLDERS]
    settings = {"typeCheckingMode": "standard", "include": folders, "extraPaths": paths + folders}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))

    check(sys.executable, "-m", "basedpyright", "-p", tmp_path, "--pythonpath", sys.executable)
