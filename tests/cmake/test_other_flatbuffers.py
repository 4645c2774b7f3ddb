# SPDX-License-Identifier: Apache-2.0
"""A machine with two versions of FlatBuffers: an installed shmcomm goes with the one it was built with."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cmake.project import Project


@pytest.fixture
def other_version(tmp_path: Path) -> Path:
    """The prefix of a FlatBuffers 99.1.2."""
    folder = tmp_path / "other/lib/cmake/flatbuffers"
    folder.mkdir(parents=True)
    (folder / "flatbuffers-config.cmake").write_text(
        "add_library(flatbuffers::flatbuffers INTERFACE IMPORTED)\n"
        'target_include_directories(flatbuffers::flatbuffers INTERFACE "${CMAKE_CURRENT_LIST_DIR}")\n'
    )
    (folder / "flatbuffers-config-version.cmake").write_text(
        'set(PACKAGE_VERSION "99.1.2")\nset(PACKAGE_VERSION_COMPATIBLE TRUE)\n'
    )
    return tmp_path / "other"


def test_one_beside_a_tool_on_the_path_is_passed_over(
    made_project: Callable[[str], Project], other_version: Path
) -> None:
    tools = other_version / "bin"
    tools.mkdir()

    result = made_project('message(STATUS "with ${flatbuffers_VERSION}")').configure(
        env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
    )

    assert result.returncode == 0, result.stdout
    assert "with 99.1.2" not in result.stdout


def test_one_that_is_asked_for_is_refused_with_both_versions_and_the_fix(
    made_project: Callable[[str], Project], other_version: Path
) -> None:
    result = made_project("").configure(f"-DCMAKE_PREFIX_PATH={other_version}")

    text = " ".join(result.stdout.split())
    assert result.returncode != 0
    assert "shmcomm was built with FlatBuffers" in text
    assert f"but {other_version}/lib/cmake/flatbuffers is 99.1.2. Set -Dflatbuffers_DIR=" in text
