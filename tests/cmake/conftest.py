# SPDX-License-Identifier: Apache-2.0
"""An installation of the library to test against, made once, and small projects that use it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cmake.project import ROOT, Project, run_or_fail


@pytest.fixture(scope="session")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation: of the build that is under test, or of one made here."""
    build = os.environ.get("SHMCOMM_BUILD_DIR")
    if build is None:
        build = str(tmp_path_factory.mktemp("library"))
        run_or_fail("cmake", "-S", ROOT, "-B", build, "-G", "Ninja", "-DSHMCOMM_BUILD_TESTS=OFF",
                    "-DSHMCOMM_BUILD_EXAMPLES=OFF", "-DCMAKE_BUILD_TYPE=Debug")
        run_or_fail("cmake", "--build", build, "--parallel", "2")
    folder = tmp_path_factory.mktemp("prefix")
    run_or_fail("cmake", "--install", build, "--prefix", folder)
    return folder


@pytest.fixture
def made_project(prefix: Path, tmp_path: Path) -> Callable[[str], Project]:
    """made_project(text): a project with one schema that calls `text` after finding the installed package."""

    def make(text: str) -> Project:
        source = tmp_path / "source"
        shutil.copytree(ROOT / "examples/outside_project/schema", source / "schema")
        (source / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.20)\nproject(made LANGUAGES CXX)\n"
            f'find_package(shmcomm REQUIRED PATHS "{prefix}" NO_DEFAULT_PATH)\n{text}\n'
        )
        return Project(source, tmp_path / "build")

    return make


@pytest.fixture(scope="session")
def python_option() -> str:
    """Lets CMake run the generator with the interpreter of these tests."""
    return f"-DSHMCOMM_PYTHON={sys.executable}"
