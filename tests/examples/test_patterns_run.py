# SPDX-License-Identifier: Apache-2.0
"""The examples of the patterns: both ends as processes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


class Programs:
    """The built examples, on a root of their own. Whatever still runs at the end is killed."""

    def __init__(self, folder: Path, root: Path) -> None:
        self._folder = folder
        self._environment = os.environ | {"SHMCOMM_ROOT": str(root)}
        self._started: list[subprocess.Popen[str]] = []

    def start(self, name: str, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen([self._folder / name, *arguments], env=self._environment, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
        self._started.append(process)
        return process

    def run(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([self._folder / name, *arguments], env=self._environment, text=True, capture_output=True)

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
    made = Programs(Path(build) / "examples" / "patterns", root)
    yield made
    made.stop()


@pytest.mark.timeout(120)
def test_pubsub_shows_where_the_robot_is(programs: Programs) -> None:
    publisher = programs.start("pubsub_publisher")

    listened = programs.run("pubsub_subscriber", "3")

    assert listened.returncode == 0, listened.stderr
    assert [line.split(" at ")[0] for line in listened.stdout.splitlines()] == ["robot"] * 3
    assert publisher.poll() is None


@pytest.mark.timeout(120)
def test_pushpull_sorts_every_parcel_once_though_an_arm_is_killed(programs: Programs) -> None:
    pusher = programs.start("pushpull_pusher", "200")
    assert pusher.stdout is not None and pusher.stdout.readline() == "giving out 200 parcels\n"
    arms = [programs.start("pushpull_puller", "3") for _ in range(3)]

    assert arms[0].stdout is not None
    first = arms[0].stdout.readline()
    arms[0].kill()
    killed, _ = arms[0].communicate()
    _, complaint = pusher.communicate()
    sorted_by_others = [arm.communicate()[0] for arm in arms[1:]]

    assert pusher.returncode == 0, complaint
    assert [arm.returncode for arm in arms[1:]] == [0, 0]
    parcels = [line.split()[1] for text in (first, killed, *sorted_by_others) for line in text.splitlines() if line.endswith(".")]
    assert set(parcels) == {str(parcel) for parcel in range(200)}
    assert len(parcels) in (200, 201)   # one may have been sorted by the killed arm, which could not say so any more


@pytest.mark.timeout(120)
def test_reqrep_answers_and_stops_cleanly(programs: Programs, root: Path) -> None:
    replier = programs.start("reqrep_replier")
    attempts = iter(lambda: programs.run("reqrep_requester", "3", "7"), None)   # the replier may still be starting

    answered = next(attempt for attempt in attempts if attempt.returncode == 0)
    refused = programs.run("reqrep_requester", "3", "700")
    replier.send_signal(signal.SIGINT)
    said, _ = replier.communicate()

    assert answered.stdout == "3 4 5 6 7 (6 m)\n"
    assert refused.returncode == 1 and "there are 100 shelves" in refused.stderr
    assert replier.returncode == 0
    assert said == "planned 2 routes\n"
    assert list(root.iterdir()) == []
