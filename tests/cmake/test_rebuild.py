# SPDX-License-Identifier: Apache-2.0
"""What makes the generator run again. Python output alone, so that nothing is compiled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cmake.project import GENERATORS, Project, run

CALL = "shmcomm_generate(TARGET msgs SCHEMAS schema/robot.channel IMPORT_DIRS schema LANGUAGES python)"
GENERATING = "Generating from robot.channel"


@pytest.fixture(params=GENERATORS)
def built(request: pytest.FixtureRequest, made_project: Callable[[str], Project], python_option: str) -> Project:
    made = made_project(CALL)
    project = Project(made.source, made.build, str(request.param))
    assert project.configure(python_option).returncode == 0
    project.make()
    assert GENERATING not in project.make()
    return project


@pytest.mark.parametrize("pattern", ["templates/python.py.j2", "compile.py", "../../schema/grammar.lark"])
def test_touching_the_generator_generates_again_once(built: Project, prefix: Path, pattern: str) -> None:
    (prefix / "share/shmcomm/generator/shmcomm_gen" / pattern).resolve().touch()

    assert GENERATING in built.make()
    assert GENERATING not in built.make()


def test_error_in_a_schema_fails_the_build_and_shows_its_place(built: Project) -> None:
    schema = built.source / "schema/robot.channel"
    good = schema.read_text()
    schema.write_text(good.replace("pubsub<Image>", "pubsub<Imgae>"))

    failed = run("cmake", "--build", built.build)
    schema.write_text(good)
    repaired = built.make()

    assert failed.returncode != 0
    assert "unknown type 'Imgae'" in failed.stdout and "robot.channel:" in failed.stdout
    assert GENERATING in repaired
