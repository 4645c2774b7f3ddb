# SPDX-License-Identifier: Apache-2.0
"""Python without a schema beside pyzmq: latency of small and large messages between two processes, and throughput.

Every figure is measured in short blocks that alternate between the two libraries; what is reported is the median of the
ratios of neighbouring blocks, because absolute times jump with the machine's mood. The goals are those of ratios. Two free
cores are needed: on a busy machine the figures mean little. Needs pyzmq.

    PYTHONPATH=<build>/python python bench/python/untyped.py [--rounds 20]
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import tempfile
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

import numpy as np
import zmq

from shmcomm import Publisher, Subscriber

SMALL = b"x" * 64
COMMAND = {"cmd": "move", "pos": [1.0, 2.0, 3.0]}
LARGE = np.zeros(1 << 20)
BURST = 20_000
STOP = b""


class Shm:
    """Spins and sleeps by the library's own rules; `spinning` never sleeps."""

    def __init__(self, folder: str, is_echo: bool) -> None:
        there, back = ("back", "there") if is_echo else ("there", "back")
        self.sub, self.pub = Subscriber(back, root=folder), Publisher(there, root=folder)

    def spinning(self, message: Any) -> None:
        self.pub.send(message)
        while self.sub.try_recv(self) is self:
            pass

    def object(self, message: Any) -> None:
        self.pub.send(message)
        self.sub.recv()

    array = object

    def recv(self) -> Any:
        return self.sub.recv()

    def stop(self) -> None:
        self.pub.send(STOP)
        self.sub.recv()

    def echo(self) -> None:
        send, try_recv, recv = self.pub.send, self.sub.try_recv, self.sub.recv
        send("ready")
        while True:
            message = try_recv(self)
            if message is self:
                continue
            send(message)
            if isinstance(message, str) and message == "sleep":
                while (message := recv()) != "spin":
                    send(message)
                send(message)
            elif isinstance(message, memoryview) and not message:
                return
            del message


class Zmq:
    def __init__(self, address: str, is_echo: bool) -> None:
        self.socket = zmq.Context.instance().socket(zmq.PAIR)
        (self.socket.connect if is_echo else self.socket.bind)(address)

    def spinning(self, message: Any) -> None:
        self.socket.send(message)
        while True:
            try:
                self.socket.recv(zmq.NOBLOCK)
                return
            except zmq.Again:
                pass

    def object(self, message: Any) -> None:
        self.socket.send_pyobj(message)
        self.socket.recv_pyobj()

    def array(self, message: Any) -> None:
        self.socket.send(message, copy=False)
        np.frombuffer(self.socket.recv(copy=False))

    def recv(self) -> Any:
        return self.socket.recv_pyobj()

    def stop(self) -> None:
        self.socket.send(STOP)
        self.socket.recv()

    def echo(self) -> None:
        """Wakes for every message: a spinning pyzmq polls a descriptor all the same."""
        self.socket.send_pyobj("ready")
        while len(message := self.socket.recv(copy=False)) > 0:
            self.socket.send(message, copy=False)
        self.socket.send(STOP)


def echo(kind: type[Any], place: str) -> None:
    kind(place, True).echo()


def block(call: Callable[[Any], None], message: Any, count: int) -> float:
    """The median round trip, microseconds."""
    times = []
    for _ in range(count):
        start = perf_counter_ns()
        call(message)
        times.append((perf_counter_ns() - start) / 1000)
    return statistics.median(times)


def latencies(rounds: int, folder: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    places: dict[type[Any], str] = {Shm: folder, Zmq: f"ipc://{folder}/zmq"}
    ends = [kind(place, False) for kind, place in places.items()]
    # One after the other: an echo that spins beside another's measurement would take its core.
    figures = {
        "64 B bytes, both spinning": ("spinning", SMALL, 2000, 0.1),
        "small dict, round trip": ("object", COMMAND, 1000, 0.2),
        "8 MiB array": ("array", LARGE, 10, 0.01),
    }
    times: dict[str, dict[int, list[float]]] = {name: {0: [], 1: []} for name in figures}
    for _ in range(rounds):
        for which, (kind, place) in enumerate(places.items()):
            process = spawn.Process(target=echo, args=(kind, place))
            process.start()
            end = ends[which]
            end.recv()
            for name, (method, message, count, _) in figures.items():
                if which == 0 and method == "object":
                    end.object("sleep")
                times[name][which].append(block(getattr(end, method), message, count))
                if which == 0 and method == "object":
                    end.object("spin")
            end.stop()
            process.join()
    print(f"{'round trip / 2':34}{'shmcomm us':>12}{'pyzmq us':>12}{'ratio':>8}{'goal':>8}")
    for name, (_, _, _, goal) in figures.items():
        ours, theirs = times[name][0], times[name][1]
        ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
        print(f"{name:34}{statistics.median(ours) / 2:12.2f}{statistics.median(theirs) / 2:12.2f}{ratio:8.3f}{goal:8.2f}")


def drain(folder: str, is_ready: Any, is_many: bool) -> None:
    with Subscriber("burst", reliable=True, capacity=4096, root=folder) as sub:
        is_ready.set()
        got = 0
        while got < BURST * 10:
            got += len(sub.recv_many(4096)) if is_many else len([sub.recv()])


def throughput(folder: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    for is_many, goal in ((True, 1_000_000), (False, 400_000)):
        is_ready = spawn.Event()
        process = spawn.Process(target=drain, args=(folder, is_ready, is_many))
        process.start()
        is_ready.wait()
        with Publisher("burst", reliable=True, capacity=4096, timeout=None, root=folder) as pub:
            start = perf_counter_ns()
            for _ in range(BURST * 10):
                pub.send(SMALL)
            process.join()
        rate = BURST * 10 / ((perf_counter_ns() - start) / 1e9)
        print(f"{'recv_many' if is_many else 'recv, one by one':34}{rate:12,.0f} messages/s; goal {goal:,}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    print(f"pyzmq {zmq.__version__}, {os.cpu_count()} cores\n")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        latencies(rounds, folder)
        throughput(folder)


if __name__ == "__main__":
    main()
