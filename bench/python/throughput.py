# SPDX-License-Identifier: Apache-2.0
"""Messages of 64 bytes from one Python process to another as fast as they go, none lost: shmcomm and pyzmq over ipc.

From the first send to the last receive; runs alternate, medians are reported. Two free cores are needed. Needs pyzmq.

    PYTHONPATH=<build>/python python bench/python/throughput.py [--runs 5]
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import tempfile
from collections.abc import Callable
from multiprocessing.connection import Connection
from time import perf_counter_ns

import zmq

from shmcomm import Publisher, Subscriber

SMALL = b"x" * 64
COUNT = 1_000_000

Run = Callable[[str, Connection], None]


def receive_many(folder: str, parent: Connection) -> None:
    with Subscriber("burst", reliable=True, capacity=1024, root=folder) as sub:
        parent.send("ready")
        got = 0
        while got < COUNT:
            got += len(sub.recv_many(1024))
        parent.send(perf_counter_ns())


def receive_one_by_one(folder: str, parent: Connection) -> None:
    with Subscriber("burst", reliable=True, capacity=1024, root=folder) as sub:
        parent.send("ready")
        for _ in range(COUNT):
            sub.recv()
        parent.send(perf_counter_ns())


def receive_zmq(folder: str, parent: Connection) -> None:
    socket = zmq.Context.instance().socket(zmq.PULL)
    socket.bind(f"ipc://{folder}/zmq")
    parent.send("ready")
    for _ in range(COUNT):
        socket.recv()
    parent.send(perf_counter_ns())


def send(folder: str) -> None:
    with Publisher("burst", reliable=True, capacity=1024, timeout=None, root=folder) as pub:
        for _ in range(COUNT):
            pub.send(SMALL)


def send_zmq(folder: str) -> None:
    socket = zmq.Context.instance().socket(zmq.PUSH)
    socket.connect(f"ipc://{folder}/zmq")
    for _ in range(COUNT):
        socket.send(SMALL)


def on_the_other_core(receive: Run, folder: str, parent: Connection) -> None:
    os.sched_setaffinity(0, {1})
    receive(folder, parent)


def rate(receive: Run, send: Callable[[str], None], folder: str) -> float:
    parent, child = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=on_the_other_core, args=(receive, folder, child))
    process.start()
    parent.recv()
    start = perf_counter_ns()
    send(folder)
    end = parent.recv()
    process.join()
    return COUNT / (end - start) * 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    os.sched_setaffinity(0, {0})
    contenders: dict[str, tuple[Run, Callable[[str], None], float]] = {
        "recv_many": (receive_many, send, 1_000_000),
        "recv, one by one": (receive_one_by_one, send, 400_000),
        "pyzmq": (receive_zmq, send_zmq, 0),
    }
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(runs):
        for name, (receive, send_all, _) in contenders.items():
            with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
                rates[name].append(rate(receive, send_all, folder))
    for name, (_, _, goal) in contenders.items():
        ratio = statistics.median(a / b for a, b in zip(rates[name], rates["pyzmq"], strict=True))
        least, most = min(rates[name]), max(rates[name])
        spread = f"{statistics.median(rates[name]):12,.0f} messages/s ({least:,.0f}-{most:,.0f})"
        print(f"{name:20}{spread}, {ratio:.1f} x pyzmq" + (f"; goal {goal:,}" if goal else ""))


if __name__ == "__main__":
    main()
