# SPDX-License-Identifier: Apache-2.0
"""COMPATIBLE_WITH: a schema may grow as its lock allows, and the build fails where it breaks with it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cmake.project import Project, run, run_or_fail

CALL = "shmcomm_generate(TARGET msgs SCHEMAS schema/robot.channel LANGUAGES python COMPATIBLE_WITH schema/robot.lock)"


def lock(prefix: Path, schema: Path, path: Path) -> None:
    generator = prefix / "share/shmcomm/generator"
    os.environ["PYTHONPATH"] = str(generator)
    run_or_fail(sys.executable, "-m", "shmcomm_gen", "lock", schema, "-o", path)


@pytest.fixture
def built(made_project: Callable[[str], Project], prefix: Path, python_option: str, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("PYTHONPATH", "")
    project = made_project(CALL)
    lock(prefix, project.source / "schema/robot.channel", project.source / "schema/robot.lock")
    assert project.configure(python_option).returncode == 0
    project.make()
    return project


def changed(project: Project, old: str, new: str) -> None:
    schema = project.source / "schema/robot.channel"
    text = schema.read_text(encoding="utf-8")
    assert old in text
    schema.write_text(text.replace(old, new), encoding="utf-8")


def test_a_field_may_be_added_to_a_table(built: Project) -> None:
    changed(built, "data:[ubyte] (required);", "data:[ubyte] (required);\n  exposure_ns:uint64;")

    built.make()


def test_a_breaking_change_fails_the_build_and_shows_both_places(built: Project) -> None:
    changed(built, "width:uint32;", "width:uint16;")

    failed = run("cmake", "--build", built.build)

    assert failed.returncode != 0
    assert "error[S049]: table robot.Image: field 'width' uint -> ushort" in failed.stdout
    assert "robot.lock:" in failed.stdout


def test_a_new_lock_lets_the_change_pass(built: Project, prefix: Path) -> None:
    changed(built, "width:uint32;", "width:uint16;")
    assert run("cmake", "--build", built.build).returncode != 0

    lock(prefix, built.source / "schema/robot.channel", built.source / "schema/robot.lock")

    built.make()
    assert "Generating" not in built.make()
