# SPDX-License-Identifier: Apache-2.0
"""The programs of examples/python do what they say."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "python"

BUILD = os.environ.get("SHMCOMM_BUILD_DIR")

pytestmark = pytest.mark.skipif(
    BUILD is None and importlib.util.find_spec("shmcomm") is None,
    reason="shmcomm is not installed, and SHMCOMM_BUILD_DIR names no build",
)


def run(name: str, *arguments: object, root: Path) -> str:
    built = {} if BUILD is None else {"PYTHONPATH": str(Path(BUILD) / "python")}
    environment = os.environ | built | {"SHMCOMM_ROOT": str(root)}
    command = [sys.executable, str(EXAMPLES / name), *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("root")


def test_commands_reach_the_robot(root: Path) -> None:
    output = run("simple_pubsub.py", root=root)

    assert output.splitlines() == ["robot got {'cmd': 'move', 'pos': [1.0, 2.0, 3.0]}", "robot got {'cmd': 'stop'}"]


def test_images_are_shared(root: Path) -> None:
    lines = run("numpy_sharing.py", root=root).splitlines()

    assert lines[:5] == [f"image {n} (480, 640, 3) uint8 mean {float(n)}" for n in range(5)]
    assert lines[5].startswith("path of 10 points; pose [0. 0. 0.]")


def test_the_benchmark_reports_and_plots(root: Path, tmp_path: Path) -> None:
    output = run("benchmark.py", "--sizes", 10, 100_000, "--rounds", 20, "--plot", tmp_path / "plot.svg", root=root)

    rows = [line for line in output.splitlines() if line.startswith("shmcomm ")]
    assert len(rows) == 2 and "p99" in output
    assert ElementTree.parse(tmp_path / "plot.svg").getroot().tag.endswith("svg")


def test_one_loop_follows_all_rooms(root: Path) -> None:
    lines = run("asyncio_example.py", root=root).splitlines()

    assert sorted(lines[:3]) == [f"{room}: 20.0 degrees" for room in ("cellar", "hall", "kitchen")]
    assert lines[3:] == ["example/temperature/hall: no message within 20 ms"]


def test_a_service_answers_and_refuses(root: Path) -> None:
    assert run("reqrep_example.py", root=root).splitlines() == [
        "{'status': 'ok', 'speed': 0.0}",
        "{'status': 'ok', 'speed': 0.5}",
        "refused: ValueError: too fast",
        "3 answers",
    ]


def test_workers_share_the_jobs(root: Path) -> None:
    assert run("pipeline_example.py", root=root) == "[0, 1, 4, 9, 16, 25, 36, 49, 64, 81]\n"
