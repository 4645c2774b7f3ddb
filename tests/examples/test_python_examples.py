# SPDX-License-Identifier: Apache-2.0
"""The programs of examples/python do what they say."""

from __future__ import annotations

import importlib.util
import os
import re
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


def start(name: str, *arguments: object, root: Path) -> subprocess.CompletedProcess[str]:
    built = {} if BUILD is None else {"PYTHONPATH": str(Path(BUILD) / "python")}
    environment = os.environ | built | {"SHMCOMM_ROOT": str(root)}
    command = [sys.executable, str(EXAMPLES / name), *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def run(name: str, *arguments: object, root: Path) -> str:
    done = start(name, *arguments, root=root)
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


LIBRARIES = ["shmcomm", "pyzmq ipc", "pyzmq tcp"] if importlib.util.find_spec("zmq") else ["shmcomm"]
COLUMNS = ["bytes", "min us", "mean us", "p50 us", "p99 us", "max us", "messages/s", "MB/s"]


def test_the_benchmark_compares_every_library_at_every_size(root: Path) -> None:
    lines = run("benchmark.py", "--sizes", 10, 100_000, "--rounds", 20, root=root).splitlines()

    heading, *rows = [re.split(r"  +", line.strip()) for line in lines[1:]]  # below the version of pyzmq
    assert heading == COLUMNS
    assert [row[:2] for row in rows] == [[name, size] for size in ("10", "100,000") for name in LIBRARIES]
    for row in rows:
        size, least, mean, median, p99, most, rate, megabytes = (float(value.replace(",", "")) for value in row[1:])
        assert 0 < least <= median <= p99 <= most and least <= mean <= most
        assert megabytes == pytest.approx(rate * size / 1e6, rel=0.01, abs=0.1)


def test_the_benchmark_plots_what_every_library_reached(root: Path, tmp_path: Path) -> None:
    run("benchmark.py", "--sizes", 10, 1000, "--rounds", 20, "--plot", tmp_path / "plot.svg", root=root)

    picture = ElementTree.parse(tmp_path / "plot.svg").getroot()
    assert picture.tag.endswith("svg")
    assert len(list(picture.iter("{http://www.w3.org/2000/svg}polyline"))) == len(LIBRARIES)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("missing/plot.svg", " cannot be written: No such file or directory"),
        ("folder.svg", " cannot be written: Is a directory"),
        ("plot.pdf", ": pictures are .svg, or .png where matplotlib is installed"),
    ],
)
def test_a_plot_that_cannot_be_written_is_told_before_anything_is_measured(root: Path, tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "folder.svg").mkdir()

    done = start("benchmark.py", "--plot", tmp_path / name, root=root)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == f"benchmark.py: error: argument --plot: {tmp_path / name}{why}"


def test_one_loop_follows_all_rooms(root: Path) -> None:
    lines = run("asyncio_example.py", root=root).splitlines()

    assert sorted(lines[:3]) == [f"{room}: 20.0 degrees" for room in ("cellar", "hall", "kitchen")]
    assert lines[3:] == [
        "example/temperature/hall: no message within 20 ms; wait longer, or see whether a publisher is open there"
    ]


def test_a_service_answers_and_refuses(root: Path) -> None:
    assert run("reqrep_example.py", root=root).splitlines() == [
        "{'status': 'ok', 'speed': 0.0}",
        "{'status': 'ok', 'speed': 0.5}",
        "refused: ValueError: too fast",
        "3 answers",
    ]


def test_workers_share_the_jobs(root: Path) -> None:
    assert run("pipeline_example.py", root=root) == "[0, 1, 4, 9, 16, 25, 36, 49, 64, 81]\n"
