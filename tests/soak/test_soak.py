# SPDX-License-Identifier: Apache-2.0
"""Chaos: processes in C++ and Python on channels of all patterns, and a nemesis that does one of its deeds every few
milliseconds: it kills, stops, forks, executes anew, lets leave and join, removes a channel, fills the memory. What was
taken is checked afterwards, message by message, job by job, call by call.

SHMCOMM_SOAK_MIN is how long it lasts, in minutes (a fraction of one by default); SHMCOMM_SEED repeats a run's choices."""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from accounts import Totals, check_calls, check_jobs, check_log, check_refusals, check_rests
from small_tmpfs import SmallTmpfs

HERE = Path(__file__).resolve().parent
SECONDS = float(os.environ.get("SHMCOMM_SOAK_MIN", "0.2")) * 60
# The channels with anchors. Who opens such an end cleans up after the dead.
CLEANING_ENDS = {
    "calls": "CallsRequester",
    "jobs": "JobsPuller",
    "quiet": "QuietSubscriber",
    "reliable": "ReliableSubscriber",
    "shared": "SharedSubscriber",
}
CHANNEL_FILES = ("lock", "meta", "readers")
# The one that asks has a directory for the replies; none has a wake file.
OF_ANCHORS = [
    *[f"soak%2Fcalls/{name}" for name in (*CHANNEL_FILES, "reply", "reply/lock", "reply/readers", "reply/ring", "ring")],
    *[f"soak%2F{channel}/{name}" for channel in CLEANING_ENDS if channel != "calls" for name in (*CHANNEL_FILES, "ring")],
]


@dataclass
class Seat:
    """One process; when it dies, it is replaced by the next generation."""

    role: str
    channel: str
    language: str
    way: str
    source: int
    generation: int = 0
    process: subprocess.Popen[bytes] | None = None
    is_leaving: bool = False


def all_seats() -> list[Seat]:
    seats = [
        *["publish shared cpp take"] * 2, "publish shared python take", "publish sole cpp take", *["publish reliable cpp take"] * 2,
        "read shared cpp take", "read shared cpp set", "read shared cpp crowd", "read shared cpp descriptor", "read shared python loop",
        "read sole cpp take", "read reliable cpp take", "read reliable cpp crowd", "read reliable cpp descriptor", "read reliable python take",
        *["push jobs cpp take"] * 2, "push jobs python take",
        "pull jobs cpp take", "pull jobs cpp set", "pull jobs cpp crowd", "pull jobs cpp descriptor", "pull jobs python take",
        *["call calls cpp take"] * 2, "call calls python take", "serve calls cpp take", "serve calls python take",
        *[f"anchor {channel} cpp take" for channel in CLEANING_ENDS],
    ]  # fmt: skip
    return [Seat(*seat.split(), source=source) for source, seat in enumerate(seats)]


