# SPDX-License-Identifier: Apache-2.0
"""The wheel: built from a source distribution of a clean checkout, installed where there is no compiler, by every CPython
that it supports and that this machine has. It takes minutes and asks package registries, so it runs with `test.sh --long`
only (SHMCOMM_TEST_WHEEL=1)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

pytestmark = [
    pytest.mark.skipif(os.environ.get("SHMCOMM_TEST_WHEEL") != "1", reason="runs with test.sh --long"),
    pytest.mark.timeout(1800),
]


def run(*command: object, folder: Path, **variables: str) -> str:
    """What the command prints; its output is shown where it fails."""
    ours = ("PYTHONPATH", "LD_PRELOAD", "SHMCOMM_BUILD_DIR")
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    done = subprocess.run(
        list(map(str, command)), cwd=folder, env=environment | variables, capture_output=True, text=True
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def find_python(version: str) -> Path | None:
    """The interpreter of that version: this one, on PATH, or pyenv's."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return Path(sys.executable)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    places = [*sorted(pyenv.glob(f"versions/{version}.*/bin/python")), shutil.which(f"python{version}")]
    for place in filter(None, places):
        done = subprocess.run([place, "--version"], capture_output=True, text=True)
        if done.stdout.startswith(f"Python {version}."):
            return Path(place)
    return None


def make_venv(folder: Path, python: Path, *packages: object) -> Path:
    folder.parent.mkdir(exist_ok=True)
    run(python, "-m", "venv", folder, folder=folder.parent)
    if packages:
        run(folder / "bin/python", "-m", "pip", "--quiet", "install", *packages, folder=folder)
    return folder / "bin"


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_venv(tmp_path_factory.mktemp("tools") / "venv", Path(sys.executable), "build", "auditwheel")


@pytest.fixture(scope="module")
def sdist(tools: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the files that git knows."""
    folder = tmp_path_factory.mktemp("sdist")
    checkout = folder / "checkout"
    for name in run("git", "ls-files", folder=REPOSITORY).splitlines():
        if (REPOSITORY / name).is_file():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, checkout / name)
    run(tools / "python", "-m", "build", "--sdist", "--outdir", folder, checkout, folder=folder)
    (built,) = folder.glob("shm_comm_lib-*.tar.gz")
    return built


@pytest.fixture(scope="module", params=["3.10", "3.11", "3.12", "3.13"])
def interpreter(request: pytest.FixtureRequest) -> Path:
    found = find_python(request.param)
    if found is None:
        pytest.skip(f"no CPython {request.param} here")
    return found


@pytest.fixture(scope="module")
def wheel(interpreter: Path, sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    programs = make_venv(folder / "venv", interpreter)
    run(programs / "python", "-m", "pip", "wheel", "--no-deps", "--wheel-dir", folder, sdist, folder=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, interpreter: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that has the wheel and what it depends on."""
    return make_venv(tmp_path_factory.mktemp("installed") / "venv", interpreter, wheel)


def test_it_has_what_belongs_in_it(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    for name in (
        "shmcomm/__init__.py", "shmcomm/py.typed", "shmcomm/_core.pyi", "shmcomm_gen/grammar.lark", "shmcomm_gen/diagnostics.md",
        "shmcomm/cpp/config/shmcommConfig.cmake", "shmcomm/cpp/runtime/include/shmcomm/publisher.h",
    ):  # fmt: skip
        assert name in names
    assert wheel.name.startswith("shm_comm_lib-")
    assert not [name for name in names if name.startswith(("tests/", "lib/", "include/", "bin/"))]


def test_it_runs_on_older_systems(wheel: Path, tools: Path) -> None:
    text = " ".join(run(tools / "auditwheel", "show", wheel, folder=wheel.parent).split())

    found = re.search(r'platform tag: "manylinux_2_(\d+)_x86_64"', text)
    assert found and int(found[1]) <= 34, text


def test_abseil_is_inside_and_not_seen(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.startswith("shmcomm/_core.") and name.endswith(".so"))
        module = archive.extract(name, tmp_path)

    symbols = run("nm", "--dynamic", "--defined-only", module, folder=tmp_path)
    needed = run("readelf", "--dynamic", module, folder=tmp_path)
    assert [line.split()[-1] for line in symbols.splitlines()] == ["PyInit__core"]
    assert "absl" not in needed


def test_it_works_without_a_compiler(installed: Path, tmp_path: Path) -> None:
    path = str(installed)
    assert run(installed / "shmcomm", "--version", folder=tmp_path, PATH=path).strip()
    folder = Path(run(installed / "shmcomm", "--cmake-dir", folder=tmp_path, PATH=path).strip())
    assert (folder / "shmcommConfig.cmake").is_file()
    channels = REPOSITORY / "examples/telemetry/telemetry.channel"
    run(installed / "shmcommc", channels, "--python", tmp_path, folder=tmp_path, PATH=path)
    run(installed / "python", "-c", "import telemetry", folder=tmp_path, PATH=path)


def test_the_python_tests_pass_with_it(installed: Path, tmp_path: Path) -> None:
    needed = ("pytest", "pytest-timeout", "hypothesis", "pyzmq", "uvloop", "mypy")
    run(installed / "python", "-m", "pip", "--quiet", "install", *needed, folder=tmp_path)
    command = (installed / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-c", os.devnull,
               "--rootdir", REPOSITORY, "--import-mode=importlib", REPOSITORY / "tests/python",
               REPOSITORY / "tests/examples/test_python_examples.py")  # fmt: skip

    output = run(*command, folder=tmp_path, PATH=str(installed))

    assert " passed" in output and " failed" not in output


def test_a_cmake_project_finds_it(installed: Path, tmp_path: Path) -> None:
    folder = run(installed / "shmcomm", "--cmake-dir", folder=tmp_path).strip()
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.24)\nproject(p CXX)\nfind_package(shmcomm REQUIRED)\n"
        "if(NOT TARGET shmcomm::shmcomm OR NOT COMMAND shmcomm_generate)\n  message(FATAL_ERROR missing)\nendif()\n"
    )

    run("cmake", "-S", ".", "-B", "build", f"-Dshmcomm_DIR={folder}", folder=tmp_path)
