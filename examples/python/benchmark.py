# SPDX-License-Identifier: Apache-2.0
"""How long a message takes to another process and back, and how many bytes go through, beside pyzmq.

    python benchmark.py [--sizes 10 1000 ...] [--rounds 1000] [--plot latency.svg]

One way is half a round trip. Both processes wait as their library waits by default. pyzmq (`pip install pyzmq`) is left out
where it is not installed. The library of each line is measured in blocks that alternate with the others'.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from time import perf_counter_ns
from typing import Any

SIZES = [10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000]
BLOCKS = 5

Ping = Callable[[bytes], Any]


class Shmcomm:
    """Two channels, there and back."""

    def __init__(self, folder: str, is_echo: bool) -> None:
        from shmcomm import Publisher, Subscriber

        there, back = ("back", "there") if is_echo else ("there", "back")
        self.sub = Subscriber(back, root=folder)
        self.pub = Publisher(there, root=folder)

    def send(self, message: Any) -> None:
        self.pub.send(message)

    def recv(self) -> Any:
        return self.sub.recv()


class Zmq:
    """A pair of sockets."""

    def __init__(self, address: str, is_echo: bool) -> None:
        import zmq

        self.socket: Any = zmq.Context.instance().socket(zmq.PAIR)
        (self.socket.connect if is_echo else self.socket.bind)(address)

    def send(self, message: Any) -> None:
        self.socket.send(message)

    def recv(self) -> Any:
        return self.socket.recv()


def echo(kind: type[Any], place: str) -> None:
    """Sends everything back until something empty comes."""
    end = kind(place, True)
    end.send(b"ready")
    while message := end.recv():
        end.send(message)
        del message  # lets its slot go before the wait
    end.send(b"bye")


def time_block(end: Any, message: bytes, rounds: int) -> list[float]:
    """One-way times in microseconds."""
    times = []
    for _ in range(rounds):
        start = perf_counter_ns()
        end.send(message)
        end.recv()
        times.append((perf_counter_ns() - start) / 2000)
    return times


def measure(kinds: dict[str, tuple[type[Any], str]], sizes: list[int], rounds: int) -> dict[str, dict[int, list[float]]]:
    """Times by library and size."""
    spawn = multiprocessing.get_context("spawn")
    ends = {name: kind(place, False) for name, (kind, place) in kinds.items()}
    processes = [spawn.Process(target=echo, args=arguments) for arguments in kinds.values()]
    for process in processes:
        process.start()
    for end in ends.values():
        end.recv()
    results: dict[str, dict[int, list[float]]] = {name: {} for name in kinds}
    for size in sizes:
        message = os.urandom(size)
        block = max(3, min(rounds, 200_000_000 // size) // BLOCKS)
        for _ in range(BLOCKS):
            for name, end in ends.items():
                results[name].setdefault(size, []).extend(time_block(end, message, block))
    for end in ends.values():
        end.send(b"")
        end.recv()
    for process in processes:
        process.join()
    return results


def report(results: dict[str, dict[int, list[float]]]) -> None:
    print(f"{'':14}{'bytes':>11}{'min':>10}{'mean':>10}{'p50':>10}{'p99':>10}{'max':>11}  us one way{'MB/s':>10}")
    for size in next(iter(results.values())):
        for name, times in results.items():
            taken = sorted(times[size])
            mean = statistics.fmean(taken)
            p99 = taken[min(len(taken) - 1, len(taken) * 99 // 100)]
            row = (taken[0], mean, statistics.median(taken), p99, taken[-1])
            print(f"{name:14}{size:11,}" + "".join(f"{value:10.1f}" for value in row[:4]), end="")
            print(f"{row[4]:11.1f}{'':12}{size / mean:10.1f}")


def plot(results: dict[str, dict[int, list[float]]], file: Path) -> None:
    """The medians as a picture, both axes logarithmic."""
    if file.suffix.lower() == ".svg":
        plot_svg(results, file)
    else:
        plot_png(results, file)


def plot_png(results: dict[str, dict[int, list[float]]], file: Path) -> None:
    pyplot = matplotlib()
    figure, axes = pyplot.subplots()
    for name, times in results.items():
        axes.loglog(list(times), [statistics.median(taken) for taken in times.values()], marker="o", label=name)
    axes.set(xlabel="bytes", ylabel="us one way, median")
    axes.legend()
    figure.savefig(file, format="png")


def matplotlib() -> Any:
    """pyplot, drawing to files only; ImportError where it is not installed."""
    module = import_module("matplotlib")
    module.use("Agg")
    return import_module("matplotlib.pyplot")


def picture(text: str) -> Path:
    """A file that can be written: told before anything is measured."""
    file = Path(text)
    if file.suffix.lower() == ".png":
        try:
            matplotlib()
        except ImportError:
            raise argparse.ArgumentTypeError(f"{text}: a PNG needs matplotlib; name an .svg, which needs nothing") from None
    elif file.suffix.lower() != ".svg":
        raise argparse.ArgumentTypeError(f"{text}: pictures are .svg, or .png where matplotlib is installed")
    return file


def plot_svg(results: dict[str, dict[int, list[float]]], file: Path) -> None:
    from math import log10

    colours = ("#1f77b4", "#d62728", "#2ca02c")
    medians = {name: {size: statistics.median(t) for size, t in times.items()} for name, times in results.items()}
    sizes = list(next(iter(medians.values())))
    every = [value for values in medians.values() for value in values.values()]
    low, high = log10(min(every)) - 0.1, log10(max(every)) + 0.1
    span = max(log10(sizes[-1]) - log10(sizes[0]), 1e-9)

    def place(size: int, value: float) -> str:
        x = 70 + 520 * (log10(size) - log10(sizes[0])) / span
        return f"{x:.1f},{360 - 320 * (log10(value) - low) / (high - low):.1f}"

    parts = ['<svg xmlns="http://www.w3.org/2000/svg" width="640" height="420" font-family="sans-serif" font-size="12">']
    parts.append('<rect width="640" height="420" fill="white"/><text x="70" y="25">one way, median, us by bytes</text>')
    for size in sizes:
        x, _, _ = place(size, 10**low).partition(",")
        parts.append(f'<line x1="{x}" y1="40" x2="{x}" y2="360" stroke="#ddd"/><text x="{x}" y="378">{size:,}</text>')
    for power in range(int(low) - 1, int(high) + 1):
        if low <= power <= high:
            _, _, y = place(sizes[0], 10.0**power).partition(",")
            parts.append(f'<line x1="70" y1="{y}" x2="590" y2="{y}" stroke="#ddd"/><text x="10" y="{y}">{10.0**power:g}</text>')
    for row, (name, values) in enumerate(medians.items()):
        points = " ".join(place(size, value) for size, value in values.items())
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colours[row]}" stroke-width="2"/>')
        parts.append(f'<text x="{80 + 150 * row}" y="405" fill="{colours[row]}">{name}</text>')
    file.write_text("\n".join([*parts, "</svg>"]) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--rounds", type=int, default=5000)
    parser.add_argument("--plot", type=picture, help="write the medians as a picture: .svg, or .png with matplotlib")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        kinds: dict[str, tuple[type[Any], str]] = {"shmcomm": (Shmcomm, folder)}
        try:
            import zmq

            kinds["pyzmq ipc"] = (Zmq, f"ipc://{folder}/zmq")
            kinds["pyzmq tcp"] = (Zmq, f"tcp://127.0.0.1:{20000 + os.getpid() % 20000}")
            print(f"pyzmq {zmq.__version__}")
        except ImportError:
            print("pyzmq is not installed: shmcomm alone")
        results = measure(kinds, options.sizes, options.rounds)
    report(results)
    if options.plot:
        plot(results, options.plot)


if __name__ == "__main__":
    main()
