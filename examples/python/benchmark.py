# SPDX-License-Identifier: Apache-2.0
"""How long a message takes to another process and back, and how many go through, beside pyzmq.

    python benchmark.py [--sizes 10 1000 ...] [--rounds 1000] [--plot latency.svg]

One way is half a round trip. Throughput is a stream in one direction of which nothing is lost, until its last message has
arrived. Both processes wait as their library waits by default. pyzmq (`pip install pyzmq`) is left out where it is not
installed. The libraries are measured in blocks that alternate.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import tempfile
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter_ns
from typing import Any, NamedTuple

SIZES = [10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000]
BLOCKS = 5
LARGEST_BLOCK = 40_000_000  # bytes: large messages are sent less often
COLUMNS = ("min us", "mean us", "p50 us", "p99 us", "max us", "messages/s", "MB/s")


class Shmcomm:
    """Two channels, there and back. `place` is the folder of both."""

    def __init__(self, place: str, is_echo: bool) -> None:
        from shmcomm import Publisher, Subscriber

        there, back = ("back", "there") if is_echo else ("there", "back")
        self.place = place
        self.sub = Subscriber(back, root=place, reliable=True)
        self.pub = Publisher(there, root=place, reliable=True, timeout=None)

    def send(self, message: Any) -> None:
        self.pub.send(message)

    def recv(self) -> Any:
        return self.sub.recv()


class Zmq:
    """A pair of sockets. `place` is the address; of a port *, the one that was free."""

    def __init__(self, place: str, is_echo: bool) -> None:
        import zmq

        self.socket: Any = zmq.Context.instance().socket(zmq.PAIR)
        (self.socket.connect if is_echo else self.socket.bind)(place)
        self.place: str = self.socket.getsockopt_string(zmq.LAST_ENDPOINT)

    def send(self, message: Any) -> None:
        self.socket.send(message)

    def recv(self) -> Any:
        return self.socket.recv()


def answer(kind: type[Any], place: str, orders: Connection) -> None:
    """The other process: echoes as many messages as it is told, or answers the last of a stream."""
    end = kind(place, True)
    orders.send("ready")
    while order := orders.recv():
        is_stream, count = order
        for _ in range(count):
            message = end.recv()
            if not is_stream:
                end.send(message)
            del message  # lets its slot go before the wait
        if is_stream:
            end.send(b"all here")


class Contender(NamedTuple):
    end: Any
    orders: Any  # of a pipe
    process: Any

    def time_round_trips(self, message: bytes, rounds: int) -> list[float]:
        """One-way times in microseconds."""
        self.orders.send((False, rounds))
        times = []
        for _ in range(rounds):
            start = perf_counter_ns()
            self.end.send(message)
            self.end.recv()
            times.append((perf_counter_ns() - start) / 2000)
        return times

    def time_stream(self, message: bytes, count: int) -> float:
        """Messages a second."""
        self.orders.send((True, count))
        start = perf_counter_ns()
        for _ in range(count):
            self.end.send(message)
        self.end.recv()
        return count * 1e9 / (perf_counter_ns() - start)

    def stop(self) -> None:
        self.orders.send(None)
        self.process.join()


def start(kind: type[Any], place: str) -> Contender:
    spawn = multiprocessing.get_context("spawn")
    end = kind(place, False)
    ours, theirs = multiprocessing.Pipe()
    process = spawn.Process(target=answer, args=(kind, end.place, theirs))
    process.start()
    ours.recv()
    return Contender(end, ours, process)


class Figures(NamedTuple):
    one_way_us: list[float]
    messages_per_s: list[float]


Results = dict[str, dict[int, Figures]]  # by library and size


def measure(kinds: dict[str, tuple[type[Any], str]], sizes: list[int], rounds: int) -> Results:
    contenders = {name: start(kind, place) for name, (kind, place) in kinds.items()}
    results: Results = {name: {} for name in kinds}
    for size in sizes:
        message = os.urandom(size)
        count = max(3, min(rounds // BLOCKS, LARGEST_BLOCK // size))
        for _ in range(BLOCKS):
            for name, contender in contenders.items():
                figures = results[name].setdefault(size, Figures([], []))
                figures.one_way_us.extend(contender.time_round_trips(message, count))
                figures.messages_per_s.append(contender.time_stream(message, min(10 * count, max(count, LARGEST_BLOCK // size))))
    for contender in contenders.values():
        contender.stop()
    return results


def report(results: Results) -> None:
    """Times are one way, rates the median of the blocks."""
    print(f"{'':14}{'bytes':>11}" + "".join(f"{column:>12}" for column in COLUMNS))
    for size in next(iter(results.values())):
        for name, of_sizes in results.items():
            taken = sorted(of_sizes[size].one_way_us)
            p99 = taken[min(len(taken) - 1, len(taken) * 99 // 100)]
            rate = statistics.median(of_sizes[size].messages_per_s)
            row = (taken[0], statistics.fmean(taken), statistics.median(taken), p99, taken[-1], rate, rate * size / 1e6)
            print(f"{name:14}{size:11,}" + "".join(f"{value:12,.1f}" for value in row))


def medians_of(results: Results) -> dict[str, dict[int, float]]:
    """Microseconds one way by library and size."""
    return {name: {size: statistics.median(of.one_way_us) for size, of in sizes.items()} for name, sizes in results.items()}


def plot(medians: dict[str, dict[int, float]], file: Path) -> None:
    """The medians as a picture, both axes logarithmic."""
    if file.suffix.lower() == ".svg":
        plot_svg(medians, file)
    else:
        plot_png(medians, file)


def plot_png(medians: dict[str, dict[int, float]], file: Path) -> None:
    pyplot = matplotlib()
    figure, axes = pyplot.subplots()
    for name, values in medians.items():
        axes.loglog(list(values), list(values.values()), marker="o", label=name)
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
    try:
        file.open("ab").close()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text} cannot be written: {error.strerror}") from None
    return file


def plot_svg(medians: dict[str, dict[int, float]], file: Path) -> None:
    from math import log10

    colours = ("#1f77b4", "#d62728", "#2ca02c")
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
            kinds["pyzmq tcp"] = (Zmq, "tcp://127.0.0.1:*")
            print(f"pyzmq {zmq.__version__}")
        except ImportError:
            print("pyzmq is not installed: shmcomm alone")
        results = measure(kinds, options.sizes, options.rounds)
    report(results)
    if options.plot:
        plot(medians_of(results), options.plot)


if __name__ == "__main__":
    main()
