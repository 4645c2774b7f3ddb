# SPDX-License-Identifier: Apache-2.0
"""The examples of the patterns: both ends as processes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "patterns"
LANGUAGES = ("cpp", "python")


class Programs:
    """The examples of a build, on a root of their own. Whatever still runs at the end is killed."""

    def __init__(self, build: Path, root: Path) -> None:
        self._folder = build / "examples" / "patterns"
        paths = [build / "python", self._folder / "warehouse_msgs.shm" / "python"]
        self._environment = os.environ | {
            "SHMCOMM_ROOT": str(root),
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self._started: list[subprocess.Popen[str]] = []

    def start(self, language: str, name: str, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(self._command(language, name, arguments), env=self._environment, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
        self._started.append(process)
        return process

    def run(self, language: str, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self._command(language, name, arguments), env=self._environment, text=True, capture_output=True)

    def _command(self, language: str, name: str, arguments: tuple[str, ...]) -> list[str]:
        program = [str(self._folder / name)] if language == "cpp" else [sys.executable, str(EXAMPLES / f"{name}.py")]
        return [*program, *arguments]

    def stop(self) -> None:
        for process in self._started:
            process.kill()
            process.communicate()


@pytest.fixture
def root() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="shmcomm-patterns-", dir="/dev/shm"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def programs(root: Path) -> Iterator[Programs]:
    build = os.environ.get("SHMCOMM_BUILD_DIR")
    if not build:
        pytest.skip("SHMCOMM_BUILD_DIR does not name a build folder")
    made = Programs(Path(build), root)
    yield made
    made.stop()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("reader", LANGUAGES)
@pytest.mark.parametrize("writer", LANGUAGES)
def test_pubsub_shows_where_the_robot_is(programs: Programs, writer: str, reader: str) -> None:
    publisher = programs.start(writer, "pubsub_publisher")

    listened = programs.run(reader, "pubsub_subscriber", "3")

    assert listened.returncode == 0, listened.stderr
    assert [line.split(" at ")[0] for line in listened.stdout.splitlines()] == ["robot"] * 3
    assert publisher.poll() is None


@pytest.mark.timeout(120)
@pytest.mark.parametrize("killed_one", LANGUAGES)
@pytest.mark.parametrize("writer", LANGUAGES)
def test_pushpull_sorts_every_parcel_once_though_an_arm_is_killed(programs: Programs, writer: str, killed_one: str) -> None:
    pusher = programs.start(writer, "pushpull_pusher", "200")
    assert pusher.stdout is not None and pusher.stdout.readline() == "giving out 200 parcels\n"
    arms = [programs.start(language, "pushpull_puller", "3") for language in (killed_one, *LANGUAGES)]

    assert arms[0].stdout is not None
    first = arms[0].stdout.readline()
    arms[0].kill()
    killed = arms[0].stdout.read()  # communicate() would not know of what readline() has read ahead
    arms[0].wait()
    _, complaint = pusher.communicate()
    sorted_by_others = [arm.communicate()[0] for arm in arms[1:]]

    assert pusher.returncode == 0, complaint
    assert [arm.returncode for arm in arms[1:]] == [0, 0]
    parcels = [line.split()[1] for text in (first, killed, *sorted_by_others) for line in text.splitlines() if line.endswith(".")]
    assert set(parcels) == {str(parcel) for parcel in range(200)}
    assert len(parcels) in (200, 201)   # one may have been sorted by the killed arm, which could not say so any more


@pytest.mark.timeout(120)
@pytest.mark.parametrize("replying", LANGUAGES)
@pytest.mark.parametrize("asking", LANGUAGES)
def test_reqrep_answers_and_stops_cleanly(programs: Programs, root: Path, asking: str, replying: str) -> None:
    replier = programs.start(replying, "reqrep_replier")
    attempts = iter(lambda: programs.run(asking, "reqrep_requester", "3", "7"), None)   # the replier may still be starting

    answered = next(attempt for attempt in attempts if attempt.returncode == 0)
    refused = programs.run(asking, "reqrep_requester", "3", "700")
    backwards = programs.run(asking, "reqrep_requester", "2", "0")
    replier.send_signal(signal.SIGINT)
    said, complaint = replier.communicate()

    assert answered.stdout == "3 4 5 6 7 (6 m)\n"
    assert refused.returncode == 1 and "there are 100 shelves" in refused.stderr
    assert backwards.stdout == "2 1 0 (3 m)\n"
    assert (replier.returncode, complaint) == (0, "")
    assert said == "planned 3 routes\n"
    assert list(root.iterdir()) == []


@pytest.mark.timeout(120)
def test_ctrl_c_ends_what_runs_for_ever_without_a_traceback(programs: Programs, root: Path) -> None:
    publisher, subscriber, arm = [
        programs.start("python", name) for name in ("pubsub_publisher", "pubsub_subscriber", "pushpull_puller")
    ]
    assert subscriber.stdout is not None and subscriber.stdout.readline().startswith("robot at")
    pusher = programs.run("python", "pushpull_pusher", "1")
    assert arm.stdout is not None and arm.stdout.readline().startswith("sorted 0"), pusher.stderr

    for process in (publisher, subscriber, arm):
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate()
        assert (process.returncode, complaint) == (0, "")
    assert list(root.iterdir()) == []
