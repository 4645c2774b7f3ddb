# SPDX-License-Identifier: Apache-2.0
"""Where shmcomm_generate() looks for the generator, and what it says when it is nowhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cmake.project import ROOT, Project

CALL = "shmcomm_generate(TARGET msgs SCHEMAS schema/robot.channel IMPORT_DIRS schema)"


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """An environment without a virtual environment, whose python3 lacks the generator's packages."""
    tools = tmp_path / "bin"
    tools.mkdir()
    python = tools / "python3"
    python.write_text("#!/bin/sh\necho \"ModuleNotFoundError: No module named 'lark'\" >&2\nexit 1\n")
    python.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "CONDA_PREFIX")}
    return {**kept, "PATH": f"{tools}:/usr/bin:/bin"}


def test_missing_generator_names_what_was_tried_and_the_fixes(
    made_project: Callable[[str], Project], bare: dict[str, str]
) -> None:
    result = made_project(CALL).configure(env=bare)

    text = " ".join(result.stdout.split())
    assert result.returncode != 0
    assert "the generator shmcommc was not found. Tried:" in text
    assert "No module named 'lark'" in text
    for fix in ("pip install -r", "-DSHMCOMM_PYTHON=", "activate the virtual environment", "-DSHMCOMM_GENERATOR="):
        assert fix in text


def test_variable_comes_first(made_project: Callable[[str], Project], bare: dict[str, str], tmp_path: Path) -> None:
    script = tmp_path / "my-shmcommc"
    script.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}/generator" exec "{sys.executable}" -m shmcomm_gen "$@"\n')
    script.chmod(0o755)

    result = made_project(CALL).configure(f"-DSHMCOMM_GENERATOR={script}", env=bare)

    assert result.returncode == 0, result.stdout
    assert f"shmcomm generator: {script}" in result.stdout


def test_variable_that_does_not_start_is_not_passed_over(
    made_project: Callable[[str], Project], tmp_path: Path
) -> None:
    result = made_project(CALL).configure(f"-DSHMCOMM_GENERATOR={tmp_path}/absent")

    assert result.returncode != 0
    assert "Tried:" in result.stdout and f"{tmp_path}/absent" in result.stdout


def test_active_virtual_environment_is_found(made_project: Callable[[str], Project], bare: dict[str, str]) -> None:
    result = made_project(CALL).configure(env={**bare, "VIRTUAL_ENV": sys.prefix})

    assert result.returncode == 0, result.stdout
    assert f"{sys.prefix}/bin/python -m shmcomm_gen" in result.stdout


def test_command_on_path_is_found_when_no_python_here_can_run_ours(
    made_project: Callable[[str], Project], bare: dict[str, str]
) -> None:
    command = Path(bare["PATH"].split(":")[0]) / "shmcommc"
    command.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}/generator" exec "{sys.executable}" -m shmcomm_gen "$@"\n')
    command.chmod(0o755)

    result = made_project(CALL).configure(env=bare)

    assert result.returncode == 0, result.stdout
    assert f"shmcomm generator: {command}" in result.stdout
