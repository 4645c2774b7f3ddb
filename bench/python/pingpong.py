# SPDX-License-Identifier: Apache-2.0
"""One way between two Python processes, each figure beside its limit or its peer.

Blocks of all contenders alternate; reported is the median of the ratios of neighbouring blocks, because absolute times jump
with the machine's mood. One process answers, and sleeps between blocks; each has a core of its own, unless it is said that
they share one. Two free cores are needed: on a busy machine the figures mean little. Needs pyzmq and a C compiler.

    PYTHONPATH=<build>/python python bench/python/pingpong.py [--rounds 20]
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import sys
import tempfile
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter_ns

import contenders as c


@dataclass
class Figure:
    """`ours` against `theirs`: times the limit at most, or so many microseconds above it. Without a goal it explains another."""

    name: str
    ours: type[c.Contender]
    theirs: type[c.Contender]
    goal: float | None
    is_sum: bool = False
    is_one_core: bool = False


FIGURES = (
    Figure("typed struct of 64 B / bare extension", c.Typed, c.Bare, 1.5),
    Figure("64 B, spinning / pyzmq", c.ShmSpinning, c.ZmqSpinning, 0.1),
    Figure("small dict, awake / pyzmq", c.ShmDict, c.ZmqDict, 0.2),
    Figure("small dict, asleep, one core - futex", c.ShmDictAsleep, c.BareFutex, 5.0, is_sum=True, is_one_core=True),
    Figure("8 MiB array, made in place / pyzmq", c.ShmArrayInPlace, c.ZmqArray, 0.01),
    Figure("8 MiB array, copied once / pyzmq", c.ShmArray, c.ZmqArray, 1.0),
    Figure("8 MiB, one memcpy and no message / pyzmq", c.Memcpy, c.ZmqArray, None),
    Figure("8 MiB array, copied once / memcpy", c.ShmArray, c.Memcpy, None),
)


def answer(folder: Path, orders: Connection) -> None:
    """The other process: a block of answers by one contender for each order."""
    ends = {kind.__name__: kind(folder, True) for kind in kinds()}
    orders.send("ready")
    while order := orders.recv():
        name, core = order
        os.sched_setaffinity(0, {core})
        end = ends[name]
        orders.send("ready")
        for _ in range(end.count):
            end.pong()


def kinds() -> list[type[c.Contender]]:
    return list(dict.fromkeys(kind for figure in FIGURES for kind in (figure.ours, figure.theirs)))


def block(end: c.Contender) -> float:
    """The median of half a round trip, microseconds."""
    times = []
    for _ in range(end.count):
        start = perf_counter_ns()
        end.ping()
        times.append((perf_counter_ns() - start) / 2000)
    return statistics.median(times)


def measure(rounds: int, folder: Path) -> dict[str, tuple[list[float], list[float]]]:
    times: dict[str, tuple[list[float], list[float]]] = {figure.name: ([], []) for figure in FIGURES}
    ends = {kind: kind(folder, False) for kind in kinds()}
    orders, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=answer, args=(folder, theirs))
    process.start()
    orders.recv()
    os.sched_setaffinity(0, {0})
    for _ in range(rounds):
        for figure in FIGURES:
            for which, kind in enumerate((figure.ours, figure.theirs)):
                orders.send((kind.__name__, 0 if figure.is_one_core else 1))
                orders.recv()
                times[figure.name][which].append(block(ends[kind]))
    orders.send(None)
    process.join()
    return times


def report(times: dict[str, tuple[list[float], list[float]]]) -> None:
    print(f"{'one way, p50':42}{'ours us':>10}{'other us':>10}{'ratio or difference':>22}{'goal':>7}")
    for figure in FIGURES:
        ours, theirs = times[figure.name]
        pairs = [a - b if figure.is_sum else a / b for a, b in zip(ours, theirs, strict=True)]
        spread = f"{statistics.median(pairs):.3f} ({min(pairs):.3f}-{max(pairs):.3f})"
        goal = "" if figure.goal is None else f"{figure.goal:7.2f}"
        print(f"{figure.name:42}{statistics.median(ours):10.2f}{statistics.median(theirs):10.2f}{spread:>22}{goal}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    print(f"Python {sys.version.split()[0]}, pyzmq {c.zmq.__version__}, {rounds} rounds\n")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        c.build_bare(Path(name))
        report(measure(rounds, Path(name)))


if __name__ == "__main__":
    main()
