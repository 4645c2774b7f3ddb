# SPDX-License-Identifier: Apache-2.0
"""What a message costs Python: sending ten keyword fields, and receiving a waiting message and reading ten scalars.

Each figure stands beside the cost of a bare call into C and a bare attribute of C, measured in the same run in
alternating blocks, because absolute times jump with the machine's mood. Not measured: waking, other processes.

    PYTHONPATH=<build>/python python bench/python/hot_path.py
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from time import perf_counter_ns
from typing import Any

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
BATCH = 32

Block = Callable[[], float]


def load_package(out: Path) -> Any:
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "generator")}
    command = [sys.executable, "-m", "shmcomm_gen", str(HERE / "hot_path.channel"), "-I", str(HERE), "--python", str(out)]
    subprocess.run(command, check=True, env=environment)
    sys.path.insert(0, str(out))
    return importlib.import_module("hot_path")


def bare_call() -> float:
    call = sys.getrecursionlimit
    start = perf_counter_ns()
    for _ in range(BATCH):
        call()
    return (perf_counter_ns() - start) / BATCH


def bare_attribute() -> float:
    day = date(2000, 1, 1)
    start = perf_counter_ns()
    for _ in range(BATCH):
        day.day
    return (perf_counter_ns() - start) / BATCH


def send_ten(pub: Any) -> float:
    send = pub.send
    start = perf_counter_ns()
    for n in range(BATCH):
        send(a=n, b=-2, c=3, d=-4, e=5.5, f=6.5, g=7.5, h=True, i=9, j=10)
    return (perf_counter_ns() - start) / BATCH


def receive_and_read_ten(sub: Any) -> float:
    recv = sub.recv
    start = perf_counter_ns()
    for _ in range(BATCH):
        m = recv(timeout=100)
        m.a, m.b, m.c, m.d, m.e, m.f, m.g, m.h, m.i, m.j
    return (perf_counter_ns() - start) / BATCH


def send_struct(pub: Any) -> float:
    send = pub.send
    start = perf_counter_ns()
    for n in range(BATCH):
        send(stamp_ns=n, x=1.0, y=2.0, z=3.0)
    return (perf_counter_ns() - start) / BATCH


def receive_struct(sub: Any) -> float:
    recv = sub.recv
    start = perf_counter_ns()
    for _ in range(BATCH):
        m = recv(timeout=100)
        m.stamp_ns, m.x, m.y, m.z
    return (perf_counter_ns() - start) / BATCH


def read_scalar(message: Any) -> float:
    start = perf_counter_ns()
    for _ in range(BATCH):
        message.c
    return (perf_counter_ns() - start) / BATCH


def measure(rounds: int, root: Path, hot_path: Any) -> dict[str, list[float]]:
    """Nanoseconds of each block in every round."""
    value = hot_path.Ten(a=1, c=3)
    with (
        hot_path.TenPublisher(root=root) as pub,
        hot_path.TenSubscriber(root=root) as sub,
        hot_path.PosePublisher(root=root) as pose_pub,
        hot_path.PoseSubscriber(root=root) as pose_sub,
    ):
        blocks: dict[str, Block] = {
            "bare call into C": bare_call,
            "bare attribute of C": bare_attribute,
            "scalar read": lambda: read_scalar(value),
            "send, 10 keyword fields": lambda: send_ten(pub),
            "recv + read 10 scalars": lambda: receive_and_read_ten(sub),
            "send, struct of 4": lambda: send_struct(pose_pub),
            "recv + read struct of 4": lambda: receive_struct(pose_sub),
        }
        times: dict[str, list[float]] = {name: [] for name in blocks}
        for _ in range(rounds):
            for name, block in blocks.items():
                times[name].append(block())
    return times


def report(times: dict[str, list[float]]) -> None:
    call = times["bare call into C"]
    print(f"Python {platform.python_version()}, {platform.machine()}, blocks of {BATCH}, {len(call)} rounds\n")
    print(f"{'':28}{'p50 ns':>9}{'p99 ns':>9}{'min ns':>9}{'x bare call (median of per-round ratios)':>44}")
    for name, values in times.items():
        p99 = statistics.quantiles(values, n=100)[98]
        ratio = statistics.median(value / bare for value, bare in zip(values, call, strict=True))
        print(f"{name:28}{statistics.median(values):9.0f}{p99:9.0f}{min(values):9.0f}{ratio:44.1f}")
    pairs = zip(times["scalar read"], times["bare attribute of C"], strict=True)
    print(f"\nscalar read / bare attribute of C: {statistics.median(read / bare for read, bare in pairs):.2f}; goal <= 2")
    print("goals: send of 10 keyword fields <= 2500 ns, recv + 10 scalar reads <= 1500 ns")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2000)
    rounds = parser.parse_args().rounds
    folder = Path(tempfile.mkdtemp(prefix="shmcomm-hot-path-", dir="/dev/shm"))
    try:
        report(measure(rounds, folder / "root", load_package(folder / "package")))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