class Chaos:
    def __init__(self, build: Path, root: Path, logs: Path, seed: int) -> None:
        self.build = build
        self.root = root
        self.logs = logs
        self.random = random.Random(seed)
        self.seats = all_seats()
        self.tmpfs: SmallTmpfs | None = None
        self.is_full = False
        self.fills: list[tuple[int, int]] = []
        self.kills = 0
        self.interpreters = 0
        self.deeds = 0
        self.left_beside_anchors: list[str] = []
        python_path = [build / "python", build / "tests/soak/soak_msgs.shm/python"]
        self.environment = os.environ | {
            "SHMCOMM_ROOT": str(self.root),
            "PYTHONPATH": os.pathsep.join(map(str, python_path)),
        }

    def start(self, seat: Seat) -> None:
        program = [self.build / "tests/soak/soak_participant"]
        if seat.language == "python":
            program = [Path(sys.executable), HERE / "participant.py"]
        seat.generation += 1
        seat.is_leaving = False
        log = self.logs / f"{seat.role}.{seat.channel}.{seat.source}"
        words = [*program, seat.role, seat.channel, seat.source, seat.generation, log, seat.way]
        seat.process = subprocess.Popen([str(word) for word in words], env=self.environment)

    def strike(self) -> None:
        """One deed of the nemesis. Interpreters are struck more seldom: each takes a while to come back."""
        is_python = self.random.random() < 0.06
        seats = [seat for seat in self.seats if seat.role != "anchor" and (seat.language == "python") == is_python]
        seat = self.random.choice(seats)
        self.deeds += 1
        if seat.is_leaving:
            self.join(seat)
            return
        getattr(self, self.random.choice([*["kill"] * 9, "stop", "execute", "fork", "remove", "leave", "fill"]))(seat)

    def kill(self, seat: Seat) -> None:
        assert seat.process is not None
        seat.process.kill()
        assert seat.process.wait() == -signal.SIGKILL, f"{seat} had ended by itself"
        self.kills += 1
        self.interpreters += seat.language == "python"
        self.start(seat)

    def meanwhile(self) -> None:
        for _deed in range(self.random.randrange(4)):
            self.strike()
            time.sleep(self.random.random() * 0.005)

    def leave(self, seat: Seat) -> None:
        assert seat.process is not None
        seat.process.terminate()
        seat.process.send_signal(signal.SIGCONT)
        seat.is_leaving = True

    def join(self, seat: Seat) -> None:
        assert seat.process is not None
        status = seat.process.poll()
        if status is not None:
            assert status == 0, f"{seat} ended with {status}"
            self.start(seat)

    def stop(self, seat: Seat) -> None:
        process = seat.process
        assert process is not None
        process.send_signal(signal.SIGSTOP)
        time.sleep(self.random.random() * 0.01)
        self.meanwhile()
        process.send_signal(signal.SIGCONT)

    def execute(self, seat: Seat) -> None:
        assert seat.process is not None
        seat.process.send_signal(signal.SIGUSR1)

    def fork(self, seat: Seat) -> None:
        assert seat.process is not None
        seat.process.send_signal(signal.SIGUSR2)

    def remove(self, _: Seat) -> None:
        """A channel under those who use it, or one of its files."""
        directory = self.root / "default" / "sole"
        chance = self.random.random()
        if chance < 0.1:
            shutil.rmtree(directory, ignore_errors=True)
        elif chance < 0.2:
            with contextlib.suppress(OSError, IndexError):  # nobody may be there
                (directory / self.random.choice(sorted(os.listdir(directory)))).unlink()

    def fill(self, _: Seat) -> None:
        """Other deeds go on while the memory is full, or has room for a few pages."""
        if self.tmpfs is None or self.is_full:
            return
        begun_ns = time.monotonic_ns()
        if not self.tmpfs.fill(self.random.choice([0, 0, self.random.randrange(64) << 12])):
            return
        self.is_full = True
        self.meanwhile()
        self.tmpfs.empty()
        self.is_full = False
        self.fills.append((begun_ns, time.monotonic_ns()))

    def end(self) -> None:
        """Who gives out jobs and asks goes first, who is attached to the end goes last."""
        for roles in (("push", "call"), ("publish", "read", "pull", "serve"), ("anchor",)):
            if roles == ("anchor",):
                self.left_beside_anchors = self.list_beside_anchors()
            seats = [seat for seat in self.seats if seat.role in roles]
            for seat in seats:
                assert seat.process is not None
                if not seat.is_leaving:  # an interpreter that is being taken down has no handlers any more
                    seat.process.terminate()
            for seat in seats:
                assert seat.process is not None
                assert seat.process.wait(60) == 0, seat

    def list_beside_anchors(self) -> list[str]:
        """What lies in the channels that go on, once one more has opened an end of each and so cleaned up after the dead.
        Without the numbers in the names, and without data files: those of jobs that are not done stay, and of messages."""
        program = "import soak; " + "; ".join(f"soak.{end}().close()" for end in CLEANING_ENDS.values())
        subprocess.run([sys.executable, "-c", program], env=self.environment, check=True)
        paths = [path for channel in CLEANING_ENDS for path in (self.root / "default" / f"soak%2F{channel}").rglob("*")]
        names = sorted(path.relative_to(self.root / "default").as_posix() for path in paths)
        return [re.sub(r"\.\d+", "", name) for name in names if "/pub." not in name]

    def end_at_once(self) -> None:
        for seat in self.seats:
            if seat.process is not None and seat.process.poll() is None:
                seat.process.kill()
                seat.process.wait()


@pytest.fixture
def chaos() -> Iterator[Chaos]:
    build = os.environ.get("SHMCOMM_BUILD_DIR")
    if not build:
        pytest.skip("SHMCOMM_BUILD_DIR does not name a build folder")
    seed = int(os.environ.get("SHMCOMM_SEED", random.randrange(1 << 32)))
    print(f"SHMCOMM_SEED={seed}")
    root = Path(tempfile.mkdtemp(prefix="shmcomm-soak-", dir="/dev/shm"))
    logs = Path(tempfile.mkdtemp(prefix="shmcomm-soak-"))  # hundreds of megabytes in a long run: not in memory
    made = Chaos(Path(build), root, logs, seed)
    try:
        made.tmpfs = SmallTmpfs(root)
    except PermissionError:
        print("soak: no right to mount, the memory is never full")
    # Inherited by the participants, who let the signals in once they have handlers for them.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2))
    try:
        yield made
    finally:
        made.end_at_once()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if made.tmpfs is not None:
            made.tmpfs.unmount()
        shutil.rmtree(root)
        shutil.rmtree(logs)


@pytest.mark.timeout(SECONDS + 240)
def test_chaos_disturbs_no_message(chaos: Chaos) -> None:
    for seat in chaos.seats:
        chaos.start(seat)
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        chaos.strike()
        time.sleep(chaos.random.random() * 0.005)
    chaos.end()

    totals = Totals()
    wrongs = []
    for log in sorted([*chaos.logs.glob("publish.*"), *chaos.logs.glob("read.*")]):
        wrongs += check_log(log, totals)
    wrongs += check_jobs(chaos.logs, totals) + check_calls(chaos.logs, totals)
    wrongs += check_refusals(chaos.logs, chaos.fills, totals) + check_rests(chaos.logs)
    print(
        f"soak seconds {SECONDS:.0f} deeds {chaos.deeds} kills {chaos.kills} interpreters {chaos.interpreters}"
        f" fills {len(chaos.fills)} refused {totals.refused} sessions {totals.sessions}"
        f" taken {totals.taken} lost {totals.lost} jobs {totals.jobs} again {totals.again}"
        f" calls {totals.calls} unanswered {totals.unanswered}"
    )
    assert wrongs == []
    assert min(totals.taken, totals.jobs, totals.calls) > 0
    assert chaos.tmpfs is None or chaos.tmpfs.used() == chaos.tmpfs.used_at_first
    assert chaos.left_beside_anchors == OF_ANCHORS
    assert sorted(chaos.root.rglob("*")) == []
