# SPDX-License-Identifier: Apache-2.0
"""examples/outside_project builds and runs: installed and as a subdirectory, with Ninja and with make."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cmake.project import GENERATORS, ROOT, Project

WORK_DONE = ("Generating from", "Building CXX", "Linking CXX")


@pytest.fixture(scope="module", params=GENERATORS)
def generator(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=["installed", "subdirectory"])
def outside(
    request: pytest.FixtureRequest,
    generator: str,
    prefix: Path,
    python_option: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Project:
    folder = tmp_path_factory.mktemp("outside")
    shutil.copytree(ROOT / "examples/outside_project", folder / "source")
    project = Project(folder / "source", folder / "build", generator)
    library = f"-DCMAKE_PREFIX_PATH={prefix}" if request.param == "installed" else f"-DSHMCOMM_SOURCE_DIR={ROOT}"
    is_as_users_do = generator == "Ninja"  # the other build is quicker so
    precompile = f"-DSHMCOMM_PRECOMPILE={'OFF' if is_as_users_do else 'ON'}"
    configured = project.configure(library, python_option, "-DCMAKE_BUILD_TYPE=Debug", precompile)
    assert configured.returncode == 0, configured.stdout
    project.make()
    return project


def work_done_in(output: str) -> list[str]:
    return [line for line in output.splitlines() if any(sign in line for sign in WORK_DONE)]


def test_subscriber_receives_what_the_publisher_sends(outside: Project, tmp_path: Path) -> None:
    environment = {**os.environ, "SHMCOMM_ROOT": f"/dev/shm/shmcomm-test-{tmp_path.name}-{os.getpid()}"}
    publisher = subprocess.Popen([outside.build / "robot_publisher"], env=environment)
    try:
        subscriber = subprocess.run(
            [outside.build / "robot_subscriber"], env=environment, capture_output=True, text=True, timeout=60
        )
    finally:
        publisher.terminate()
        publisher.wait()
        shutil.rmtree(environment["SHMCOMM_ROOT"], ignore_errors=True)

    assert subscriber.returncode == 0, subscriber.stderr
    lines = subscriber.stdout.splitlines()
    assert lines[0] == "image 320 x 240, 230400 bytes, first 128"
    assert len(lines) == 11 and all("z 9.81" in line for line in lines[1:])


def test_second_build_does_nothing(outside: Project) -> None:
    outside.make()

    assert work_done_in(outside.make()) == []


def test_touching_an_included_schema_generates_again_once(outside: Project) -> None:
    outside.make()
    (outside.source / "schema/geometry.fbs").touch()

    touched, after = outside.make(), outside.make()

    assert any("Generating from robot.channel" in line for line in work_done_in(touched)), touched
    assert work_done_in(after) == []


def test_changed_schema_reaches_the_programs(outside: Project) -> None:
    schema = outside.source / "schema/robot.channel"
    schema.write_text(schema.read_text().replace("capacity: 8;", "capacity: 16;"))

    changed, after = outside.make(), outside.make()

    assert any("Linking CXX executable" in line and "robot_publisher" in line for line in work_done_in(changed)), changed
    assert work_done_in(after) == []


def test_python_package_lies_in_the_build_tree(outside: Project) -> None:
    package = outside.build / "robot_msgs.shm/python/robot"

    assert sorted(path.name for path in package.iterdir() if path.is_file()) == [
        "__init__.py", "__init__.pyi", "py.typed", "robot.bfbs",
    ]
