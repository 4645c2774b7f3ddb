# SPDX-License-Identifier: Apache-2.0
"""A table of ten scalars, a string and sixteen floats: built and read by shmcomm, protobuf (upb) and `flatbuffers`.

shmcomm sends and receives it through a channel; the peers only build bytes and read them again, which flatters them.
Blocks of all of them alternate, so ratios hold where absolute times jump. Needs `protobuf` and flatc beside shmcomm.

    PYTHONPATH=<build>/python python bench/python/typed_peers.py
"""

from __future__ import annotations

import argparse
import importlib
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
BATCH = 32
SCALARS: dict[str, Any] = {
    "a": 1, "b": -2, "c": 3, "d": -4, "e": 5.5, "f": 6.5, "g": 7.5, "h": True, "i": 9, "j": 10,
}  # fmt: skip
NAME = "front left"
VALUES = [float(i) for i in range(16)]
ARRAY = np.arange(16, dtype=np.float32)
PROTOBUF_TYPES = {"a": 4, "b": 3, "c": 13, "d": 5, "e": 1, "f": 1, "g": 2, "h": 8, "i": 13, "j": 13}

Block = Callable[[], object]


def protobuf_class() -> Any:
    """The same message, declared without protoc."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    from google.protobuf.internal import api_implementation

    if api_implementation.Type() != "upb":
        print(f"note: protobuf runs on {api_implementation.Type()}, not on upb")
    file = descriptor_pb2.FileDescriptorProto(name="typed_peers.proto", package="typed_peers", syntax="proto3")
    message = file.message_type.add(name="Reading")
    for number, (name, kind) in enumerate([*PROTOBUF_TYPES.items(), ("name", 9)], 1):
        message.field.add(name=name, number=number, type=kind, label=1)
    message.field.add(name="values", number=12, type=2, label=3)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("typed_peers.Reading"))


def packages(folder: Path) -> tuple[Any, Any]:
    """shmcomm's package, and flatc's module of the same table."""
    repository = HERE.parents[1]
    sys.path[:0] = [str(repository / "generator"), str(folder)]
    command = [sys.executable, "-m", "shmcomm_gen", HERE / "typed_peers.channel", "-I", HERE, "--python", folder]
    subprocess.run(command, check=True, cwd=repository / "generator")
    subprocess.run(["flatc", "--python", "-o", folder / "flatc", HERE / "reading.fbs"], check=True)
    ours = importlib.import_module("typed_peers")
    sys.path.insert(0, str(folder / "flatc" / "typed_peers"))
    return ours, importlib.import_module("Reading")


def flatbuffers_blocks(module: Any) -> tuple[Callable[[], bytes], Callable[[bytes], object]]:
    import flatbuffers  # type: ignore[import-untyped]

    adders = [(getattr(module, f"ReadingAdd{name.upper()}"), value) for name, value in SCALARS.items()]

    def build() -> bytes:
        builder = flatbuffers.Builder(256)
        name = builder.CreateString(NAME)
        values = builder.CreateNumpyVector(ARRAY)
        module.ReadingStart(builder)
        for add, value in adders:
            add(builder, value)
        module.ReadingAddName(builder, name)
        module.ReadingAddValues(builder, values)
        builder.Finish(module.ReadingEnd(builder))
        return bytes(builder.Output())

    def read(data: bytes) -> object:
        m = module.Reading.GetRootAs(data, 0)
        return m.A(), m.B(), m.C(), m.D(), m.E(), m.F(), m.G(), m.H(), m.I(), m.J(), m.Name(), m.ValuesAsNumpy()

    return build, read


def read_fields(m: Any) -> object:
    return m.a, m.b, m.c, m.d, m.e, m.f, m.g, m.h, m.i, m.j, m.name, m.values


def blocks(pub: Any, sub: Any, flatc_module: Any) -> dict[str, Block]:
    reading = protobuf_class()
    build_flat, read_flat = flatbuffers_blocks(flatc_module)
    flat, proto = build_flat(), reading(**SCALARS, name=NAME, values=VALUES).SerializeToString()
    send, recv, parse = pub.send, sub.recv, reading.FromString
    return {
        "shmcomm, send": lambda: send(a=1, b=-2, c=3, d=-4, e=5.5, f=6.5, g=7.5, h=True, i=9, j=10, name=NAME, values=ARRAY),
        "shmcomm, recv + read all": lambda: read_fields(recv(timeout=100)),
        "protobuf, build": lambda: reading(
            a=1, b=-2, c=3, d=-4, e=5.5, f=6.5, g=7.5, h=True, i=9, j=10, name=NAME, values=VALUES
        ).SerializeToString(),
        "protobuf, parse + read all": lambda: read_fields(parse(proto)),
        "flatbuffers, build": build_flat,
        "flatbuffers, read all": lambda: read_flat(flat),
    }


def timed(block: Block, count: int) -> float:
    start = perf_counter_ns()
    for _ in range(count):
        block()
    return (perf_counter_ns() - start) / count


def measure(rounds: int, all_blocks: dict[str, Block]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in all_blocks}
    for _ in range(rounds):
        for name, block in all_blocks.items():
            times[name].append(timed(block, BATCH))
    return times


def ratio(times: dict[str, list[float]], ours: str, theirs: str) -> float:
    return statistics.median(a / b for a, b in zip(times[ours], times[theirs], strict=True))


def report(times: dict[str, list[float]]) -> None:
    for name, values in times.items():
        print(f"{name:28} p50 {statistics.median(values):8.0f} ns   min {min(values):8.0f} ns")
    send, read = "shmcomm, send", "shmcomm, recv + read all"
    print(f"\nsend / protobuf's build                {ratio(times, send, 'protobuf, build'):6.2f}   goal <= 1")
    print(f"recv + read / protobuf's parse + read  {ratio(times, read, 'protobuf, parse + read all'):6.2f}   goal <= 0.5")
    print(f"flatbuffers' build / send              {ratio(times, 'flatbuffers, build', send):6.1f}   goal >= 25")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=300)
    rounds = parser.parse_args().rounds
    folder = Path(tempfile.mkdtemp(prefix="shmcomm-typed-peers-", dir="/dev/shm"))
    try:
        ours, flatc_module = packages(folder)
        with ours.ReadingPublisher(root=folder) as pub, ours.ReadingSubscriber(root=folder) as sub:
            report(measure(rounds, blocks(pub, sub, flatc_module)))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
