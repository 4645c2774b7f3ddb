# SPDX-License-Identifier: Apache-2.0
"""shmcomm_generate() rejects what it does not understand, when CMake configures."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cmake.project import Project

GOOD = "shmcomm_generate(TARGET msgs SCHEMAS schema/robot.channel IMPORT_DIRS schema"


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (f"{GOOD} FROBNICATE yes)", "unknown argument 'FROBNICATE'"),
        (f"{GOOD} LANGUAGES cpp COMPATIBLE no)", "unknown argument 'COMPATIBLE'"),
        ("shmcomm_generate(msgs SCHEMAS schema/robot.channel)", "unknown argument 'msgs'"),
        ("shmcomm_generate(SCHEMAS schema/robot.channel)", "TARGET is missing"),
        ("shmcomm_generate(TARGET msgs)", "SCHEMAS is missing"),
        (f"{GOOD} LANGUAGES)", "no value after LANGUAGES"),
        (f"{GOOD} LANGUAGES rust)", "unknown language 'rust'"),
        ("shmcomm_generate(TARGET msgs SCHEMAS schema/none.channel)", "no such schema"),
        ("shmcomm_generate(TARGET msgs SCHEMAS schema/robot.channel ./schema/robot.channel)", "output would collide"),
        (f"{GOOD} COMPATIBLE_WITH schema/robot.lock)", "no such lock"),
        ("shmcomm_generate(TARGET msgs SCHEMAS schema/robot.channel schema/geometry.fbs COMPATIBLE_WITH CMakeLists.txt)",
         "CMakeLists.txt is the lock of none of the schemas"),
    ],
)  # fmt: skip
def test_call_is_rejected(made_project: Callable[[str], Project], python_option: str, call: str, complaint: str) -> None:
    result = made_project(call).configure(python_option)

    assert result.returncode != 0
    assert complaint in " ".join(result.stdout.split())


def test_languages_default_to_cpp(made_project: Callable[[str], Project], python_option: str) -> None:
    project = made_project(f"{GOOD})\nget_target_property(folder msgs SHMCOMM_PYTHON_DIR)\nmessage(STATUS \"[${{folder}}]\")")

    result = project.configure(python_option)

    assert result.returncode == 0, result.stdout
    assert "[folder-NOTFOUND]" in result.stdout


def test_python_alone_makes_no_library(made_project: Callable[[str], Project], python_option: str) -> None:
    project = made_project(f"{GOOD} LANGUAGES python)")
    assert project.configure(python_option).returncode == 0

    project.make()

    out = project.build / "msgs.shm"
    assert (out / "python/robot/robot.bfbs").exists()
    assert not (out / "cpp").exists()
