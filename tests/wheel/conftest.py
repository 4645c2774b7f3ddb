# SPDX-License-Identifier: Apache-2.0
"""One wheel for each CPython that is supported and that this machine has: by the interpreter of the tests as `pip wheel .`
makes it in a clean checkout, by the others from the source distribution; and environments in which they are installed."""

from __future__ import annotations

import os
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.wheel.commands import OWN, REPOSITORY, SUPPORTED, compiler_cache, find_python, make_venv, run


class Wheel(NamedTuple):
    file: Path
    python: Path  # whose it is
    version: str  # of that: "3.11"


def sources() -> list[tuple[str, str]]:
    """Which interpreter builds from what. The source distribution is always built, by the interpreter of the tests, too,
    where there is no other."""
    if os.environ.get("SHMCOMM_TEST_WHEEL") != "1":
        return [(OWN, "checkout")]
    others = [version for version in SUPPORTED if version != OWN and find_python(version) is not None]
    return [(OWN, "checkout"), *((version, "sdist") for version in others or [OWN])]


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_venv(tmp_path_factory.mktemp("tools") / "venv", Path(sys.executable), "build", "auditwheel", "cibuildwheel")


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that git knows, as they are now."""
    folder = tmp_path_factory.mktemp("checkout") / "source"
    for name in run("git", "ls-files", folder=REPOSITORY).splitlines():
        if (REPOSITORY / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def sdist(tools: Path, checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    run(tools / "python", "-m", "build", "--sdist", "--outdir", folder, checkout, folder=folder)
    (built,) = folder.glob("shm_comm_lib-*.tar.gz")
    return built


@pytest.fixture(scope="session")
def requirements(checkout: Path) -> list[str]:
    """What a build needs beside CMake and a compiler."""
    project: dict[str, Any] = tomllib.loads((checkout / "pyproject.toml").read_text())
    required: list[str] = project["build-system"]["requires"]
    return required


@pytest.fixture(scope="session")
def wheel_of_checkout(checkout: Path) -> Wheel:
    """As README.md tells it: in an environment that pip makes for the build, with Abseil from Debian."""
    folder = checkout.parent
    pip = make_venv(folder / "venv", Path(sys.executable)) / "pip"
    build = f"--config-settings=build-dir={folder / 'build'}"
    run(pip, "wheel", ".", "--no-deps", "--wheel-dir", folder, build, folder=checkout, **compiler_cache(folder))
    (built,) = folder.glob("*.whl")
    return Wheel(built, Path(sys.executable), OWN)


@pytest.fixture(scope="session", params=sources(), ids=" from ".join)
def wheel(request: pytest.FixtureRequest, wheel_of_checkout: Wheel, tmp_path_factory: pytest.TempPathFactory) -> Wheel:
    version, source = request.param
    if source == "checkout":
        return wheel_of_checkout
    python = find_python(version)
    assert python is not None
    folder = tmp_path_factory.mktemp("wheel")
    run("tar", "--extract", "--file", request.getfixturevalue("sdist"), folder=folder)
    (unpacked,) = folder.glob("shm_comm_lib-*")
    unpacked.rename(folder / "source")
    abseil = folder / "build/abseil/source"  # fetched once; in the same place, so that what is compiled of it is shared
    shutil.copytree(wheel_of_checkout.file.parent / "build/abseil/source", abseil)
    pip = make_venv(folder / "venv", python, *request.getfixturevalue("requirements")) / "pip"
    run(
        pip, "wheel", folder / "source", "--no-deps", "--no-build-isolation", "--wheel-dir", folder,
        f"--config-settings=build-dir={folder / 'build'}", f"--config-settings=cmake.define.SHMCOMM_ABSEIL_SOURCE={abseil}",
        folder=folder, **compiler_cache(folder),
    )  # fmt: skip
    (built,) = folder.glob("*.whl")
    return Wheel(built, python, version)


@pytest.fixture(scope="session")
def installed(wheel: Wheel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that has the wheel and what it depends on."""
    return make_venv(tmp_path_factory.mktemp("installed") / "venv", wheel.python, wheel.file)
